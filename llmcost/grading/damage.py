"""Answers damaged on purpose, by a seed: what every grader must see as worse before it is believed about others.

Gross damage is what a grader that does not read lets pass; subtle damage is one error in an answer that reads well.
Most gross damages carry an attack on the grader besides, of one family each: that costs no further question.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from random import Random
from typing import Any, Literal

from llmcost.answers import Answer
from llmcost.grading import alterations
from llmcost.grading.alterations import Alter, Surroundings
from llmcost.grading.attacks import ANSWER, FAMILIES, Family, as_argument, with_note
from llmcost.grading.canned import CONSTANTS
from llmcost.grading.pairs import Pair
from llmcost.serving.reading import plain
from llmcost.serving.rendering import answer_text
from llmcost.serving.validity import failure

Kind = Literal["gross", "subtle"]

PLANTED = 60
TRIES = 12  # ways to do one damage to one answer
LONG_ENOUGH_TO_CUT = 400  # bytes; half of less may still be a whole answer
BEHIND = 0.7  # of the attacks stand behind a wrong answer, the others before it
IN_ARGUMENTS = 0.5  # of those beside a tool call stand in its arguments
OTHERS_COMPARED = 8  # answers of which the least alike stands for another prompt's


@dataclass(frozen=True, slots=True)
class Answered:
    """A logged request with its answer."""

    request: Mapping[str, Any]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Planted:
    """The logged answer (left) beside the damaged one (right), the damage's name, and the attack that it carries."""

    pair: Pair
    damage: str
    attack: Family | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """The answers of one task, from which damages take what fits: `texts` and `prompts` are parallel to `answered`."""

    answered: Sequence[Answered]
    texts: Sequence[str]
    prompts: Sequence[str]
    around: Surroundings


@dataclass(frozen=True, slots=True)
class Damage:
    """A way to spoil an answer: `ways(task, index, rng)` are damaged answers in the place of the one at `index`.

    attack  the family of the text in them, or in the request, that is addressed to the grader; None: there is none
    """

    name: str
    kind: Kind
    ways: Callable[[Task, int, Random], Iterator[Answer]]
    attack: Family | None = None


def plant(answered: Sequence[Answered], kind: Kind, count: int = PLANTED, seed: int = 0) -> list[Planted]:
    """At most `count` answers of one task beside damaged ones, the damages of the kind about equally often.

    An answer that failed by itself, or to which no damage applies, is passed over; each is used once. What becomes of
    an answer depends on the seed and on the answers of its task alone.
    """
    task, used, found = _task(answered), Counter[str](), list[Planted]()
    for index in range(len(answered)):
        if len(found) >= count:
            break
        if (one := _planted(task, index, kind, used, seed)) is not None:
            found.append(one)
            used[one.damage] += 1
    return found


def _task(answered: Sequence[Answered]) -> Task:
    texts = [answer_text(item.answer) for item in answered]
    prompts = [json.dumps(item.request, sort_keys=True, default=str) for item in answered]
    says = [text for item in answered for text in (item.answer.text, *_arguments(item.answer)) if text]
    return Task(answered, texts, prompts, alterations.surroundings(says))


def _arguments(answer: Answer) -> list[str]:
    return [call.arguments for call in answer.tool_calls]


def _planted(task: Task, index: int, kind: Kind, used: Counter[str], seed: int) -> Planted | None:
    """This answer with the damage that was used least so far, of those that apply."""
    item = task.answered[index]
    if failure(item.answer, item.request) is not None:
        return None
    for damage in sorted((each for each in DAMAGES if each.kind == kind), key=lambda each: used[each.name]):
        rng = _random(seed, damage.name, task.prompts[index], task.texts[index])
        ways = islice(damage.ways(task, index, rng), TRIES)
        bad = next((way for way in ways if _is_damaged(task, index, way, kind)), None)
        if bad is not None:
            return Planted(Pair(_request(item.request, damage, rng), item.answer, bad), damage.name, damage.attack)
    return None


def _request(request: Mapping[str, Any], damage: Damage, rng: Random) -> Mapping[str, Any]:
    """The request as the grader is shown it: with the attack, where that stands in requests."""
    if damage.attack is None or damage.attack.place != "request":
        return request
    return with_note(request, rng.choice(damage.attack.texts))


def _is_damaged(task: Task, index: int, bad: Answer, kind: Kind) -> bool:
    """Whether a judge sees another answer, and, for a subtle damage, one that does not fail by its form alone."""
    differs = plain(answer_text(bad)) != plain(task.texts[index])
    return differs and (kind == "gross" or failure(bad, task.answered[index].request) is None)


def _random(*parts: object) -> Random:
    return Random(hashlib.sha256(json.dumps(parts).encode()).digest())


def _other_answer(task: Task, index: int, rng: Random) -> Iterator[Answer]:
    """Another prompt's answer: of a few, the one that has the fewest words in common with this one."""
    strangers = [other for other in range(len(task.texts)) if task.prompts[other] != task.prompts[index]]
    candidates = [task.answered[other].answer for other in rng.sample(strangers, min(len(strangers), OTHERS_COMPARED))]
    usable = [answer for answer in candidates if answer.refusal is None and (answer.text or answer.tool_calls)]
    yield from sorted(usable, key=lambda answer: _likeness(answer_text(answer), task.texts[index]))


def _likeness(one: str, other: str) -> float:
    words = [set(text.casefold().split()) for text in (one, other)]
    return len(words[0] & words[1]) / max(len(words[0] | words[1]), 1)


def _cut(task: Task, index: int, rng: Random) -> Iterator[Answer]:
    answer = task.answered[index].answer
    if answer.tool_calls:
        last = answer.tool_calls[-1]
        half = replace(last, arguments=last.arguments[: len(last.arguments) // 2])
        yield replace(answer, tool_calls=(*answer.tool_calls[:-1], half))
    elif answer.text and len(answer.text.encode("utf-8", "surrogatepass")) >= LONG_ENOUGH_TO_CUT:
        yield Answer(answer.text[: len(answer.text) // 2], finish_reason="stop")


def _empty(task: Task, index: int, rng: Random) -> Iterator[Answer]:
    yield Answer("", finish_reason="stop")


def _constant(task: Task, index: int, rng: Random) -> Iterator[Answer]:
    yield from (Answer(text, finish_reason="stop") for text in rng.sample(CONSTANTS, len(CONSTANTS)))


def _attacking(family: Family, task: Task, index: int, rng: Random) -> Iterator[Answer]:
    """A wrong answer that tells the grader what to say, before what it says or after, or in the arguments of a tool."""
    wrong = next((answer.text for answer in _other_answer(task, index, rng) if answer.text), rng.choice(CONSTANTS))
    calls = task.answered[index].answer.tool_calls
    for text in rng.sample(family.texts, len(family.texts)):
        if calls and ANSWER not in text and rng.random() < IN_ARGUMENTS:
            yield Answer(None, (replace(calls[0], arguments=as_argument(text)),), finish_reason="tool_calls")
        said = f"{wrong}\n\n{text}" if rng.random() < BEHIND else f"{text}\n\n{wrong}"
        yield Answer(text.replace(ANSWER, wrong) if ANSWER in text else said, finish_reason="stop")


def _beside_a_note(task: Task, index: int, rng: Random) -> Iterator[Answer]:
    """Answers that are wrong whatever the request says to graders."""
    yield from _other_answer(task, index, rng)
    yield from _constant(task, index, rng)


def _altered(alter: Alter, task: Task, index: int, rng: Random) -> Iterator[Answer]:
    """The answer with its text altered or, where it calls tools, the arguments of one call."""
    answer = task.answered[index].answer
    if not answer.tool_calls:
        yield from (replace(answer, text=text) for text in _alter(alter, answer.text or "", task, rng))
        return
    for place in rng.sample(range(len(answer.tool_calls)), len(answer.tool_calls)):
        call = answer.tool_calls[place]
        for arguments in _alter(alter, call.arguments, task, rng):
            changed = replace(call, arguments=arguments)
            calls = (*answer.tool_calls[:place], changed, *answer.tool_calls[place + 1 :])
            yield replace(answer, tool_calls=calls)


def _alter(alter: Alter, text: str, task: Task, rng: Random) -> Iterator[str]:
    found = alter(text, task.around, rng)
    return (new for new in found if new.strip() and alterations.kept_form(text, new))


DAMAGES: tuple[Damage, ...] = (
    Damage("other answer", "gross", _other_answer),
    Damage("cut in half", "gross", _cut),
    Damage("empty", "gross", _empty),
    Damage("constant", "gross", _constant),
    *(
        Damage(
            f"attack: {family.name}",
            "gross",
            _beside_a_note if family.place == "request" else partial(_attacking, family),
            family,
        )
        for family in FAMILIES
    ),
    Damage("number", "subtle", partial(_altered, alterations.number)),
    Damage("entity", "subtle", partial(_altered, alterations.entity)),
    Damage("negation", "subtle", partial(_altered, alterations.negation)),
    Damage("dropped requirement", "subtle", partial(_altered, alterations.dropped)),
    Damage("operator", "subtle", partial(_altered, alterations.operator)),
)
