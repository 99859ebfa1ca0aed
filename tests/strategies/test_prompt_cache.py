"""The prompt cache against a dict at the keyboard, and its laws."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost import pricing
from llmcost.strategies import PrefixEvidence, PromptCache, cache_rule

BOOK = pricing.load()
EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        site: st.builds(PrefixEvidence, st.floats(0, 5000), st.booleans(), st.booleans())
        for site in ("chat·1", "code·2")
    },
)


def logs(**more: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Logs with call sites and sessions, calls minutes apart."""
    extra = st.fixed_dictionaries(
        {
            "call_site": st.none() | st.sampled_from(["chat·1", "code·2"]),
            "at": st.none() | st.integers(0, 40).map(lambda minute: minute * 60.0),
            "session_key": st.none() | st.sampled_from([b"s" * 16, b"t" * 16]),
            "request_model": st.none() | st.sampled_from(["gpt-4o", "claude-sonnet-4-5", "deepseek-chat"]),
            "messages": st.none() | st.integers(1, 9),
            "input_tokens": st.none() | st.integers(1000, 6000),
            "cache_read_tokens": st.none() | st.integers(0, 900),
            **more,
        }
    )
    both = st.tuples(rows(max_size=30), st.lists(extra, max_size=30))
    return both.map(lambda lists: [one | other for one, other in zip(*lists, strict=False)])


def simulate(log: list[dict[str, Any]], tokens: float) -> list[float]:
    """Tokens read, one request after the other, of a log in which no answer takes time."""
    used: dict[Any, tuple[float, float]] = {}  # when last used, and when the run began
    found = [row["cache_read_tokens"] for row in log]
    for number in sorted(range(len(log)), key=lambda n: log[n]["at"]):
        row = log[number]
        rule = cache_rule(row["request_model"])
        if row["input_tokens"] < rule.minimum or tokens < rule.minimum:
            continue
        key = (row["call_site"], row["request_model"])
        last, began = used.get(key, (-1e9, -1e9))
        if row["at"] - last >= rule.ttl_s:
            began = row["at"]
        elif row["at"] > began:
            kept = tokens // rule.step * rule.step
            found[number] = min(max(found[number], kept), row["input_tokens"])
        used[key] = (row["at"], began)
    return found


PLAIN = {
    "at": st.integers(0, 40).map(lambda minute: minute * 60.0),
    "call_site": st.sampled_from(["chat·1", "code·2"]),
    "request_model": st.sampled_from(["gpt-4o", "claude-sonnet-4-5", "deepseek-chat"]),
    "input_tokens": st.integers(100, 6000),
    "cache_read_tokens": st.integers(0, 90),
    **{name: st.none() for name in ("latency_ms", "error_type", "service_tier", "provider", "tags")},
    "operation": st.just("chat"),
}


@given(logs(**PLAIN), st.floats(0, 5000))
def test_reads_what_a_dict_would(log, tokens):
    evidence = dict.fromkeys(("chat·1", "code·2"), PrefixEvidence(tokens))
    assert PromptCache().apply(table(log), evidence).floats("cache_read_tokens").tolist() == simulate(log, tokens)


@costly
@given(logs(), EVIDENCE)
def test_never_reads_less_than_logged_nor_more_than_the_input(log, evidence):
    before = table(log)
    after = PromptCache().apply(before, evidence)
    had, read = before.floats("cache_read_tokens"), after.floats("cache_read_tokens")
    assert (np.isnan(had) | (read >= had)).all()
    written, total = np.nan_to_num(after.floats("cache_write_tokens")), after.floats("input_tokens")
    changed = np.nan_to_num(read) != np.nan_to_num(had)
    assert (np.nan_to_num(read) + written <= total)[changed].all()
    sites = map(evidence.get, before.labels("call_site"))
    unlogged = np.isnan(had) & np.array([not (found and found.unlogged) for found in sites], dtype=bool)
    assert np.isnan(read[unlogged]).all()


@costly
@given(logs(), EVIDENCE, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing(log, evidence, random):
    order = list(range(len(log)))
    random.shuffle(order)
    one = PromptCache().apply(table(log), evidence).take(order)
    two = PromptCache().apply(table([log[n] for n in order]), evidence)
    for name in ("cache_read_tokens", "cache_write_tokens"):
        assert one.column(name).combine_chunks().equals(two.column(name).combine_chunks())


@costly
@given(logs(), st.floats(0, 5000), st.floats(0, 5000), st.booleans())
def test_a_longer_prefix_never_reads_less(log, one, other, grows):
    short, long = sorted((one, other))
    read = [
        np.nan_to_num(
            PromptCache()
            .apply(table(log), dict.fromkeys(("chat·1", "code·2"), PrefixEvidence(tokens, grows)))
            .floats("cache_read_tokens")
        )
        for tokens in (short, long)
    ]
    assert (read[0] <= read[1]).all()


@costly
@given(logs(), EVIDENCE)
def test_where_reading_has_no_price_nothing_is_saved(log, evidence):
    named = [{**row, "request_model": "gpt-4-turbo", "cache_write_tokens": None} for row in log]
    before = table(named)
    assert BOOK.find("gpt-4-turbo").rates_at(BOOK.day).cache_read is None
    costs = [pricing.price(calls, BOOK) for calls in (before, PromptCache().apply(before, evidence))]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-12)


def turn(at: float, tokens: int, messages: int, **more: Any) -> dict[str, Any]:
    return {"at": at, "call_site": "agent·1", "request_model": "gpt-4o", "input_tokens": tokens, "messages": messages,
            "cache_read_tokens": 0, "session_key": b"s" * 16} | more  # fmt: skip


def reads(log: list[dict[str, Any]], **evidence: Any) -> list[float]:
    return PromptCache().apply(table(log), {"agent·1": PrefixEvidence(**evidence)}).floats("cache_read_tokens").tolist()


def test_a_conversation_reads_what_was_said_before():
    log = [turn(0, 2000, 2), turn(60, 2600, 4), turn(120, 3000, 6), turn(1000, 3500, 8), turn(1030, 2600, 4)]
    assert reads(log, tokens=0.0, grows=True) == [0, 1920, 2560, 0, 0]
    assert reads(log, tokens=1300.0, grows=True) == [0, 1920, 2560, 0, 1280]
    assert reads(log, tokens=1300.0) == [0, 1280, 1280, 0, 1280]


def test_every_use_renews_the_entry_and_what_overlaps_the_first_answer_finds_nothing():
    assert reads([turn(at, 2000, 1) for at in (0, 299, 598, 898)], tokens=1024.0) == [0, 1024, 1024, 0]
    log = [turn(at, 2000, 1, latency_ms=5000.0) for at in (0, 4.9, 5, 9)]
    assert reads(log, tokens=1024.0) == [0, 0, 1024, 1024]
    streamed = [{**row, "time_to_first_chunk_ms": 400.0} for row in log]
    assert reads(streamed, tokens=1024.0) == [0, 1024, 1024, 1024]


def test_what_was_written_again_and_again_is_read_instead():
    log = [turn(at, 4000, 1, request_model="claude-sonnet-4-5", cache_write_tokens=3000) for at in (0, 60)]
    after = PromptCache().apply(table(log), {"agent·1": PrefixEvidence(3000)})
    assert after.floats("cache_read_tokens").tolist() == [0, 3000]
    assert after.floats("cache_write_tokens").tolist() == [3000, 0]


@pytest.mark.parametrize(
    ("model", "provider", "minimum", "automatic"),
    [
        ("gpt-4o-2024-08-06", "openai", 1024, True),
        ("gpt-5.6", None, 1024, False),
        ("claude-3-5-haiku-20241022", "anthropic", 2048, False),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock", 4096, False),
        ("anthropic/claude-opus-4.6", "openrouter", 4096, False),
        ("claude-sonnet-4-5", None, 1024, False),
        ("amazon.nova-pro-v1:0", "bedrock", 1024, False),
        ("gemini-2.5-flash", "vertex_ai", 2048, True),
        ("gemini-3.1-pro", None, 4096, True),
        ("deepseek-chat", None, 64, True),
        ("deepseek-ai/DeepSeek-V3", "fireworks_ai", 1024, True),
        ("qwen-plus", "dashscope", 256, True),
        ("unheard-of", None, 1024, True),
    ],
)
def test_each_provider_keeps_prefixes_in_its_own_way(model, provider, minimum, automatic):
    rule = cache_rule(model, provider)
    assert (rule.minimum, rule.automatic) == (minimum, automatic)
