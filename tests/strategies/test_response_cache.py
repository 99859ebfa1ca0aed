from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table

from llmcost.calls import Calls
from llmcost.strategies import CachePolicy, ResponseCache
from llmcost.strategies.response_cache import TOKENS, hits

TTLS = st.sampled_from([0.0, 1.0, 1200.0, 1200.000001, 3600.0, 1e30]) | st.dictionaries(
    st.sampled_from(["chat", "code"]), st.sampled_from([0.0, 1300.0, 3600.0])
)


def simulate(log: list[dict[str, Any]], ttl: dict[str, float] | float) -> list[bool]:
    """The cache as one would write it at a keyboard: a dict, one request after the other."""
    kept: dict[tuple[Any, ...], tuple[float, float]] = {}
    hit = [False] * len(log)
    for number in sorted(range(len(log)), key=lambda n: (log[n]["at"] or 0, log[n]["finish_reason"] in CUT, n)):
        row = log[number]
        key = (row["request_model"], row["prompt"], row["user"])
        life = ttl if isinstance(ttl, float) else ttl.get(row["task"], 0.0)
        if row["error_type"] or None in (row["at"], *key[:2]) or life == 0:
            continue
        born, lasts = kept.get(key, (-1e99, 0.0))
        if row["at"] - born < lasts:
            hit[number] = True
        elif row["finish_reason"] not in CUT:
            kept[key] = (row["at"], life)
    return hit


CUT = ("length", "content_filter")


@given(rows(), TTLS)
def test_hits_as_many_as_a_dict_would(log, ttl):
    # Of calls that come at the very same moment any may be first: the number of hits in a moment is what is certain.
    found, wanted = hits(table(log), CachePolicy(ttl)), simulate(log, ttl)
    if len({row["task"] for row in log}) < 2 or isinstance(ttl, float):
        assert moments(log, found) == moments(log, wanted)
    distinct = [{**row, "at": None if row["at"] is None else row["at"] + n} for n, row in enumerate(log)]
    assert hits(table(distinct), CachePolicy(ttl)).tolist() == simulate(distinct, ttl)


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


@given(rows(), TTLS)
def test_hits_have_no_tokens_and_all_else_stays(log, ttl):
    before = table(log)
    after, hit = ResponseCache().apply(before, CachePolicy(ttl)), hits(before, CachePolicy(ttl))
    changed = (*TOKENS, "latency_ms", "time_to_first_chunk_ms", "tokens_estimated")
    for name in before.table.column_names:
        was, now = before.column(name).to_pylist(), after.column(name).to_pylist()
        expected = [0 if is_hit and name in changed else value for value, is_hit in zip(was, hit, strict=True)]
        assert now == expected
    if not hit.any():
        assert after is before


@given(rows(), st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_the_order_of_the_lines(log, random):
    shuffled = log.copy()
    random.shuffle(shuffled)
    assert totals(table(log)) == totals(table(shuffled))


def totals(calls: Calls) -> list[float]:
    after = ResponseCache().apply(calls, CachePolicy(1300.0))
    price = np.nan_to_num(after.floats("output_tokens")) * (np.arange(len(after)) >= 0)
    return [float(price.sum()), *(float(np.nansum(after.floats(name))) for name in (*TOKENS, "latency_ms"))]
