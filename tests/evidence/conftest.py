"""The worlds of the benchmark, for the fast part of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def benchmark_command() -> Iterator[ModuleType]:
    """`benchmarks/operating_characteristics.py`, its worlds as attributes."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield import_module("operating_characteristics")
    finally:
        sys.path.remove(str(BENCHMARKS))
