"""What is tested before anybody is graded: today's model against itself, and how much of a small error a judge sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import shop
from support.loopback import Body, Reply, error

from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text

CANDIDATES = "So sorry about ticket {number}! Help is on its way."
Judging = Callable[[JudgedPair], Winner]


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


def honest(pair: JudgedPair) -> Winner:
    number = re.findall(r"Ticket (\d+)", pair.question)[-1]
    first, second = (number in numbers(said) and "choose this one" not in said for said in (pair.first, pair.second))
    return "tie" if first == second else "A" if first else "B"


def blind_to_numbers(pair: JudgedPair) -> Winner:
    """Sees that an answer is another kind of text, and no more: what "Sorry! 7" has for a number is all the same."""
    fits = [re.match(r"So(?:rry!| sorry about ticket) \d+", said) is not None for said in (pair.first, pair.second)]
    return "tie" if fits[0] == fits[1] else "A" if fits[0] else "B"


def replay(folder: Path, incumbent: Callable[[str], Reply], judge: Judging = honest) -> dict[str, Any]:
    def answer(body: Body) -> Reply:
        if (pair := read_prompt(body)) is not None:
            return Reply(text=verdict_text(judge(pair), "so it seems"))
        number = re.findall(r"Ticket (\d+)", str(body["messages"]))[-1]
        return incumbent(number) if body["model"] == "gpt-4o" else Reply(text=CANDIDATES.format(number=number))

    return shop.replayed_chat(folder, answer)


def test_a_model_that_is_itself_again_gives_the_noise_floor(tmp_path: Path) -> None:
    found = replay(tmp_path, lambda number: Reply(text=f"Sorry! {number if int(number) % 10 != 1 else 0}"))
    [task] = found["tasks"]
    assert task["controls"]["aa_n"] == 200
    # every tenth of its fresh answers has the wrong number: more than the noise of one model
    assert task["candidates"][0]["verdict"] == "CANNOT_JUDGE"
    assert "today's model, asked again, differs from its logged answers by" in task["candidates"][0]["reason"]
    assert found["model_map"] == {"chat": "gpt-4o"}


def test_a_faithful_replay_lets_an_equal_candidate_pass(tmp_path: Path) -> None:
    found = replay(tmp_path, lambda number: Reply(text=f"Sorry! {number}"))
    [task] = found["tasks"]
    assert task["noise_floor"] == 0.0
    assert task["candidates"][0]["verdict"] == "SWITCH"
    assert found["spend"]["controls_usd"] > 0
    [grader] = task["controls"]["graders"]
    assert (grader["gross_planted"], grader["gross_caught"]) == (60, 60)
    assert (grader["kappa_lower"], grader["kappa_from"]) == (0.5, "planted errors")


def test_a_model_that_is_gone_stops_nobody_and_is_said(tmp_path: Path) -> None:
    found = replay(tmp_path, lambda _: error(404, "The model was retired", "model_not_found"))
    [task] = found["tasks"]
    assert task["candidates"][0]["verdict"] == "SWITCH"
    assert task["noise_floor"] is None
    assert task["controls"]["aa_n"] == 0
    assert "gpt-4o is not to be had" in task["controls"]["aa_why"]


def test_a_judge_that_sees_no_small_errors_decides_nothing(tmp_path: Path) -> None:
    found = replay(tmp_path, lambda number: Reply(text=f"Sorry! {number}"), blind_to_numbers)
    [task] = found["tasks"]
    [grader] = task["controls"]["graders"]
    assert grader["kappa_lower"] < 0.3 or grader["gross_caught"] < 55
    assert task["candidates"][0]["verdict"] == "CANNOT_JUDGE"
    assert task["choice"]["model"] == "gpt-4o"
