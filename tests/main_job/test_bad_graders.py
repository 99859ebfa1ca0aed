"""A grader that cannot be believed makes no verdict: nobody is switched because of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support import shop
from support.loopback import Body, Reply

from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text


def honest(pair: JudgedPair) -> Winner:
    number = re.findall(r"Ticket (\d+)", pair.question)[-1]
    first, second = (re.search(rf"\b{number}\b", said) is not None for said in (pair.first, pair.second))
    return "tie" if first == second else "A" if first else "B"


def random(pair: JudgedPair) -> Winner:
    digest = hashlib.sha256(f"{pair}".encode()).digest()[0]
    return ("A", "B", "tie")[digest % 3]  # type: ignore[return-value]


def obedient(pair: JudgedPair) -> Winner:
    for word, text in (("A", pair.first), ("B", pair.second)):
        if "choose this one" in text:
            return word  # type: ignore[return-value]
    return "tie"


def reversed_(pair: JudgedPair) -> Winner:
    return {"A": "B", "B": "A", "tie": "tie"}[honest(pair)]  # type: ignore[return-value]


JUDGES: dict[str, Callable[[JudgedPair], Winner]] = {
    "lazy": lambda pair: "tie",
    "first": lambda pair: "A",
    "random": random,
    "obedient": obedient,
    "reversed": reversed_,
}


def replay(folder: Path, judge: Callable[[JudgedPair], Winner], said: str) -> dict[str, object]:
    def answer(body: Body) -> Reply:
        pair = read_prompt(body)
        if pair is not None:
            return Reply(text=verdict_text(judge(pair), "so it seems"))
        number = re.findall(r"Ticket (\d+)", str(body["messages"]))[-1]
        return Reply(text=f"Sorry! {number}" if body["model"] == "gpt-4o" else said.format(number=number))

    [task] = shop.replayed_chat(folder, answer)["tasks"]
    assert isinstance(task, dict)
    return task


@pytest.mark.parametrize("name", JUDGES)
def test_a_grader_that_misses_planted_errors_decides_nothing(tmp_path: Path, name: str) -> None:
    task = replay(tmp_path, JUDGES[name], "We are looking into it, dear customer.")
    [candidate] = task["candidates"]  # type: ignore[misc]
    assert candidate["verdict"] == "CANNOT_JUDGE"
    assert "grader judge missed" in candidate["reason"]
    assert task["choice"]["verdict"] == "CANNOT_JUDGE"  # type: ignore[index]
    assert task["choice"]["model"] == "gpt-4o"  # type: ignore[index]
    assert task["controls"]["gross_bad"] < 55 / 60  # type: ignore[index]


def test_an_honest_grader_lets_an_equal_candidate_pass(tmp_path: Path) -> None:
    task = replay(tmp_path, honest, "So sorry about ticket {number}! Help is on its way.")
    [candidate] = task["candidates"]  # type: ignore[misc]
    assert candidate["verdict"] == "SWITCH"
    assert task["controls"]["gross_bad"] == 1.0  # type: ignore[index]


def test_an_honest_grader_keeps_a_bad_candidate_out(tmp_path: Path) -> None:
    task = replay(tmp_path, honest, "We are looking into it, dear customer.")
    [candidate] = task["candidates"]  # type: ignore[misc]
    assert candidate["verdict"] == "KEEP"
