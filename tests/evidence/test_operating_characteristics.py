"""The fast part of the benchmark of the same name: how often the rule is wrong in worlds of known truth."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "operating_characteristics.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("operating_characteristics", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def assert_met(rows):
    missed = [f"{row.name}: {row.measured:.4f} not in [{row.at_least}, {row.at_most}]" for row in rows if not row.met]
    assert not missed


def test_at_the_margin_it_is_wrong_as_often_as_promised(bench):
    assert_met(list(bench.size_rows((150, 400))))


def test_no_plan_at_the_margin_is_wrong_more_often(bench):
    assert_met([bench.plan_row(1_000)])


def test_far_worse_never_passes(bench):
    assert_met(list(bench.far_worse_rows((150, 400))))


def test_an_equal_candidate_passes(bench):
    assert_met(list(bench.power_rows()))


def test_intervals_cover(bench):
    assert_met(list(bench.coverage_rows(2_000, (150, 400))))


def test_without_deflation_a_noisy_judge_fools_it(bench):
    assert_met(list(bench.judge_rows(1_000)))


def test_graded_differences_keep_the_level(bench):
    assert_met(list(bench.graded_rows(300, (150,))))


def test_samples_by_cost_keep_the_level_wherever_the_losses_are(bench):
    assert_met(list(bench.weights_rows(600, (200,))))


def test_savings_intervals_cover_a_heavy_tail(bench):
    assert_met([bench.savings_row(400, 500, 1.5, 1.0)])
