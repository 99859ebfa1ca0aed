"""The near-duplicate cache: every hit has a witness, and what it must not depend on."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import table
from support.examples import costly

from llmcost.calls import Calls
from llmcost.logs.sketch import sketches
from llmcost.strategies.near_duplicates import NearDuplicateCache, NearHits, NearPolicy, near_hits
from llmcost.strategies.response_cache import TOKENS, CachePolicy, hits

SITE = {"call_site": "support", "request_model": "gpt-4o", "task": "chat", "output_tokens": 10}
QUESTIONS = [
    "How long does a transfer to another bank take before it arrives?",
    "how long does a transfer to another bank take before it arrives",
    "How long does a transfer to another bank take until it arrives?",
    "how long does my transfer to another bank take before it arrives???",
    "How long does the transfer to another bank take before it arrive",
    "Why was my card declined at the restaurant yesterday evening?",
    "Why was my card declined at the restaurant yesterday?",
    "hi",
    "Hi!",
]


def log_of(rows: list[dict[str, Any]]) -> Calls:
    made = sketches([row["text"] for row in rows]).to_pylist()
    return table([
        {"prompt": str(hash_of(row["text"])), **SITE, **{k: v for k, v in row.items() if k != "text"}, "sketch": sketch}
        for row, sketch in zip(rows, made, strict=True)
    ])  # fmt: skip


def hash_of(text: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 10**9


def logs() -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({
        "text": st.sampled_from(QUESTIONS),
        "at": st.none() | st.integers(0, 20).map(lambda step: step * 600.0),
        "user": st.none() | st.sampled_from("ab"),
        "call_site": st.sampled_from(["support", "support", "bot"]),
        "request_model": st.sampled_from(["gpt-4o", "gpt-4o", "gpt-4o-mini", None]),
        "max_output_tokens": st.sampled_from([None, None, 100]),
        "finish_reason": st.sampled_from(["stop", "stop", "length"]),
        "error_type": st.sampled_from([None, None, None, "timeout"]),
        "answer_key": st.sampled_from([None, b"a" * 16, b"b" * 16]),
        "output_tokens": st.integers(1, 3),
    })  # fmt: skip
    return st.lists(row, max_size=40)


def near(calls: Calls, ttl: float = 3600.0, threshold: float = 0.8) -> NearHits:
    return near_hits(calls, NearPolicy(ttl, threshold), hits(calls, CachePolicy(ttl)))


def likeness(one: bytes, other: bytes) -> float:
    equal = sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
    return max(0.0, (equal - 1 / 256) / (1 - 1 / 256))


@costly
@given(logs(), st.sampled_from([600.0, 3600.0, 1e9]), st.sampled_from([0.5, 0.8, 1.0]))
def test_every_hit_has_a_witness(log, ttl, threshold):
    calls = log_of(log)
    exact, found = hits(calls, CachePolicy(ttl)), near(calls, ttl, threshold)
    rows = calls.table.to_pylist()
    for row in np.flatnonzero(found.hit):
        mine, entry = rows[row], rows[found.entry[row]]
        assert not exact[row] and not exact[found.entry[row]]
        assert not found.hit[found.entry[row]], "what answers was a miss, and so is an entry"
        assert entry["finish_reason"] == "stop" and entry["error_type"] is None and mine["error_type"] is None
        assert 0 <= (mine["start_time"] - entry["start_time"]).total_seconds() < ttl
        for name in ("call_site", "request_model", "user_key", "max_output_tokens"):
            assert mine[name] == entry[name]
        assert found.similarity[row] == pytest.approx(likeness(mine["sketch"], entry["sketch"]))
        assert found.similarity[row] >= threshold
    assert np.isnan(found.similarity[~found.hit]).all()


@costly
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(log, draw):
    shuffled = log.copy()
    draw.shuffle(shuffled)
    assert summary(log) == summary(shuffled)


def summary(log: list[dict[str, Any]]) -> list[Any]:
    calls = log_of(log)
    found = near(calls)
    kept = calls.table.select(["prompt_key", "user_key", "start_time", "output_tokens", "answer_key"]).to_pylist()
    return sorted(repr((kept[row], kept[found.entry[row]], found.similarity[row])) for row in np.flatnonzero(found.hit))


@costly
@given(logs(), st.sampled_from([0.5, 0.7]), st.sampled_from([600.0, 3600.0]))
def test_a_stricter_cache_hits_within_what_a_laxer_one_could(log, threshold, ttl):
    # Whether a call hits depends on which entries are alive, so that single hits may move; that it *could* hit, because
    # some earlier call is near and recent enough, can only be lost by a higher threshold or a shorter time to live.
    calls = log_of(log)
    lax, strict = possible(calls, ttl, threshold), possible(calls, ttl / 2, threshold + 0.2)
    assert not (strict & ~lax).any()
    assert not (near(calls, ttl, threshold).hit & ~lax).any()
    assert not (near(calls, ttl / 2, threshold + 0.2).hit & ~strict).any()


def possible(calls: Calls, ttl: float, threshold: float) -> Any:
    rows = calls.table.to_pylist()
    same = ("call_site", "request_model", "user_key", "max_output_tokens")
    return np.array([
        any(
            None not in (mine["start_time"], other["start_time"])
            and 0 <= (mine["start_time"] - other["start_time"]).total_seconds() < ttl
            and all(mine[name] == other[name] for name in same)
            and other is not mine
            and likeness(mine["sketch"], other["sketch"]) >= threshold
            for other in rows
        )
        for mine in rows
    ], dtype=bool)  # fmt: skip


def test_never_across_users_sites_models_or_limits():
    same = {"text": QUESTIONS[0], "at": 0.0, "user": "a", "prompt_bytes": 100, "messages": 1}
    others = [{"user": "b"}, {"user": None}, {"call_site": "bot"}, {"request_model": "gpt-4o-mini"},
              {"max_output_tokens": 5}, {"reasoning_effort": "low"}, {"messages": 2}, {"prompt_bytes": 70},
              {"at": 3600.0}, {"error_type": "timeout"}]  # fmt: skip
    for other in others:
        calls = log_of([same, same | {"text": QUESTIONS[1], "at": 1.0} | other])
        assert not near(calls).hit.any(), other
    assert near(log_of([same, same | {"text": QUESTIONS[1], "at": 1.0}])).entry.tolist() == [-1, 0]


def test_an_entry_is_not_refreshed_by_its_hits():
    log = [{"text": QUESTIONS[number % 2], "at": at} for number, at in enumerate((0, 50, 99, 100, 149, 200, 250))]
    exact = hits(log_of(log), CachePolicy(100.0))
    assert exact.tolist() == [False, False, True, True, False, False, False]
    found = near(log_of(log), 100.0)
    assert found.entry.tolist() == [-1, 0, -1, -1, -1, 4, -1]


def test_a_template_is_no_likeness():
    static = "Classify the sentiment of the following review as positive, negative or neutral. Answer with one word. "
    draw = random.Random(3)
    reviews = [" ".join(draw.sample(WORDS, 5)) for _ in range(300)]
    log = [{"text": static + review, "at": float(place)} for place, review in enumerate(reviews)]
    again = [{"text": static.upper() + review + "!", "at": 1000.0 + place} for place, review in enumerate(reviews[:40])]
    found = near(log_of([*log, *again]))
    assert found.hit[: len(log)].sum() <= 3
    assert found.hit[len(log) :].sum() >= 30


WORDS = [
    "good", "bad", "slow", "fast", "kind", "rude", "late", "early", "cheap", "dear", "clean", "dirty",
    "warm", "cold", "loud", "quiet", "helpful", "useless", "broken", "perfect", "terrible", "wonderful",
    "boring", "exciting", "delicious", "awful", "friendly", "arrogant", "comfortable", "cramped", "modern",
    "outdated",
]  # fmt: skip


def test_a_crowd_is_grouped_around_its_leaders():
    draw = random.Random(4)
    bases = [" ".join(draw.sample(WORDS, 16)) for _ in range(8)]
    texts = [f"{bases[place % 8]} {''.join(draw.choices('abcdefgh', k=3))}" for place in range(12_000)]
    calls = log_of([{"text": text, "at": place / 10} for place, text in enumerate(texts)])
    exact, found = hits(calls, CachePolicy(3600.0)), near(calls)
    assert (found.hit | exact).sum() >= 0.98 * len(texts)
    assert {place % 8 for place in np.flatnonzero(found.hit)} == set(range(8))
    assert all(place % 8 == found.entry[place] % 8 for place in np.flatnonzero(found.hit))


def test_one_text_that_a_call_site_always_asks_with_is_its_template():
    draw = random.Random(4)
    texts = [f"{' '.join(WORDS[:16])} {''.join(draw.choices('abcdefgh', k=3))}" for _ in range(500)]
    assert not near(log_of([{"text": text, "at": float(place)} for place, text in enumerate(texts)])).hit.any()


@costly
@given(logs())
def test_hits_of_either_cache_have_no_tokens_and_all_else_stays(log):
    before = log_of(log)
    after = NearDuplicateCache().apply(before, NearPolicy(3600.0))
    hit = near(before).hit | hits(before, CachePolicy(3600.0))
    wanted = [0 if is_hit else value for is_hit, value in zip(hit, before.labels("output_tokens"), strict=True)]
    assert after.labels("output_tokens") == wanted
    assert after.table.drop_columns([*TOKENS, "latency_ms", "time_to_first_chunk_ms", "tokens_estimated"]).equals(
        before.table.drop_columns([*TOKENS, "latency_ms", "time_to_first_chunk_ms", "tokens_estimated"])
    )
    assert NearDuplicateCache().apply(before, NearPolicy({})) is before


def test_each_task_has_its_own_threshold_and_one_without_is_not_cached_for_likeness():
    asked = [(text, task) for text in (*QUESTIONS[:7], QUESTIONS[0]) for task in ("chat", "code")]
    calls = log_of([{"text": text, "at": n, "task": task, "user": task[1]} for n, (text, task) in enumerate(asked)])
    exact, chat = hits(calls, CachePolicy(1e6)), calls.says("task", {"chat"})
    for threshold, chats, codes in (({"chat": 0.9, "code": 0.6}, 1, 5), ({"code": 0.6}, 0, 5), ({}, 0, 0)):
        policy = NearPolicy(1e6, threshold)
        found = near_hits(calls, policy, exact)
        assert (found.hit[chat].sum(), found.hit[~chat].sum()) == (chats, codes)
        assert (chat[found.entry[found.hit]] == chat[found.hit]).all(), "other thresholds, other caches"
        after = NearDuplicateCache().apply(calls, policy)
        assert (after.floats("output_tokens") == 0).tolist() == (exact | found.hit).tolist()
    assert exact.any()
