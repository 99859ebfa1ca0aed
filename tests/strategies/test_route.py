import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import MODELS, rows, table
from support.examples import costly

from llmcost.strategies import CachePolicy, ResponseCache, Route, Swap
from llmcost.strategies.response_cache import TOKENS

SWAPS = st.builds(
    Swap,
    model=st.sampled_from([*MODELS, "new"]),
    input_token_ratio=st.sampled_from([0.5, 1.0, 1.31]),
    output_token_ratio=st.sampled_from([0.1, 1.0, 3.0]),
    latencies_ms=st.none() | st.lists(st.integers(1, 900).map(float), min_size=1).map(sorted).map(np.array),
    cache_read=st.booleans(),
)
EVIDENCE = st.dictionaries(st.sampled_from(["chat", "code", "absent"]), SWAPS)


def test_a_call_becomes_what_was_measured():
    before = table(
        [
            {
                "task": "chat",
                "request_model": "gpt-4o",
                "provider": "openai",
                "service_tier": "batch",
                "input_tokens": 100,
            }
            | {"output_tokens": 10, "cache_read_tokens": 60, "reasoning_tokens": 4, "latency_ms": latency}
            for latency in (30.0, 10.0, None, 20.0)
        ]
    )
    swap = Swap("qwen3-8b", 1.1, 1.25, np.array([1.0, 2.0, 3.0]))
    row, *_ = rows_after = Route().apply(before, {"chat": swap}).table.to_pylist()
    assert (row["request_model"], row["response_model"], row["provider"]) == ("qwen3-8b", "qwen3-8b", None)
    assert (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]) == (110, 12, 0)
    assert (row["reasoning_tokens"], row["service_tier"]) == (None, None)
    latencies = [row["latency_ms"] for row in rows_after]
    assert latencies[2] is None
    assert latencies[1] < latencies[3] < latencies[0]
    assert all(1 <= latency <= 3 for latency in latencies if latency is not None)


def test_cached_share_is_kept_only_where_it_was_measured():
    before = table(
        [{"task": "t", "request_model": "a", "input_tokens": 5, "cache_read_tokens": 3, "cache_write_tokens": 2}]
    )
    row = Route().apply(before, {"t": Swap("b", 0.5, cache_read=True)}).table.to_pylist()[0]
    assert row["input_tokens"] == 2
    assert row["cache_read_tokens"] + row["cache_write_tokens"] <= 2


def test_a_cache_hit_stays_free_and_instant_when_its_task_moves():
    twice = [{"at": float(n), "prompt": "p", "task": "t", "request_model": "a", "latency_ms": 9.0} for n in range(2)]
    cached = ResponseCache().apply(
        table([row | {"input_tokens": 7, "output_tokens": 7} for row in twice]), CachePolicy(60.0)
    )
    moved = Route().apply(cached, {"t": Swap("b", 2.0, 2.0, np.array([400.0]))}).table
    assert moved["input_tokens"].to_pylist() == [14, 0]
    assert moved["latency_ms"].to_pylist() == [400.0, 0.0]


@costly
@given(rows(), EVIDENCE)
def test_only_calls_of_the_tasks_named_change(log, evidence):
    before = table(log)
    after = Route().apply(before, evidence)
    for was, now in zip(before.table.to_pylist(), after.table.to_pylist(), strict=True):
        swap = evidence.get(was["task"])
        if swap is None or swap.model == was["request_model"] or was["operation"] == "embeddings":
            assert was == now
            continue
        assert now["request_model"] == now["response_model"] == swap.model
        assert now["provider"] is None
        for name, ratio in (("input_tokens", swap.input_token_ratio), ("output_tokens", swap.output_token_ratio)):
            assert (now[name] is None) == (was[name] is None)
            assert was[name] is None or now[name] == round(was[name] * ratio)
        assert (now["cache_read_tokens"] or 0) <= (now["input_tokens"] or 10**9)


@costly
@given(rows(), EVIDENCE)
def test_unknown_stays_unknown_and_failures_keep_their_latency(log, evidence):
    before = table(log)
    after = Route().apply(before, evidence).table
    for was, now in zip(before.table.to_pylist(), after.to_pylist(), strict=True):
        assert was["latency_ms"] is not None or now["latency_ms"] is None
        assert was["error_type"] is None or now["latency_ms"] == was["latency_ms"]


@costly
@given(rows(), EVIDENCE, st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_the_order_of_the_lines(log, evidence, random):
    shuffled = log.copy()
    random.shuffle(shuffled)
    one, two = (Route().apply(table(order), evidence) for order in (log, shuffled))
    for name in (*TOKENS, "latency_ms"):
        assert np.nansum(np.sort(one.floats(name))) == np.nansum(np.sort(two.floats(name)))
