"""The bill of shorter prompts: the compressor is paid, and what the provider had cached is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.call_tables import table

from llmcost.calls import Calls
from llmcost.strategies import (
    BatchApi,
    CanWait,
    Compressed,
    Compression,
    Compressor,
    PrefixEvidence,
    PromptCache,
    Route,
    Swap,
)
from llmcost.strategies.attempts import request_latencies

SMALL = Compressor("small", 1.1, 0.4, np.array([5.0, 7.0]))
CALL = {"task": "t", "call_site": "here", "request_model": "big", "operation": "chat", "source": 0, "part": 0,
        "messages": 2, "input_tokens": 5000, "output_tokens": 10, "latency_ms": 900.0, "prompt_bytes": 20_000,
        "cache_read_tokens": 3000, "cache_write_tokens": 1000, "reasoning_tokens": 4}  # fmt: skip


def log_of(*calls: dict[str, Any]) -> Calls:
    return table([CALL | {"position": 7 * n, "at": 60.0 * n} | each for n, each in enumerate(calls)])


def columns(calls: Calls, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in calls.table.to_pylist()]


def test_the_compressor_reads_the_logged_prompt_before_the_shorter_one_is_asked():
    after = Compression().apply(log_of({}, {}), {"t": Compressed(0.5, 1.2, SMALL)})
    assert columns(after, "position", "operation", "request_model", "input_tokens", "output_tokens") == [
        (0, "compressor", "small", 5500, 2000),
        (0, "chat", "big", 2500, 12),
        (7, "compressor", "small", 5500, 2000),
        (7, "chat", "big", 2500, 12),
    ]
    assert request_latencies(after).tolist() == [905.5, 906.5]
    compressor, answer, *_ = after.table.to_pylist()
    assert (compressor["prompt_bytes"], compressor["cache_read_tokens"], compressor["reasoning_tokens"]) == (
        None,
        0,
        None,
    )
    assert answer["reasoning_tokens"] == 5


def test_templates_shortened_once_need_no_compressor():
    after = Compression().apply(log_of({}, {}), {"t": Compressed(0.5)})
    assert columns(after, "request_model", "input_tokens", "output_tokens") == [("big", 2500, 10)] * 2


@pytest.mark.parametrize(
    ("prefix", "read", "written"), [(0, 0, 1000), (1024, 1024, 1000), (2000, 2000, 500), (9999, 2500, 0)]
)
def test_of_what_was_cached_only_the_untouched_beginning_is_read(prefix, read, written):
    after = Compression().apply(log_of({}), {"t": Compressed(0.5, prefix_tokens=prefix)})
    assert columns(after, "cache_read_tokens", "cache_write_tokens") == [(read, written)]
    unknown = Compression().apply(log_of({"cache_read_tokens": None}), {"t": Compressed(0.5, prefix_tokens=prefix)})
    assert columns(unknown, "cache_read_tokens") == [(None,)]


def test_no_later_step_counts_on_the_beginning_that_prompts_used_to_have():
    calls = log_of({"cache_read_tokens": 0}, {"cache_read_tokens": 0}, {"cache_read_tokens": 0})
    shared = {"here": PrefixEvidence(4096.0)}
    assert PromptCache().apply(calls, shared) is not calls
    shorter = Compression().apply(calls, {"t": Compressed(0.9, prefix_tokens=100)})
    assert PromptCache().apply(shorter, shared) is shorter


def test_short_prompts_are_left_alone():
    calls = log_of({"prompt_bytes": 3996}, {"prompt_bytes": 4000}, {"prompt_bytes": None})
    after = Compression().apply(calls, {"t": Compressed(0.5, min_tokens=1000)})
    assert after.labels("input_tokens") == [5000, 2500, 5000]
    assert after.labels("call_site") == ["here", None, "here"]
    rest = Compression().apply(calls, {"t": Compressed(0.5)})
    assert rest.labels("input_tokens") == [2500] * 3


@pytest.mark.parametrize(
    "aside",
    [{"error_type": "timeout"}, {"operation": "embeddings"}, {"input_tokens": 0, "output_tokens": 0}, {"task": None}],
)
def test_what_has_no_prompt_to_shorten_stays_as_it_is(aside):
    calls = log_of(aside, aside)
    assert Compression().apply(calls, {"t": Compressed(0.5, compressor=SMALL)}) is calls


def test_a_model_map_changes_who_answers_and_not_who_compresses():
    shorter = Compression().apply(log_of({}), {"t": Compressed(0.5, compressor=SMALL)})
    after = Route().apply(shorter, {"t": Swap("cheap")})
    assert after.labels("request_model") == ["small", "cheap"]


def test_evidence_on_the_logs_requests_still_fits_when_some_have_more_rows():
    calls = log_of({}, {"task": "u"}, {})
    shorter = Compression().apply(calls, {"t": Compressed(0.5, compressor=SMALL)})
    assert len(shorter) == 5
    after = BatchApi().apply(shorter, CanWait(np.array([True, True, False])))
    assert columns(after, "position", "service_tier") == [(0, None), (0, None), (7, "batch"), (14, None), (14, None)]
