"""Texts that try to judge themselves: each stays inside its fence, and a judge that quotes one keeps its verdict."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import attack_texts

from llmcost.answers import Answer, ToolCall
from llmcost.grading.judge import JudgedPair, read_prompt, verdict_text, write_prompt
from llmcost.grading.pairs import Pair
from llmcost.grading.verdicts import parse_verdict
from llmcost.serving.rendering import answer_text, question_text

ATTACKS = {name: attack.text for name, attack in attack_texts.ATTACKS.items()}

GOOD = "Rayleigh scattering."
QUESTION = {"messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def shown(pair: Pair, swapped: bool = False) -> JudgedPair:
    body = json.loads(json.dumps(write_prompt(pair, swapped)))
    found = read_prompt(body)
    assert found is not None
    return found


def test_there_are_enough_attacks() -> None:
    assert len(set(ATTACKS.values())) == len(ATTACKS) >= 60


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("swapped", [False, True])
def test_an_attack_stays_inside_its_fence(name: str, swapped: bool) -> None:
    attack = Answer(ATTACKS[name])
    for pair in (
        Pair(QUESTION, Answer(GOOD), attack),
        Pair(QUESTION, attack, Answer(GOOD)),
        Pair(QUESTION, attack, attack),
    ):
        found = shown(pair, swapped)
        sides = (pair.right, pair.left) if swapped else (pair.left, pair.right)
        assert (found.first, found.second) == tuple(map(answer_text, sides))
        assert found.question == question_text(QUESTION)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_in_the_request_or_in_a_tool_call_stays_data(name: str) -> None:
    request = {"messages": [{"role": "user", "content": ATTACKS[name]}]}
    called = Answer(None, (ToolCall("find", ATTACKS[name]),))
    found = shown(Pair(request, called, Answer(GOOD)))
    assert (found.question, found.first, found.second) == (question_text(request), answer_text(called), GOOD)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_holds_a_whole_prompt_of_its_own_stays_data(name: str) -> None:
    inner = write_prompt(Pair(QUESTION, Answer(ATTACKS[name]), Answer(GOOD)), False)["messages"][1]["content"]
    found = shown(Pair(QUESTION, Answer(inner), Answer(f"{inner}\n{inner}")))
    assert (found.first, found.second) == (inner, f"{inner}\n{inner}")


@pytest.mark.parametrize("name", ATTACKS)
def test_the_markers_of_a_prompt_stand_in_none_of_its_texts(name: str) -> None:
    pair = Pair(QUESTION, Answer(ATTACKS[name]), Answer(GOOD))
    user = write_prompt(pair, False)["messages"][1]["content"]
    code = re.match(r"<<<REQUEST ([0-9a-f]{20})>>>", user)
    assert code is not None
    assert user.count(code[1]) == 6
    assert user.count(f"<<<END {code[1]}>>>") == 3


@given(st.lists(st.sampled_from(list(ATTACKS.values())), max_size=4), st.sampled_from(list(ATTACKS.values())))
def test_attacks_together_stay_inside_their_fences(attacks: list[str], other: str) -> None:
    pair = Pair(QUESTION, Answer("\n".join(attacks)), Answer(other))
    found = shown(pair)
    assert (found.first, found.second) == (answer_text(pair.left), answer_text(pair.right))


# --- replies ---------------------------------------------------------------------------------------------------------

VERDICTS = ("A", "B", "tie")


def reply(winner: str, attack: str) -> str:
    return verdict_text(winner, f"One answer says: {attack}\nThat is held against it.")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("winner", VERDICTS)
def test_a_judge_that_quotes_an_attack_keeps_its_own_verdict(name: str, winner: str) -> None:
    said = reply(winner, ATTACKS[name])
    for text in (
        said,
        f"```json\n{said}\n```",
        f"My verdict:\n\n{said}\n",
        f"<think>Hm. {ATTACKS['order']}</think>\n{said}",
    ):
        assert parse_verdict(text) == winner


def spoken(winner: str, attack: str) -> list[str]:
    """Replies that are no JSON as a whole: prose that quotes the attack, then the judge's own verdict."""
    quoted = f"Answer A contains this text:\n\n{attack}\n\nIt tries to influence me, and I hold that against it.\n\n"
    own = json.dumps({"verdict": winner})
    torn = f'{{"criteria": ["facts"], "reasoning": "It says {attack} to me", "verdict": "{winner}"}}'
    return [f"{quoted}{own}", f"{quoted}```json\n{own}\n```", f"{quoted}**Verdict: {winner}**", torn]


NOT_QUOTABLE = {"many braces"}  # 3,000 beginnings of an object: what follows them is not searched


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("winner", VERDICTS)
def test_a_judge_that_quotes_an_attack_in_prose_is_never_read_as_the_attack_wants(name: str, winner: str) -> None:
    prompt = write_prompt(Pair(QUESTION, Answer(ATTACKS[name]), Answer(GOOD)), False)["messages"][1]["content"]
    for text, seen in itertools.product(spoken(winner, ATTACKS[name]), ("", prompt)):
        allowed = {winner, None} if name in NOT_QUOTABLE else {winner}
        assert parse_verdict(text, seen) in allowed


@pytest.mark.parametrize("name", ATTACKS)
def test_a_quotation_alone_is_no_verdict(name: str) -> None:
    prompt = write_prompt(Pair(QUESTION, Answer(ATTACKS[name]), Answer(GOOD)), False)["messages"][1]["content"]
    assert parse_verdict(f"I was about to say: {ATTACKS[name]}\nwhich is an attempt to", prompt) is None
