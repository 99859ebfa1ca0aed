"""What must hold for every log format: how a log is stored, split and ordered does not change what it says."""

from __future__ import annotations

import copy
import itertools
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import forms
from support.mutations import FIXTURES, perturbed, records_of

from llmcost import logs
from llmcost.logs.formats import BUILTIN
from llmcost.logs.model import RepeatingFormat, SequentialFormat

BOOKKEEPING = ("source", "position", "part", "call_site")
NAMES = sorted(BUILTIN)

# A session names its model once and every later record leans on that: such a file is one whole, in its order.
IN_ORDER = sorted(name for name, form in BUILTIN.items() if isinstance(form, SequentialFormat))
ANY_ORDER = sorted(set(NAMES) - set(IN_ORDER))

# Their records are documents (spans, events of a session, a provider's bodies) that no exporter writes as flat columns.
DOCUMENTS = {"anthropic-batches", "anthropic-messages", "azure-apim", "bedrock", "claude-code", "codex", "langfuse",
             "openinference", "openrouter", "otel-genai", "vercel-ai-sdk"}  # fmt: skip
TABLES = sorted(set(NAMES) - DOCUMENTS)
# In these fixtures one field has several types, which typed columns cannot have.
STRUCTS = sorted(set(NAMES) - {"bedrock", "langfuse", "openinference", "otel-genai"})

# Of the copies of a call the fullest counts, and of equally full ones the first read.
FIRST_READ = {"claude-code"}
# Of the parts or copies of a call the order decides where they contradict one another, as odd ones do.
CONTRADICTORY = {"azure-apim", *(name for name, form in BUILTIN.items() if isinstance(form, RepeatingFormat))}

few = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))


def fixture(name: str) -> list[dict[str, Any]]:
    """The records of a format's fixture, whatever files they are in."""
    return [record for file in sorted((FIXTURES / name).glob("in.*")) for record in records_of(file)]


def read(files: Iterable[tuple[str, bytes]], form: str | None = None) -> logs.Log:
    with TemporaryDirectory() as folder:
        for name, content in files:
            (Path(folder) / name).write_bytes(content)
        return logs.read([folder], logs.ReadOptions(format=form), call_site=lambda call: None)


def said(log: logs.Log) -> tuple[list[str], int, int]:
    """Every call without its place, in an order of its own; the records and how many were rejected."""
    rows = log.calls.table.drop_columns(list(BOOKKEEPING)).to_pylist()
    return sorted(repr({**row, "tags": sorted(row["tags"])}) for row in rows), log.records, log.rejected


def split(records: Sequence[dict[str, Any]], cuts: Iterable[int]) -> list[tuple[str, bytes]]:
    edges = [0, *sorted(cut % (len(records) + 1) for cut in cuts), len(records)]
    pieces = [records[low:high] for low, high in itertools.pairwise(edges) if low < high]
    return [(f"{number:02}.jsonl", forms.jsonl(piece)) for number, piece in enumerate(pieces)]


@pytest.mark.parametrize("name", NAMES)
def test_compression_and_container_change_nothing(name: str) -> None:
    records = fixture(name)
    whole = said(read([("log.jsonl", forms.jsonl(records))]))
    for form, written in forms.SAME.items():
        assert said(read([(form, written(records))])) == whole, form


@pytest.mark.parametrize("name", NAMES)
@few
@given(st.integers(0, 2**32))
def test_they_change_nothing_of_odd_records_either(name: str, seed: int) -> None:
    records = perturbed(fixture(name), random.Random(seed))
    whole = said(read([("log.jsonl", forms.jsonl(records))], name))
    for form in ("log.jsonl.gz", "frames.jsonl.zst", "log.json"):
        assert said(read([(form, forms.SAME[form](records))], name)) == whole, form


@pytest.mark.parametrize("name", ANY_ORDER)
@few
@given(st.lists(st.integers(0, 100), max_size=3), st.booleans(), st.integers(0, 2**32))
def test_splitting_a_log_over_files_changes_nothing(name: str, cuts: list[int], odd: bool, seed: int) -> None:
    records = perturbed(fixture(name), random.Random(seed)) if odd else fixture(name)
    whole = said(read([("log.jsonl", forms.jsonl(records))], name))
    assert said(read(split(records, cuts), name)) == whole


@pytest.mark.parametrize("name", sorted(set(ANY_ORDER) - FIRST_READ))
@few
@given(st.booleans(), st.integers(0, 2**32))
def test_the_order_of_the_lines_changes_nothing(name: str, odd: bool, seed: int) -> None:
    choose = random.Random(seed)
    records = perturbed(fixture(name), choose) if odd and name not in CONTRADICTORY else fixture(name)
    shuffled = copy.copy(records)
    choose.shuffle(shuffled)
    whole = said(read([("log.jsonl", forms.jsonl(records))], name))
    assert said(read([("log.jsonl", forms.jsonl(shuffled))], name)) == whole


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_of_a_table_say_what_the_records_said(name: str) -> None:
    records = fixture(name)
    whole = said(read([("log.jsonl", forms.jsonl(records))], name))
    for form, written in forms.COLUMNS.items():
        tables = [(f"{number:02}{form}", written(some)) for number, some in enumerate(forms.by_shape(records))]
        assert said(read(tables, name)) == whole, form


@pytest.mark.parametrize("name", STRUCTS)
def test_typed_columns_say_what_the_records_said(name: str) -> None:
    records = fixture(name)
    whole = said(read([("log.jsonl", forms.jsonl(records))], name))
    tables = [(f"{number:02}.parquet", forms.structs(some)) for number, some in enumerate(forms.by_shape(records))]
    assert said(read(tables, name)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_log_and_its_copy_make_up_two_logs_unless_copies_are_one_call(name: str) -> None:
    records = fixture(name)
    once = read([("a.jsonl", forms.jsonl(records))])
    twice = read([("a.jsonl", forms.jsonl(records)), ("b.jsonl", forms.jsonl(records))])
    assert twice.records == 2 * once.records and twice.rejected == 2 * once.rejected
    assert len(twice.calls) in (len(once.calls), 2 * len(once.calls))


def test_records_survive_being_written_as_json() -> None:
    for name in NAMES:
        assert json.loads(json.dumps(fixture(name))) == fixture(name)
