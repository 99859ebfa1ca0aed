from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost.calls import Calls
from llmcost.strategies import CachePolicy, ResponseCache
from llmcost.strategies.response_cache import TOKENS, entries, hits, waits_ms

TTLS = st.sampled_from([0.0, 1.0, 1200.0, 1200.000001, 3600.0, 1e30]) | st.dictionaries(
    st.sampled_from(["chat", "code"]), st.sampled_from([0.0, 1300.0, 3600.0])
)


def simulate(log: list[dict[str, Any]], policy: CachePolicy) -> list[tuple[int, float]]:
    """The cache as one would write it at a keyboard: who answers each request (−1: nobody) and how late, in ms."""
    kept: dict[tuple[Any, ...], dict[str, float]] = {}
    served = [(-1, 0.0)] * len(log)
    for number in sorted(range(len(log)), key=lambda n: (log[n]["at"] or 0, log[n]["finish_reason"] in CUT, n)):
        row, now = log[number], log[number]["at"]
        key = (row["request_model"], row["prompt"], row["user"])
        life = policy.ttl_s if isinstance(policy.ttl_s, float) else policy.ttl_s.get(row["task"], 0.0)
        if row["error_type"] or None in (now, *key[:2]) or life == 0:
            continue
        kept = {asked: entry for asked, entry in kept.items() if now < entry["expires"]}
        if entry := kept.get(key):
            wait = max(0.0, entry["ready"] - now)
            if policy.single_flight or not wait:
                served[number] = (int(entry["row"]), wait * 1000)
                entry["used"] = now
        elif row["finish_reason"] not in CUT:
            if len(kept) == policy.capacity:
                del kept[min(kept, key=lambda asked: kept[asked]["used"])]
            ready = now + (row["latency_ms"] or 0.0) / 1000
            kept[key] = {"row": number, "expires": now + life, "ready": ready, "used": now}
    return served


CUT = ("length", "content_filter")


@costly
@given(rows(), TTLS)
def test_hits_as_many_as_a_dict_would(log, ttl):
    # Of calls that come at the very same moment any may be first: the number of hits in a moment is what is certain.
    found, wanted = hits(table(log), CachePolicy(ttl)), answered(log, CachePolicy(ttl))
    if len({row["task"] for row in log}) < 2 or isinstance(ttl, float):
        assert moments(log, found) == moments(log, wanted)
    distinct = [{**row, "at": None if row["at"] is None else row["at"] + n} for n, row in enumerate(log)]
    assert hits(table(distinct), CachePolicy(ttl)).tolist() == answered(distinct, CachePolicy(ttl))


def answered(log: list[dict[str, Any]], policy: CachePolicy) -> list[bool]:
    return [entry >= 0 for entry, _ in simulate(log, policy)]


POLICIES = st.builds(
    CachePolicy,
    st.sampled_from([8.0, 12.0, {"chat": 3.0, "code": 60.0}, {"chat": 9.0}]),
    st.sampled_from([None, 1, 3, 4, 5]),
    st.booleans(),
)


def busy_logs() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Logs in which much is asked again, often before the first answer is there, and no two calls come at once."""
    row = st.fixed_dictionaries(
        {
            "prompt": st.sampled_from("aaaabbbcdefgh"),
            "user": st.sampled_from([None] * 5 + ["u"]),
            "task": st.sampled_from(["chat", "code"]),
            "request_model": st.just("m"),
            "latency_ms": st.sampled_from([None, 500.0, 3000.0, 9000.0]),
            "finish_reason": st.sampled_from(["stop"] * 5 + ["length"]),
            "error_type": st.sampled_from([None] * 5 + ["rate_limit"]),
        }
    )
    return st.lists(row, min_size=30, max_size=60).map(
        lambda log: [each | {"at": float(at)} for at, each in enumerate(log)]
    )


@given(busy_logs(), POLICIES)
@costly
def test_every_call_is_answered_as_by_a_dict(log, policy):
    entry = entries(table(log), policy)
    found = list(zip(entry.tolist(), waits_ms(table(log), entry).tolist(), strict=True))
    assert found == [(by, pytest.approx(late, abs=1e-3)) for by, late in simulate(log, policy)]


@costly
@given(busy_logs(), POLICIES, st.randoms(use_true_random=False))
def test_what_is_evicted_does_not_depend_on_the_order_of_the_lines(log, policy, random):
    log = [row | {"at": row["at"] // 4} for row in log]
    shuffled = log.copy()
    random.shuffle(shuffled)
    assert moments(log, hits(table(log), policy)) == moments(shuffled, hits(table(shuffled), policy))


def test_a_hit_keeps_its_entry_from_being_evicted():
    calls = table([{"at": at, "prompt": prompt, "request_model": "m"} for at, prompt in enumerate("abacaba")])
    assert entries(calls, CachePolicy(60.0, capacity=2)).tolist() == [-1, -1, 0, -1, 0, -1, 0]
    assert entries(calls, CachePolicy(60.0, capacity=1)).tolist() == [-1] * 7
    assert entries(calls, CachePolicy(60.0, capacity=3)).tolist() == [-1, -1, 0, -1, 0, 1, 0]


def test_what_has_expired_takes_no_place_however_lately_it_was_used():
    asked = ((0, "a"), (5, "b"), (9, "a"), (10, "c"), (11, "b"), (12, "d"))
    calls = table([{"at": at, "prompt": prompt, "request_model": "m"} for at, prompt in asked])
    assert entries(calls, CachePolicy(10.0, capacity=2)).tolist() == [-1, -1, 0, -1, 1, -1]
    assert entries(calls, CachePolicy(10.5, capacity=2)).tolist() == [-1, -1, 0, -1, -1, -1]


def test_a_prompt_asked_once_takes_a_place():
    asked = [*((at, "a") for at in (0, 1)), *((2 + at, f"once {at}") for at in range(5)), (9, "a")]
    calls = table([{"at": at, "prompt": prompt, "request_model": "m"} for at, prompt in asked])
    assert hits(calls, CachePolicy(60.0, capacity=5)).tolist() == [False, True, *[False] * 6]
    assert hits(calls, CachePolicy(60.0, capacity=6))[-1]


def test_who_comes_while_the_first_is_still_answered_waits_for_the_rest():
    log = [{"at": at, "prompt": "p", "request_model": "m", "latency_ms": 3000.0} for at in (0.0, 0.0, 1.25, 3.0, 4.0)]
    after = ResponseCache().apply(table(log), CachePolicy(60.0))
    assert after.floats("latency_ms").tolist() == [3000.0, 3000.0, 1750.0, 0.0, 0.0]
    asked_again = CachePolicy(60.0, single_flight=False)
    assert hits(table(log), asked_again).tolist() == [False, False, False, True, True]
    assert ResponseCache().apply(table(log), asked_again).floats("latency_ms").tolist() == [3000.0] * 3 + [0.0] * 2


def moments(log: list[dict[str, Any]], hit: Any) -> dict[tuple[Any, ...], int]:
    counts: dict[tuple[Any, ...], int] = {}
    for row, is_hit in zip(log, hit, strict=True):
        key = (row["request_model"], row["prompt"], row["user"], row["at"])
        counts[key] = counts.get(key, 0) + bool(is_hit)
    return counts


def test_an_entry_is_not_refreshed_by_its_hits():
    calls = table([{"at": at, "prompt": "p", "request_model": "m"} for at in (0, 50, 99, 100, 149, 200, 250)])
    assert hits(calls, CachePolicy(100.0)).tolist() == [False, True, True, False, True, False, True]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_long_chain_of_expiries(size):
    calls = table([{"at": 10.0 * n, "prompt": "p", "request_model": "m"} for n in range(size)])
    assert hits(calls, CachePolicy(20.0)).tolist() == [n % 2 == 1 for n in range(size)]


def test_never_across_users_models_or_prompts():
    same = {"at": 0.0, "prompt": "p", "user": "a", "request_model": "m"}
    others = [{"prompt": "q"}, {"user": "b"}, {"user": None}, {"request_model": "n"}]
    assert hits(table([same, *(same | other for other in others)]), CachePolicy(60.0)).sum() == 0
    assert hits(table([same, same]), CachePolicy(60.0)).sum() == 1


@costly
@given(rows(), TTLS)
def test_hits_have_no_tokens_wait_if_they_must_and_all_else_stays(log, ttl):
    before = table(log)
    entry = entries(before, CachePolicy(ttl))
    after, hit, late = ResponseCache().apply(before, CachePolicy(ttl)), entry >= 0, waits_ms(before, entry).tolist()
    nothing = dict.fromkeys((*TOKENS, "tokens_estimated"), [0] * len(log))
    changed = nothing | dict.fromkeys(("latency_ms", "time_to_first_chunk_ms"), late)
    for name in before.table.column_names:
        was, now = before.column(name).to_pylist(), after.column(name).to_pylist()
        new = changed.get(name, was)
        assert now == [new[row] if is_hit else value for row, (value, is_hit) in enumerate(zip(was, hit, strict=True))]
    if not hit.any():
        assert after is before


@costly
@given(rows(), st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_the_order_of_the_lines(log, random):
    shuffled = log.copy()
    random.shuffle(shuffled)
    assert totals(table(log)) == totals(table(shuffled))


def totals(calls: Calls) -> list[float]:
    after = ResponseCache().apply(calls, CachePolicy(1300.0))
    price = np.nan_to_num(after.floats("output_tokens")) * (np.arange(len(after)) >= 0)
    return [float(price.sum()), *(float(np.nansum(after.floats(name))) for name in (*TOKENS, "latency_ms"))]
