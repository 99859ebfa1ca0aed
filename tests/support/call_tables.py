"""Tables of calls for tests: from a few columns, and any that hypothesis can think of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from llmcost import calls as calls_module
from llmcost.calls import Calls

# The first example pays for imports and compiled kernels: a deadline would fail tests on a busy machine.
settings.register_profile("llmcost", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("llmcost")

EPOCH = datetime(2026, 10, 1, tzinfo=UTC)
MODELS = ("gpt-4o", "gpt-4o-mini", "unheard-of-1")


def table(rows: Sequence[Mapping[str, Any]]) -> Calls:
    """Calls from rows; `at` is the start in seconds after 1 October 2026, `prompt` and `user` make the keys."""
    return calls_module.from_rows(map(_row, rows), ())


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(row)
    at, prompt, user = (rest.pop(name, None) for name in ("at", "prompt", "user"))
    made = {
        "start_time": None if at is None else EPOCH + timedelta(seconds=at),
        "prompt_key": None if prompt is None else str(prompt).encode().ljust(16),
        "user_key": None if user is None else str(user).encode().ljust(16),
    }
    return made | rest


def rows(*, max_size: int = 40) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Small logs with many repeats, ties, failures and unknowns."""
    tokens = st.none() | st.integers(0, 5000)
    row = st.fixed_dictionaries(
        {
            "at": st.none() | st.integers(0, 20).map(lambda hour: hour * 1200.0),
            "prompt": st.none() | st.sampled_from("pq"),
            "user": st.none() | st.sampled_from("ab"),
            "task": st.sampled_from(["chat", "code"]),
            "operation": st.sampled_from(["chat", "chat", "embeddings"]),
            "request_model": st.none() | st.sampled_from(MODELS),
            "provider": st.none() | st.just("openai"),
            "service_tier": st.none() | st.sampled_from(["default", "batch"]),
            "input_tokens": tokens,
            "cache_read_tokens": st.none() | st.integers(0, 3000),
            "cache_write_tokens": st.none() | st.integers(0, 10),
            "output_tokens": tokens,
            "reasoning_tokens": st.none() | st.integers(0, 100),
            "tokens_estimated": st.booleans(),
            "latency_ms": st.none() | st.integers(1, 9).map(float),
            "finish_reason": st.sampled_from([None, "stop", "length", "content_filter"]),
            "error_type": st.sampled_from([None, None, None, "rate_limit"]),
            "logged_cost_usd": st.none() | st.integers(0, 9).map(float),
            "tags": st.none()
            | st.dictionaries(st.sampled_from(["metadata.task", "metadata.team"]), st.text("xy", max_size=2)),
        }
    )
    return st.lists(row.map(_plausible), max_size=max_size)


def _plausible(row: dict[str, Any]) -> dict[str, Any]:
    if row["input_tokens"] is not None and row["cache_read_tokens"] is not None:
        row["cache_read_tokens"] = min(row["cache_read_tokens"], row["input_tokens"])
    return row
