"""What the fast lane reads of a line is what its format reads, whatever lines the lane has seen before."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from support.accounting import rows, same_as_document
from support.mutations import Mutator, corpus

EXCHANGE: dict[str, Any] = {
    "id": "a", "timestamp": "2026-10-01T00:00:00Z", "latency_ms": 5, "metadata": {"task": "t"},
    "request": {"model": "gpt-4o", "messages": [{"role": "system", "content": "You sort mail."},
                                                {"role": "user", "content": "hi"}]},
    "response": {"id": "r", "object": "chat.completion", "model": "gpt-4o",
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 5, "completion_tokens": 1}},
}  # fmt: skip
TOOLS = [{"type": "function", "function": {"name": "find"}}]
SHAPES = corpus()


def asking(**fields: Any) -> dict[str, Any]:
    record = copy.deepcopy(EXCHANGE)
    record["request"].update(fields)
    return record


@pytest.mark.parametrize(
    "records",
    [
        [asking(tools=None), asking(tools=TOOLS), asking(tools=TOOLS)],
        [asking(max_tokens=[1]), asking(max_tokens=120), asking(max_tokens=120)],
        [asking(reasoning_effort={"a": 1}), asking(reasoning_effort="high"), asking(reasoning_effort="high")],
        [asking(reasoning=None), asking(reasoning={"effort": "high"}), asking(reasoning={"effort": "high"})],
        [asking(temperature={"a": 1}), asking(temperature=1.0), asking(temperature=0.5)],
        [asking(stream=None), asking(stream=True), EXCHANGE, asking(stream="true")],
        [asking(stop=[]), asking(stop="x"), asking(stop=None), EXCHANGE],
        [{**EXCHANGE, "stream": False}, {**EXCHANGE, "stream": False}, {**EXCHANGE, "stream": True}],
        [{**EXCHANGE, "duration": 7}, {"duration": 7, **EXCHANGE}, EXCHANGE],
        [asking(**{'quo"te': 1}), EXCHANGE], [asking(**{"back\\slash": 1}), EXCHANGE],
        [{**EXCHANGE, "control\n": 1}, EXCHANGE], [{**EXCHANGE, "": 1}, EXCHANGE],
        [asking(messages=[{"role": "user", "content": "x", 'quo"te': 1}]), EXCHANGE],
    ],
    ids=lambda records: repr(records[0]["request"])[-40:],
)  # fmt: skip
def test_a_line_among_others_is_read_as_it_is_alone(records: list[dict[str, Any]], tmp_path: Path) -> None:
    lines = [json.dumps(record).encode() for record in records]
    together = rows(b"\n".join(lines), tmp_path / "log.jsonl", places=False)
    assert together == [row for line in lines for row in rows(line, tmp_path / "one.jsonl", places=False)]


@pytest.mark.parametrize("seed", range(4))
def test_lines_are_read_as_the_records_of_a_document_are(seed: int, tmp_path: Path) -> None:
    pairs = [json.dumps(EXCHANGE).encode(), *SHAPES["openai-pairs"]]
    odd = list(Mutator(seed, pairs, [line for lines in SHAPES.values() for line in lines]).lines(150))
    random.Random(seed).shuffle(odd)
    same_as_document([*pairs, *odd], tmp_path / "log.jsonl")
