"""Laws that hold of every registered strategy, whatever the log and whatever it rests on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.billed import Priced
from support.call_tables import MODELS, rows, table
from support.examples import costly

from llmcost import pricing
from llmcost.calls import APP_CACHE, HIT, SCHEMA, Calls, empty
from llmcost.config import ModelPriceOverride, ModelSettings
from llmcost.logs.sketch import sketches
from llmcost.strategies import (
    BUILTINS,
    STACK,
    Batched,
    Batches,
    Bills,
    CachePolicy,
    CanWait,
    CascadePlan,
    Change,
    Compressed,
    Compressor,
    Grader,
    NearPolicy,
    PrefixEvidence,
    Swap,
    Tier,
    bills,
    changes,
    shapley,
    stack,
    stacked,
    strategies,
    waterfall,
)
from llmcost.strategies.attempts import LOCATOR, NO_ANSWERS, latency_p95
from llmcost.strategies.parts import parts
from llmcost.strategies.response_cache import answered

BOOK = pricing.load(
    {
        "gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0, cache_read=1.25, batch_discount=0.5)),
        "gpt-4o-mini": ModelSettings(price=ModelPriceOverride(input=0.15, output=0.6, cache_read=0.075)),
    }
)
PRICED = st.sampled_from(MODELS[:2])
SITES = ("chat·1", "code·2")
QUESTIONS = [
    "How long does a transfer to another bank take before it arrives?",
    "how long does a transfer to another bank take before it arrives",
    "How long does a transfer to another bank take until it arrives?",
    "Why was my card declined at the restaurant yesterday evening?",
]
SKETCHES = sketches(QUESTIONS).to_pylist()
TASKS = ("chat", "code", "absent")
TTL = st.sampled_from([0.0, 20.0, 1300.0, 86400.0])
LATENCIES = st.none() | st.just(np.array([100.0, 200.0, 700.0]))


@st.composite
def logs(draw: Any) -> list[dict[str, Any]]:
    """Small logs of two call sites, every call with its place in a file: some with all kinds of gaps, most busy."""
    log = draw(rows(max_size=16)) if draw(st.integers(0, 3)) == 0 else busy(draw(st.integers(0, 10**6)))
    for place, row in enumerate(log):
        row |= {"source": 0, "position": 40 * place, "part": 0}
    return log


def busy(seed: int) -> list[dict[str, Any]]:
    """A log in which there is something to do for every strategy: repeats, long prompts, calls close in time."""
    dice = Random(seed)
    return [busy_row(dice) for _ in range(dice.randint(6, 20))]


def busy_row(dice: Random) -> dict[str, Any]:
    def mostly(usual: Any, *others: Any) -> Any:
        return usual if dice.random() < 0.8 else dice.choice([usual, *others])

    question, tokens, written = dice.randrange(4), dice.choice([900, 4000, 4001]), dice.choice([1, 8, 300])
    read = mostly(dice.choice([0, 1024]), None, tokens)
    return {
        "at": mostly(5.0 * dice.randrange(12), None),
        "prompt": question,
        "sketch": SKETCHES[question],
        "user": mostly(None, "a"),
        "task": mostly("chat", "code", None),
        "call_site": mostly(SITES[0], SITES[1], None),
        "operation": mostly("chat", "embeddings"),
        "request_model": mostly("gpt-4o", "gpt-4o-mini", "unheard-of-1", None),
        "provider": mostly("openai", None),
        "service_tier": mostly(None, "default", "batch"),
        "input_tokens": mostly(tokens, None, 0),
        "cache_read_tokens": read,
        "cache_write_tokens": mostly(None, 0, (tokens - (read or 0)) // 2),
        "output_tokens": mostly(written, None, 0),
        "reasoning_tokens": mostly(None, written // 2),
        "latency_ms": dice.choice([None, 5.0, 5.0, 40.0, 900.0]),
        "finish_reason": mostly("stop", "length", None),
        "error_type": mostly(None, "rate_limit"),
        "logged_cost_usd": dice.choice([None, 1.0]),
        "messages": mostly(2, 1, 6),
        "prompt_bytes": mostly(20_000, None, 100),
        "session_key": mostly(None, b"s" * 16),
        "weight": mostly(None, 2.5),
        "tags": mostly(None, {APP_CACHE: HIT}),
    }


SWAPS = st.builds(
    Swap,
    model=PRICED,
    input_token_ratio=st.sampled_from([0.5, 1.0]),
    output_token_ratio=st.sampled_from([0.5, 1.0, 3.0]),
    latencies_ms=LATENCIES,
    cache_read=st.booleans(),
)
GRADERS = st.builds(Grader, PRICED, st.floats(0, 900), st.floats(0, 9), LATENCIES)
TIERS = st.tuples(SWAPS, st.floats(0, 1), GRADERS, st.floats(0, 1)).map(
    lambda made: Tier(made[0], made[1], made[2], made[1] * made[3])
)
PLANS = st.builds(CascadePlan, st.lists(TIERS, min_size=1, max_size=2).map(tuple), st.none() | SWAPS)
SHORTENED = st.builds(
    Compressed,
    st.floats(0.1, 1.2),
    st.floats(0.5, 1.5),
    st.none() | st.builds(Compressor, PRICED, st.floats(0, 1.5), st.floats(0, 1), LATENCIES),
    st.sampled_from([0, 500]),
    st.sampled_from([0, 1000]),
)
TOGETHER = st.builds(Batched, st.integers(2, 5), st.floats(0.3, 1.2), st.floats(0.5, 2), st.sampled_from([0.0, 3000.0]))


def by_task(found: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sets(st.sampled_from(TASKS), min_size=1).flatmap(
        lambda tasks: st.fixed_dictionaries(dict.fromkeys(sorted(tasks), found))
    )


def masks(size: int) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from([True, True, True, False]), min_size=size, max_size=size).map(
        lambda said: np.array(said, dtype=bool)
    )


# What a strategy may rest on, for a log of so many calls, and what leaves it nothing to do.
GROUNDS: Mapping[str, Callable[[int], st.SearchStrategy[Any]]] = {
    "response_cache": lambda _: st.builds(CachePolicy, TTL),
    "near_duplicates": lambda _: st.builds(
        NearPolicy, TTL, st.sampled_from([0.5, 0.9, {}, {"chat": 0.5}, {"chat": 0.5, "code": 0.9}])
    ),
    "prompt_cache": lambda _: st.dictionaries(
        st.sampled_from(SITES),
        st.builds(PrefixEvidence, st.sampled_from([0.0, 800.0, 2048.5]), st.booleans(), st.booleans()),
    ),
    "route": lambda _: by_task(SWAPS),
    "cascade": lambda _: by_task(PLANS),
    "compression": lambda _: by_task(SHORTENED),
    "batching": lambda size: st.builds(Batches, masks(size), by_task(TOGETHER)),
    "batch_api": lambda size: st.builds(CanWait, masks(size)),
}
NOTHING: Mapping[str, Callable[[int], Any]] = {
    "response_cache": lambda _: CachePolicy({}),
    "near_duplicates": lambda _: NearPolicy({}),
    "prompt_cache": lambda _: {},
    "route": lambda _: {"absent": Swap("gpt-4o-mini")},
    "cascade": lambda _: {"absent": CascadePlan((Tier(Swap("gpt-4o-mini"), 0.5, Grader("gpt-4o", 9, 9)),))},
    "compression": lambda _: {"absent": Compressed(0.5), "chat": Compressed(0.5, min_tokens=10**6)},
    "batching": lambda size: Batches(np.zeros(size, dtype=bool), {"chat": Batched(4, 0.5, 1.0, 60.0)}),
    "batch_api": lambda size: CanWait(np.zeros(size, dtype=bool)),
}
every_strategy = pytest.mark.parametrize("name", BUILTINS)


def shuffled(evidence: Any, order: list[int]) -> Any:
    """The same evidence for the calls in another order."""
    return evidence.take(np.array(order, dtype=np.int64)) if isinstance(evidence, CanWait | Batches) else evidence


def requests(calls: Calls) -> list[tuple[tuple[int, ...], list[dict[str, Any]]]]:
    """The requests of a table, in order, each with the rows that stand together."""
    found = groupby(calls.table.to_pylist(), key=lambda row: tuple(row[name] for name in LOCATOR))
    return [(place, list(attempts)) for place, attempts in found]


def total(calls: Calls) -> float:
    return math.fsum(np.nan_to_num(pricing.price(calls, BOOK)))


def test_there_is_a_law_for_every_strategy() -> None:
    assert GROUNDS.keys() == NOTHING.keys() == strategies().keys() == BUILTINS.keys()
    assert {name: strategy.name for name, strategy in strategies().items()} == {name: name for name in BUILTINS}


@every_strategy
@costly
@given(data=st.data(), log=logs())
def test_requests_and_their_order_are_kept_and_so_is_what_was_logged_of_them(name, data, log):
    before = table(log)
    after = BUILTINS[name].apply(before, data.draw(GROUNDS[name](len(log))))
    assert after.table.schema.equals(SCHEMA)
    after.table.validate(full=True)
    was, now = requests(before), requests(after)
    assert [place for place, _ in now] == [place for place, _ in was]
    for (_, [call]), (_, attempts) in zip(was, now, strict=True):
        for column in ("id", "start_time", "task", "user_key", "error_type", "tags", "weight"):
            assert all(attempt[column] == call[column] for attempt in attempts)
        assert [row["logged_cost_usd"] for row in attempts if row["logged_cost_usd"] is not None] in (
            [call["logged_cost_usd"]],
            [],
        )
        answers = [attempt for attempt in attempts if attempt["operation"] not in NO_ANSWERS]
        assert answers[-1]["operation"] == call["operation"]
        assert [row["prompt_key"] for row in answers] == [call["prompt_key"]] * len(answers)
        assert answers[-1]["logged_cost_usd"] == call["logged_cost_usd"]
        assert answers[-1]["finish_reason"] == call["finish_reason"]


@every_strategy
@costly
@given(data=st.data(), log=logs())
def test_what_a_request_costs_stays_known_and_is_never_negative(name, data, log):
    before = table(log)
    after = BUILTINS[name].apply(before, data.draw(GROUNDS[name](len(log))))
    was, now = (costs(calls) for calls in (before, after))
    for place, dollars in was.items():
        assert math.isnan(dollars) or now[place] >= 0
    assert not (pricing.price(after, BOOK) < 0).any()
    assert not (after.floats("latency_ms") < 0).any()


def costs(calls: Calls) -> dict[Any, float]:
    """Dollars of every request, over all its attempts."""
    found: dict[Any, float] = {}
    for place, dollars in zip(calls.labels("position"), pricing.price(calls, BOOK), strict=True):
        found[place] = found.get(place, 0.0) + float(dollars)
    return found


@every_strategy
@costly
@given(data=st.data(), log=logs(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(name, data, log, random):
    evidence, order = data.draw(GROUNDS[name](len(log))), list(range(len(log)))
    random.shuffle(order)
    one = BUILTINS[name].apply(table(log), evidence)
    other = BUILTINS[name].apply(table([log[row] for row in order]), shuffled(evidence, order))
    assert Counter(map(repr, one.table.to_pylist())) == Counter(map(repr, other.table.to_pylist()))


@every_strategy
@costly
@given(data=st.data(), log=logs())
def test_what_becomes_of_a_call_depends_on_its_part_of_the_log_alone(name, data, log):
    calls, evidence = table(log), data.draw(GROUNDS[name](len(log)))
    if isinstance(evidence, CachePolicy):  # whose room all calls share: what it answers is found in the whole log
        evidence = answered(calls, evidence)
    change = Change(name, BUILTINS[name], evidence, "measured")
    assert change.related_by is not None
    found = [change.of(part).apply(calls.take(part)) for part in parts(calls, change.related_by, 1)]
    assert rows_of(change.apply(calls)) == sum(map(rows_of, found), Counter())


def rows_of(calls: Calls) -> Counter[str]:
    return Counter(map(repr, calls.table.to_pylist()))


@every_strategy
@costly
@given(log=logs())
def test_with_nothing_to_do_it_is_the_very_calls(name, log):
    before = table(log)
    assert BUILTINS[name].apply(before, NOTHING[name](len(log))) is before


@every_strategy
@costly
@given(data=st.data())
def test_of_no_calls_it_makes_none(name, data):
    nobody = empty()
    assert BUILTINS[name].apply(nobody, data.draw(GROUNDS[name](0))) is nobody


@every_strategy
@costly
@given(data=st.data(), log=logs())
def test_calls_that_come_from_nowhere_get_no_further_attempts(name, data, log):
    before = table([row | {"position": None} for row in log])
    after = BUILTINS[name].apply(before, data.draw(GROUNDS[name](len(log))))
    assert len(after) == len(before)


STRATEGY_OF = {step.name: step.strategy.name for step in STACK}


@costly
@given(st.data(), logs(), st.sets(st.sampled_from([step.name for step in STACK]), min_size=1, max_size=4))
def test_falls_and_shares_sum_to_what_the_stack_saves(data, log, names):
    calls = table(log)
    steps = changes({name: data.draw(GROUNDS[STRATEGY_OF[name]](len(log))) for name in sorted(names)})
    subsets = [[step for bit, step in enumerate(steps) if subset >> bit & 1] for subset in range(1 << len(steps))]
    found = Bills(steps, [total(stacked(calls, made)) for made in subsets], [None] * (len(steps) + 1))
    saved = total(calls) - total(stacked(calls, steps))
    close = {"rel": 1e-9, "abs": 1e-12}
    assert math.fsum(fall.before - fall.after for fall in waterfall(found)) == pytest.approx(saved, **close)
    assert math.fsum(shapley(found)) == pytest.approx(saved, **close)


@costly
@given(st.data(), logs(), st.sets(st.sampled_from([step.name for step in STACK]), min_size=1, max_size=4))
def test_the_bills_of_the_parts_of_a_log_add_up_to_those_of_the_whole(data, log, names):
    calls = table(log)
    evidence = {name: data.draw(GROUNDS[STRATEGY_OF[name]](len(log))) for name in sorted(names)}
    if "response_cache" in evidence:
        evidence["response_cache"] = answered(calls, evidence["response_cache"])
    steps = changes(evidence)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "parts", partial(parts, least=1))
        found = bills(Priced(calls, BOOK), steps)
    for subset, dollars in enumerate(found.usd):
        made = [step for bit, step in enumerate(steps) if subset >> bit & 1]
        assert dollars == pytest.approx(total(stacked(calls, made)), rel=1e-9, abs=1e-12)
    so_far = [stacked(calls, steps[:made]) for made in range(len(steps) + 1)]
    assert found.latency_p95_ms == [latency_p95(each) for each in so_far]


@costly
@given(st.data(), logs(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter_to_the_whole_stack(data, log, random):
    evidence = {step.name: data.draw(GROUNDS[step.strategy.name](len(log))) for step in STACK}
    order = list(range(len(log)))
    random.shuffle(order)
    moved = {name: shuffled(each, order) for name, each in evidence.items()}
    one, other = (
        stacked(table(log), changes(evidence)),
        stacked(table([log[row] for row in order]), changes(moved)),
    )
    assert Counter(map(repr, one.table.to_pylist())) == Counter(map(repr, other.table.to_pylist()))
