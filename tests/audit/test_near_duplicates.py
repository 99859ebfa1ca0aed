"""The finding near-duplicates: what it says of a log with planted ones, and that it says nothing of one without."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmcost import logs, pricing, tasks
from llmcost.audit.audit import audit
from llmcost.audit.findings.near_duplicates import NEGATION, NUMBER
from llmcost.audit.result import Finding, SourceSummary
from llmcost.config import AuditSettings, ModelPriceOverride, ModelSettings, TasksSettings
from llmcost.logs import ReadOptions

BOOK = pricing.load({"gpt-4o": ModelSettings(price=ModelPriceOverride(input=2.5, output=10.0))})
START = datetime(2026, 10, 1, tzinfo=UTC)
WORDS = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo"
)


def line(second: float, text: str, answer: str, user: str = "u") -> str:
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": text}],
    }
    reply = {
        "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
    at = (START + timedelta(seconds=second)).isoformat()
    return json.dumps({"request": {**body, "user": user}, "response": reply, "timestamp": at})


def questions(count: int) -> list[str]:
    """Different questions, each of eighteen words, none like another."""
    draw, words = np.random.default_rng(3), np.array(WORDS.split())
    return [
        "".join(f"{word[: draw.integers(2, 8)]}{draw.integers(10, 99)} " for word in draw.permutation(words))
        for _ in range(count)
    ]


def found(tmp_path: Path, lines: list[str]) -> list[Finding]:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = logs.read([str(path)], ReadOptions(), call_site=tasks.call_site, say=lambda text: None)
    calls = tasks.assign(read.calls, TasksSettings())
    result = audit(
        calls, book=BOOK, costs=pricing.price(calls, BOOK), source=SourceSummary([str(path)], [], 0, 0, []),
        settings=AuditSettings(compare=()), version="0", bodies=logs.bodies,
    )  # fmt: skip
    return [finding for finding in result.findings if finding.kind == "near-duplicates"]


def planted(turned: Any) -> list[str]:
    lines = []
    for number, text in enumerate(questions(60)):
        lines.append(line(60 * number, text, f"answer {number}"))
        lines.append(line(60 * number + 5, text, f"answer {number}"))  # an exact repeat: counted elsewhere
        if number < 30:
            lines.append(line(60 * number + 9, turned(number, text), f"answer {number if number % 3 else -1}"))
    return lines


def test_planted_ones_are_counted_priced_and_read(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, planted(lambda number, text: text.upper() + ("not" if number % 2 else "!")))
    assert finding.calls == 30
    assert finding.basis == "potential"
    assert finding.usd_logged == pytest.approx(30 * (100 * 2.5 + 10 * 10) / 1e6)
    assert "on top of exact repeats" in finding.title and "20.0 % of calls" in finding.title
    assert "30 of 150 calls" in finding.evidence
    assert "33.3 % were answered otherwise than the earlier prompt (exact repeats: 0.0 %)" in finding.evidence
    assert "exact repeats seldom differ" in finding.evidence
    assert "of 20 pairs read, 20 are at least 0.8 alike, 0 differ in a number and" in finding.evidence
    assert finding.remedy.startswith("measure before you trust it")


def test_numbers_that_differ_are_flagged(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, planted(lambda number, text: f"{text} {number}"))
    assert "20 differ in a number and 0 in not" in finding.evidence


def test_the_order_of_the_lines_does_not_matter(tmp_path: Path) -> None:
    lines = planted(lambda number, text: text + "please")
    assert found(tmp_path, lines) == found(tmp_path, lines[::-1])


def test_nothing_is_said_where_nothing_is_alike(tmp_path: Path) -> None:
    assert found(tmp_path, [line(60 * number, text, "answer") for number, text in enumerate(questions(60))]) == []
    other_users = [line(number, text, "answer", f"user {number % 2}") for number, text in
                   enumerate(each for text in questions(40) for each in (text, text.upper()))]  # fmt: skip
    assert found(tmp_path, other_users) == []


def test_what_turns_a_question_round_is_seen() -> None:
    assert NUMBER.findall("order 12-34 of 1,000.50 x7") == ["12-34", "1,000.50", "7"]
    assert NEGATION.findall("Don't turn it OFF, nothing; not on") == ["n't", "OFF", "not", "on"]
