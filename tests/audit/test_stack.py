"""The stack on a log: what it decides, and that the audit, the sweep and the simulation are one estimate."""

from __future__ import annotations

import itertools
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

import llmcost
from llmcost import pricing
from llmcost.audit import savings
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import ledger
from llmcost.audit.prefixes import Prefix
from llmcost.audit.prompt_caching import PromptCaching
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack, Wanted
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.recommend.simulate import Scenario, SimulationFacts, simulate
from llmcost.recommend.simulated import SimulateResult
from llmcost.recommend.stacking import stacked_bills
from llmcost.strategies import (
    CachePolicy,
    CascadePlan,
    Compressed,
    Compressor,
    Grader,
    Swap,
    Tier,
    stack,
    stacked,
)
from llmcost.strategies.parts import parts
from llmcost.strategies.response_cache import hits

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "october.jsonl"
BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0, cache_read=0.25, batch_discount=0.5)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.15, output=0.6, cache_read=0.075)),
    }
)
UNCHANGED = Scenario()
FACTS = SimulationFacts("0", SourceSummary(["october.jsonl"], ["openai_pairs"], 0, 0, []), "computed")


def stack_of(log: list[dict[str, Any]], ttl_s: float = 1300.0, capacity: int | None = None) -> Stack:
    calls = table(log)
    entries = ledger(calls, pricing.price(calls, BOOK))
    return Stack(
        entries,
        BOOK,
        CachePolicy(ttl_s, capacity),
        (),
        Exemplars(calls, entries.costs, lambda chosen: [None] * len(chosen)),
    )


def simulated(log: list[dict[str, Any]], scenario: Scenario = UNCHANGED, ttl_s: float = 1300.0) -> SimulateResult:
    return simulate(stack_of(log, ttl_s), scenario, FACTS)


@costly
@given(rows(), st.sampled_from([{}, {"chat": "gpt-4o-mini"}, {"chat": "gpt-4o", "code": "gpt-4o-mini"}]))
def test_steps_and_shares_sum_to_the_difference_of_the_bills(log, model_map):
    found = simulated(log, Scenario(model_map=model_map))
    if found.before.logged_usd is None:
        assert (found.steps, found.shares, found.change) == ([], [], None)
        return
    saved = found.before.logged_usd - found.after.logged_usd
    close = {"rel": 1e-9, "abs": 1e-12}
    assert math.fsum(step.before_usd - step.after_usd for step in found.steps) == pytest.approx(saved, **close)
    assert math.fsum(share.shapley_usd for share in found.shares) == pytest.approx(saved, **close)
    unmapped = simulated(log)
    assert found.totals.no_answer_change == unmapped.totals.no_answer_change
    assert unmapped.totals.no_answer_change.usd_logged == pytest.approx(
        unmapped.before.logged_usd - unmapped.after.logged_usd, **close
    )
    assert (found.totals.potential is None) == (not model_map)
    assert {step.basis for step in found.steps if step.strategy == "model_map"} <= {"potential"}


@costly
@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(log, random):
    shuffled = log.copy()
    random.shuffle(shuffled)
    scenario = Scenario(model_map={"chat": "gpt-4o-mini"}, sweep=True)
    assert simulated(log, scenario) == simulated(shuffled, scenario)


@costly
@given(rows(), st.sampled_from([None, 1, 2]))
def test_the_sweep_counts_what_the_cache_answers(log, capacity):
    stack = stack_of(log, capacity=capacity)
    found = simulate(stack, Scenario(sweep=True), FACTS)
    for row in found.sweep:
        hit = hits(stack.entries.calls, CachePolicy(row.ttl_s, capacity))
        of_task = np.array([row.task in (None, each["task"]) for each in log], dtype=bool)
        assert (row.calls, row.hits) == (of_task.sum(), (hit & of_task).sum())
        priced = hit & of_task & stack.entries.priced
        assert (row.saved_usd or 0.0) == pytest.approx(stack.entries.costs[priced].sum(), rel=1e-9, abs=1e-12)


def test_what_is_not_priced_afterwards_saves_nothing():
    log = [{"task": "chat", "request_model": "gpt-4o", "input_tokens": 10_000, "output_tokens": 0}]
    stack = stack_of(log)
    after = stack.after({"model_map": {"chat": Swap("unheard-of-1")}})
    assert np.isnan(stack.priced(after)).all()
    assert stack.total(after) == stack.bill


NIGHTLY = {"call_site": "nightly·1", "task": "label", "request_model": "gpt-4o", "messages": 1, "output_tokens": 10,
           "input_tokens": 4000, "cache_read_tokens": 0}  # fmt: skip


def nightly(prefix: float) -> Stack:
    """300 calls of one place in two bursts, days apart: a machine at work, whose prompts begin alike so far."""
    log = [{**NIGHTLY, "prompt": n, "at": 172_800.0 * day + n * 0.5, "source": 0, "position": 150 * day + n, "part": 0}
           for day in (0, 1) for n in range(150)]  # fmt: skip
    made = with_prefix(stack_of(log), prefix)
    assert made.batches
    return made


def with_prefix(made: Stack, prefix: float) -> Stack:
    found = {"nightly·1": Prefix(9, prefix, prefix, None, 0.0, False, False)}
    vars(made)["caching"] = PromptCaching(made.entries, found, made.priced, made.worth_saying)
    return made


@pytest.mark.parametrize(("prefix", "chosen"), [(0.0, "batch_api"), (1500.0, "batch_api"), (3900.0, "prompt_cache")])
def test_each_place_gets_what_takes_more_off(prefix, chosen):
    """Reading costs a tenth: a long shared beginning beats half of everything, a short one does not."""
    stack = nightly(prefix)
    found = stack.evidence(Wanted(response_cache=False))
    assert list(found) == [chosen]
    alone = [stack.evidence(Wanted(False, batch, not batch)) for batch in (True, False)]
    assert stack.total(stack.after(found)) == min(stack.total(stack.after(each)) for each in alone)
    assert stack.no_answer_change() == pytest.approx(stack.bill - stack.total(stack.after(found)))


@costly
@given(rows(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1500.0, 3900.0]))
def test_what_is_decided_and_billed_part_by_part_is_that_of_the_whole_log(log, batch, tasks, prefix):
    names = itertools.cycle(["label", "chat", "code"][: tasks + 1])
    machine = [{**NIGHTLY, "prompt": n, "at": 172_800.0 * day + n * 0.5, "task": next(names)}
               for day in (0, 1) for n in range(110)]  # fmt: skip
    wanted = Wanted(batch_api=batch, swaps={"chat": Swap("gpt-4o-mini", 0.7, 1.3)})
    found = []
    for least in (1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            for module in (savings, stack):
                patch.setattr(module, "parts", partial(parts, least=least))
            each = with_prefix(stack_of(log + machine), prefix)
            evidence = each.evidence(wanted)
            found.append((each, evidence, stacked_bills(each, evidence)))
    (one, decided, billed), (_, other, whole) = found
    assert decided.keys() == other.keys() and decided.get("prompt_cache") == other.get("prompt_cache")
    if "batch_api" in decided:
        np.testing.assert_array_equal(decided["batch_api"].rows, other["batch_api"].rows)
    assert (billed.usd, billed.latency_p95_ms) == (whole.usd, whole.latency_p95_ms)
    for subset, dollars in enumerate(billed.usd):
        made = [step for bit, step in enumerate(billed.changes) if subset >> bit & 1]
        assert dollars == one.total(stacked(one.entries.calls, made))


CLIMB = CascadePlan((Tier(Swap("gpt-4o-mini"), 0.4, Grader("gpt-4o-mini", 500.0, 1.0)),))
MEASURED = {
    "cascade": {"label": CLIMB},
    "compression": {"label": Compressed(0.6, 1.0, Compressor("gpt-4o-mini", 0.9, 0.4), prefix_tokens=3000)},
    "model_map": {"label": Swap("gpt-4o-mini", 0.9, 1.1)},
}


@pytest.mark.parametrize(
    "steps", [["cascade"], ["compression"], ["compression", "cascade"], ["compression", "model_map"]]
)
@pytest.mark.parametrize("prefix", [0.0, 3900.0])
def test_what_is_free_is_decided_behind_what_was_measured_whatever_attempts_that_adds(steps, prefix):
    """A prompt cache and a Batch API are weighed on timelines with more rows than calls; the bill stays exact."""
    stack = nightly(prefix)
    evidence = stack.evidence(Wanted(measured={name: MEASURED[name] for name in steps}))
    assert evidence.keys() >= set(steps)
    billed = stacked_bills(stack, evidence)
    assert billed.usd[-1] == pytest.approx(stack.total(stack.after(evidence)), rel=1e-9)
    without = {name: each for name, each in evidence.items() if name in steps or name == "response_cache"}
    assert billed.usd[-1] <= stack.total(stack.after(without)) * (1 + 1e-9)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


def test_the_simulation_is_the_audits_own_estimate(sample: Path) -> None:
    found = llmcost.simulate([str(SAMPLE)], workspace=sample)
    audited = llmcost.audit([str(SAMPLE)], workspace=sample).result
    promised = audited.potential.no_answer_change.usd_logged
    assert found.result.totals.no_answer_change.usd_logged == pytest.approx(promised, rel=1e-9)
    assert found.result.before.logged_usd == pytest.approx(audited.totals.cost_usd)
    assert len(found.steps) == 2 and set(found.shares.strategy) == {"response_cache", "batch_api"}
    assert found.render("json") == llmcost.simulate([str(SAMPLE)], workspace=sample).render("json")


def test_alone_the_steps_save_more_than_together(sample: Path) -> None:
    found = llmcost.simulate([str(SAMPLE)], workspace=sample, model_map={"classify": "Qwen/Qwen3-8B"}, cache_ttl="24h")
    saved = found.result.before.logged_usd - found.result.after.logged_usd
    assert sum(share.alone_usd for share in found.result.shares) > saved
    assert "Never add those up" in found.render("table", width=200)
    assert len(found.sweep) == 0
