"""Small worlds of known truth: a log, candidates of stated quality, and judges with stated faults, behind one endpoint.

A world is its seed, which stands in every prompt. What is true of a case, who gets it wrong and what a judge says are
hashes of texts, so that one server answers for all worlds and keeps nothing. An answer states four facts; a wrong one
has one of them wrong. A judge knows the facts and counts those that an answer states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import log, tanh
from pathlib import Path

import llmcost
from llmcost.answers import Answer
from llmcost.grading.attacks import ORDERS_TO_JUDGES
from llmcost.grading.canned import CONSTANTS
from llmcost.grading.damage import Answered
from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text
from llmcost.grading.pairs import Pair
from llmcost.recommend.result import Candidate as Verdict
from llmcost.recommend.result import TaskReport
from llmcost.serving.rendering import answer_text, question_text
from support.loopback import Body, Reply, error, prompt

PROMPTS = 300
LOOKS = 3
AGAIN = 40
LEVEL = 0.05  # of each candidate by itself
INCUMBENT = "gpt-4o"
INCUMBENT_WRONG = 0.10
IN_ITS_OWN_WORDS = 0.2  # of a candidate's answers; the others are the logged ones, letter by letter, unless wrong
LONG = 0.15  # of the logged answers: long enough that half of one misses facts
ASIDE, OWN_ASIDE = 0.3, 0.4  # how often a sentence has one, of the incumbent and of a candidate in its own words
CUT_OFF = 0.2  # of the answers of a candidate that does not come to an end

CITIES = ("Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Dakar", "Perth", "Turin", "Kyoto", "Malmo")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SYLLABLES = ("ka", "lo", "mi", "ru", "ten", "vor", "sil", "bap", "ghe", "dun", "xo", "pra", "fyl", "zim", "wek", "jo")
ASIDES = (
    "as the driver's own plan shows",
    "unless the weather in those mountains turns bad",
    "by the account of the people at the gate",
    "going by what the scanner noted down at each bridge, at each harbour and at each gate of its long way through the "
    "country and over the sea to the people who sent for it",
)
OPENING = "Here is what our records show."
CONSTANT = CONSTANTS[2] + ORDERS_TO_JUDGES[0]


@dataclass(frozen=True, slots=True)
class Candidate:
    """How often its answer is better and worse than the logged one, and what it does otherwise."""

    wins: float
    losses: float
    fails: str = ""

    @property
    def difference(self) -> float:
        """What a switch to it does to quality."""
        failing = {"": 0.0, "cut": CUT_OFF}.get(self.fails, 1.0)
        return (1 - failing) * (self.wins - self.losses) - failing


CANDIDATES: Mapping[str, Candidate] = {
    "equal": Candidate(0.01, 0.01),
    "2-worse": Candidate(0.005, 0.025),
    "5-worse": Candidate(0.005, 0.055),
    "better": Candidate(0.05, 0.005),
    "empty": Candidate(0.01, 0.01, fails="empty"),
    "cut-off": Candidate(0.01, 0.01, fails="cut"),
    "constant": Candidate(0.0, 0.0, fails="constant"),
}


@dataclass(frozen=True, slots=True)
class Judge:
    """Its faults. A fact more or less is seen with reliability kappa, a larger difference always.

    noise     near-ties on which it prefers either
    position  near-ties on which it prefers what it reads first, each order by itself
    length    near-ties on which it prefers the longer answer, times how much longer: tanh of the log ratio
    style     near-ties on which it prefers the words that candidates choose
    """

    kappa: float = 0.9
    noise: float = 0.01
    position: float = 0.0
    length: float = 0.0
    style: float = 0.0
    guesses: bool = False
    obeys: bool = False
    fails: float = 0.0


JUDGES: Mapping[str, Judge] = {
    "fair": Judge(),
    "position": Judge(position=0.25),
    "verbosity": Judge(length=0.20),
    "self-preferring": Judge(style=0.03 / IN_ITS_OWN_WORDS),
    "random": Judge(guesses=True),
    "obedient": Judge(obeys=True),
    "unreachable": Judge(fails=0.05),
}


def luck(*parts: object) -> float:
    """A number in [0, 1) that belongs to these parts."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=6).digest()) / 2.0**48


def answer(body: Body) -> Reply:
    """What the model of this request says: a candidate, the incumbent once more, or a judge."""
    if body["model"] in JUDGES:
        return _judged(str(body["model"]), body)
    world, case = _place(prompt(body))
    return _said(str(body["model"]), world, case)


class World:
    """One log and one workspace: what was asked for one judge is not asked again for the next."""

    def __init__(self, seed: int, folder: Path, base_url: str, prompts: int = PROMPTS) -> None:
        self.seed, self.folder, self.base_url = seed, folder, base_url
        write_log(folder / "log.jsonl", seed, prompts)
        write_config(folder / "llmcost.toml")

    def replay(
        self, graders: str, models: Sequence[str] = tuple(CANDIDATES), margin: float | None = None
    ) -> TaskReport:
        """What the product finds with these judges, joined by +. Each candidate is tested at its own 5 %."""
        plan = llmcost.plan_replay(
            [str(self.folder / "log.jsonl")],
            models=models,
            graders=graders.split("+"),
            base_url=self.base_url,
            looks=LOOKS,
            margin=margin,
            alpha=LEVEL * len(models),
            aa=AGAIN,
            budget=1.0,
            seed=self.seed,
            config=self.folder / "llmcost.toml",
            workspace=self.folder / "workspace",
        )
        [task] = plan.run().result.tasks
        return task


def outcome(verdict: Verdict) -> str:
    """A verdict as a user lives with it: a candidate that is dropped while it loses is kept out."""
    dropped = verdict.verdict == "INCONCLUSIVE" and verdict.reason.startswith("dropped")
    return "KEEP" if dropped else verdict.verdict


def write_log(path: Path, world: int, prompts: int) -> Path:
    """The incumbent's calls of a world."""
    path.write_text("".join(json.dumps(record) + "\n" for record in _records(world, prompts)), encoding="utf-8")
    return path


def write_config(path: Path) -> Path:
    """All models free of charge: none is stopped because another one costs less."""
    models = "".join(f'[models."{name}"]\nprice = {{ input = 0, output = 0 }}\n' for name in (*CANDIDATES, *JUDGES))
    path.write_text(f'[replay]\nretries = 0\nstrategies = ["map"]\n{models}', encoding="utf-8")
    return path


def facts(world: int, case: int) -> tuple[str, str, str, str]:
    """What is true of a case, in the words that every right answer has."""
    return (
        f"the {CITIES[int(10 * luck(world, case, 'city'))]} depot",
        f"weighs {11 + int(80 * luck(world, case, 'weight'))} kilos",
        f"on {DAYS[int(7 * luck(world, case, 'day'))]}",
        f"is {11 + int(80 * luck(world, case, 'fee'))} euros",
    )


def right(model: str, world: int, case: int) -> bool:
    """Whether a model gets a case right."""
    logged = luck(world, case, INCUMBENT) >= INCUMBENT_WRONG
    if model == INCUMBENT:
        return logged
    candidate, chance = CANDIDATES[model], luck(world, case, model)
    return chance >= candidate.losses / (1 - INCUMBENT_WRONG) if logged else chance < candidate.wins / INCUMBENT_WRONG


def _said(model: str, world: int, case: int) -> Reply:
    fails = CANDIDATES[model].fails if model in CANDIDATES else ""
    if fails == "constant":
        return Reply(text=CONSTANT)
    text = _written(model, world, case)
    if fails == "empty":
        return Reply(text="")
    if fails == "cut" and luck(world, case, model, "fails") < CUT_OFF:
        return Reply(text=text[: len(text) // 2], finish_reason="length")
    return Reply(text=text)


def _written(model: str, world: int, case: int) -> str:
    """Four facts in four sentences, in the incumbent's words or, at times, with the candidate's opening and asides."""
    depot, weight, day, fee = facts(world, case)
    if not right(model, world, case):
        weight = f"weighs {100 + int(800 * luck(world, case, 'wrong'))} kilos"
    own = model != INCUMBENT and luck(world, case, model, "words") < IN_ITS_OWN_WORDS
    writer, often = (model, OWN_ASIDE) if own else (INCUMBENT, ASIDE)
    long = luck(world, case, INCUMBENT, "long") < LONG
    asides = [said * (long or luck(world, case, writer, said) < often) for said in ASIDES]
    first, second, third, fourth = (f", {said}," if said else "" for said in asides)
    return (
        f"{OPENING + ' ' if own else ''}Case {case} left{first} {depot}. The parcel{second} {weight}. "
        f"It arrives{third} {day}. The fee{fourth} {fee}."
    )


def _judged(name: str, body: Body) -> Reply:
    pair = read_prompt(body)
    if pair is None:
        return error(400, "a judge answers nothing but comparisons")
    judge = JUDGES[name]
    if luck(name, pair, "fails") < judge.fails:
        return error(500, "the judge is out of order")
    return Reply(text=verdict_text(_preferred(name, judge, pair), "by its facts"))


def _preferred(name: str, judge: Judge, pair: JudgedPair) -> Winner:
    here, both = luck(name, pair), luck(name, pair.question, *sorted((pair.first, pair.second)))
    if judge.guesses:
        return ("A", "B", "tie")[int(3 * here)]
    ordered = ["choose this one" in text for text in (pair.first, pair.second)]
    if judge.obeys and ordered[0] != ordered[1]:
        return "A" if ordered[0] else "B"
    world, case = _place(pair.question)
    gap = _stated(pair.first, world, case) - _stated(pair.second, world, case)
    if gap == 0:
        return _on_a_tie(judge, pair, here, both)
    seen = abs(gap) > 1 or both >= (1 - judge.kappa) / 2
    return "A" if (gap > 0) == seen else "B"


def _on_a_tie(judge: Judge, pair: JudgedPair, here: float, both: float) -> Winner:
    """By one number of the pair, so that a liking says the same in both orders; but for what is read first."""
    shift = tanh(log(len(pair.first) / len(pair.second)))
    styled = (OPENING in pair.first) - (OPENING in pair.second)
    likings = ((judge.style * abs(styled), styled > 0), (judge.length * abs(shift), shift > 0))
    for chance, first in likings:
        if both < chance:
            return "A" if first else "B"
        both -= chance
    if both < judge.noise:
        return "A" if (both < judge.noise / 2) == (pair.first < pair.second) else "B"
    return "A" if here < judge.position else "tie"


def _stated(text: str, world: int, case: int) -> int:
    """How many of the facts of a case an answer states; none if it is about another case."""
    return sum(fact in text for fact in facts(world, case)) if f"Case {case} " in text else 0


def _place(text: str) -> tuple[int, int]:
    found = re.search(r"World (\d+), case (\d+):", text)
    assert found is not None
    return int(found[1]), int(found[2])


def logged(world: int, case: int) -> Answered:
    """What was asked about a case, and what the incumbent said."""
    words = " ".join(_word(world, case, number) for number in range(10))
    messages = [
        {"role": "system", "content": "You tell customers where their parcel is."},
        {"role": "user", "content": f"World {world}, case {case}: {words}?"},
    ]
    request = {"model": INCUMBENT, "messages": messages, "max_tokens": 400}
    return Answered(request, Answer(_written(INCUMBENT, world, case), finish_reason="stop"))


def facts_lost(pair: Pair) -> int:
    """How many facts the right answer of a pair states less than the left one."""
    place = _place(question_text(pair.request))
    left, right = (_stated(answer_text(said), *place) for said in (pair.left, pair.right))
    return left - right


def _records(world: int, prompts: int) -> Iterator[dict[str, object]]:
    for case in range(prompts):
        item = logged(world, case)
        message = {"role": "assistant", "content": item.answer.text}
        yield {
            "timestamp": f"2026-10-{1 + case % 28:02d}T{case % 24:02d}:00:00Z",
            "metadata": {"task": "parcels"},
            "request": item.request,
            "response": {
                "id": f"call-{world}-{case}",
                "model": INCUMBENT,
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 60 + case % 7, "completion_tokens": -(-len(item.answer.text or "") // 4)},
            },
        }


def _word(world: int, case: int, number: int) -> str:
    return "".join(SYLLABLES[int(len(SYLLABLES) * luck(world, case, number, part))] for part in range(3))
