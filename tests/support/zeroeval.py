"""Recorded answers of nine models to two public benchmarks, as a log to replay and as an endpoint that replays them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import llmcost
from llmcost.answers import Answer
from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text
from llmcost.serving.rendering import answer_text, question_text
from llmcost.serving.scoring import RatedAnswer, rating_text, read_rating_prompt
from support import real_data
from support.loopback import Body, Reply, error, prompt

TASKS = ("gsm", "crux")
INCUMBENT = "gpt-4o-2024-08-06"
# Dollars a million tokens, input and output: the recorded answers have no token counts and some models no price today,
# so the test says what they cost. Only their order matters here.
PRICES = {
    "gpt-4o-mini-2024-07-18": (0.15, 0.60),
    "deepseek-v2.5-0908": (0.14, 0.28),
    "Meta-Llama-3.1-70B-Instruct": (0.35, 0.40),
    "Meta-Llama-3.1-8B-Instruct": (0.05, 0.08),
    "gpt-3.5-turbo-0125": (0.50, 1.50),
    "claude-3-haiku-20240307": (0.25, 1.25),
    "Qwen2-7B-Instruct": (0.05, 0.05),
    "gemma-2-2b-it": (0.02, 0.02),
}
CANDIDATES = tuple(PRICES)
JUDGES = {"judge-0.9": 0.9, "judge-0.7": 0.7, "judge-0.5": 0.5}  # simulated ones, and the κ of each
MARGINS = (0.05, 0.10)
# Simulated run-time graders: by how many spreads of their noise they rate right answers above wrong ones.
RATERS = {"rater-able": 2.2, "rater-blind": 0.1}


@dataclass
class Recorded:
    """Prompts by id, and by (task, prompt id, model) what was answered and whether that is right."""

    prompts: dict[tuple[str, str], dict[str, Any]]
    answers: dict[tuple[str, str, str], dict[str, Any]]

    def accuracy(self, task: str, model: str) -> float:
        """The true share of right answers."""
        marks = [a["correct"] for (t, _, m), a in self.answers.items() if (t, m) == (task, model)]
        return sum(marks) / len(marks)

    def answer(self, body: Body) -> Reply:
        """What the model of the request said to this prompt when it was recorded; what a judge says of two answers."""
        if body["model"] in JUDGES:
            return self._judged(body)
        if body["model"] in RATERS:
            return self._rated(body)
        key = self._by_text.get(prompt(body))
        found = self.answers.get((*key, body["model"])) if key else None
        if found is None:
            return error(400, "nobody recorded an answer to this")
        return Reply(text=found["output"], headers={"x-llmcost-recorded-latency-ms": f"{latency(found['output'])}"})

    def _judged(self, body: Body) -> Reply:
        pair = read_prompt(body)
        if pair is None:
            return error(400, "a judge answers nothing but comparisons")
        return Reply(text=verdict_text(self._preferred(body["model"], pair), "by the key"))

    def _preferred(self, judge: str, pair: JudgedPair) -> Winner:
        """The better answer with reliability κ: verdict × true sign is κ on average. Gross errors are always seen.

        A right answer is better than a wrong one, and a wrong one better than a text that no model wrote.
        """
        worth = self._worth_of(pair.question)
        gap = worth.get(pair.first, -1) - worth.get(pair.second, -1)
        luck = _luck(judge, pair.question, *sorted((pair.first, pair.second)))
        errs = luck < (1 - JUDGES[judge]) / 2
        if gap == 0:
            return "tie" if not errs else "A" if (luck * 1e6 % 1 < 0.5) == (pair.first < pair.second) else "B"
        if errs and not _grossly_bad(worth, pair):
            gap = -gap
        return "A" if gap > 0 else "B"

    def _rated(self, body: Body) -> Reply:
        rated = read_rating_prompt(body)
        if rated is None:
            return error(400, "a rater answers nothing but requests for a rating")
        return Reply(text=rating_text(self.rating(body["model"], rated)))

    def rating(self, rater: str, rated: RatedAnswer) -> float:
        """The rater's score of an answer, in [0, 1]."""
        right = self._worth[rated.question].get(rated.answer, 0)
        noise = NormalDist().inv_cdf(max(_luck(rater, rated.question, rated.answer), 1e-9))
        return NormalDist().cdf((RATERS[rater] * (right - 0.5) + noise) / 1.5)

    def _worth_of(self, question: str) -> dict[str, int]:
        """Of the prompt that it begins with: an order to the judge may have been planted behind it."""
        while question not in self._worth:
            question, _, planted = question.rpartition("\n\n")
            assert planted, "nobody asked this"
        return self._worth[question]

    @cached_property
    def _worth(self) -> dict[str, dict[str, int]]:
        """By prompt and answer as a judge sees them: 1 right, 0 wrong."""
        found: dict[str, dict[str, int]] = {}
        for (task, key, _), item in self.answers.items():
            request = {"messages": [{"role": "user", "content": self.prompts[task, key]["prompt"]}]}
            shown = answer_text(Answer(item["output"]))
            found.setdefault(question_text(request), {})[shown] = int(item["correct"])
        return found

    @cached_property
    def _by_text(self) -> dict[str, tuple[str, str]]:
        return {item["prompt"]: key for key, item in self.prompts.items()}

    def write_log(self, path: Path, *, hidden: bool = False) -> Path:
        """The incumbent's calls as a JSONL log, with expected answers unless those are to be hidden."""
        records = list(self._records())
        for record in records if hidden else ():
            del record["metadata"]["expected"]
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    def _records(self) -> Iterator[dict[str, Any]]:
        for number, ((task, key), item) in enumerate(self.prompts.items()):
            output = self.answers[task, key, INCUMBENT]["output"]
            yield {
                "timestamp": f"2024-10-{1 + number // 60:02d}T{number % 24:02d}:{number % 60:02d}:00Z",
                "latency_ms": latency(output),
                "metadata": {"task": task, "expected": item["gold"]},
                "request": {
                    "model": INCUMBENT,
                    "messages": [{"role": "user", "content": item["prompt"]}],
                    "temperature": 0,
                    "max_tokens": 4096,
                },
                "response": {
                    "id": key,
                    "object": "chat.completion",
                    "model": INCUMBENT,
                    "choices": [
                        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": output}}
                    ],
                    "usage": {"prompt_tokens": tokens(item["prompt"]), "completion_tokens": tokens(output)},
                },
            }


@dataclass(frozen=True)
class Judged:
    """What one judge led to for one candidate on one task, and what is true; both losses are shares."""

    judge: str
    margin: float
    task: str
    model: str
    outcome: str
    loss: float

    @property
    def wrong(self) -> bool:
        """Whether the verdict contradicts the truth: a switch beyond the margin, or a refusal within it."""
        beyond = self.loss > self.margin
        return (self.outcome == "SWITCH" and beyond) or (self.outcome == "KEEP" and not beyond)


def judged(
    recorded: Recorded, folder: Path, base_url: str, judges: Iterable[str] = JUDGES, models: Sequence[str] = CANDIDATES
) -> Iterator[Judged]:
    """Every candidate on every task at every margin, by each of these judges alone, all prompts asked before a look."""
    recorded.write_log(folder / "log.jsonl", hidden=True)
    config(folder / "llmcost.toml")
    for judge, margin in product(judges, MARGINS):
        plan = llmcost.plan_replay(
            [str(folder / "log.jsonl")],
            models=models,
            graders=[judge],
            base_url=base_url,
            margin=margin,
            sample=1_000,
            looks=1,
            budget=1_000.0,
            config=folder / "llmcost.toml",
            workspace=folder / "workspace",
        )
        for task in plan.run().result.tasks:
            for item in task.candidates:
                loss = recorded.accuracy(task.task, INCUMBENT) - recorded.accuracy(task.task, item.model)
                yield Judged(judge, margin, task.task, item.model, item.verdict, loss)


def _grossly_bad(worth: Mapping[str, int], pair: JudgedPair) -> bool:
    """Whether one of the two is no model's answer to this, and not one of them with a small change either."""
    unknown, other = (pair.first, pair.second) if pair.first not in worth else (pair.second, pair.first)
    if unknown in worth:
        return False
    words = [set(text.split()) for text in (unknown, other)]
    alike = len(words[0] & words[1]) / max(len(words[0] | words[1]), 1)
    return alike < 0.5 or len(unknown) < 0.6 * len(other)


def _luck(*parts: str) -> float:
    """A number in [0, 1) that belongs to these texts."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=6).digest()) / 2.0**48


def present() -> bool:
    """Whether the recordings are on this machine."""
    return all((real_data.ROOT / "zeroeval" / f"{task}.answers.jsonl.gz").exists() for task in TASKS)


def tokens(text: str) -> int:
    """Four bytes a token: the recordings have no counts."""
    return -(-len(text.encode()) // 4)


def latency(text: str) -> int:
    """A latency that depends on the length alone, in milliseconds."""
    return 300 + 12 * tokens(text)


def load() -> Recorded:
    """The recordings; skips the test where they are absent."""
    prompts = {(p["task"], p["prompt_id"]): p for task in TASKS for p in _lines(f"{task}.prompts.jsonl.gz")}
    answers = {(a["task"], a["prompt_id"], a["model"]): a for task in TASKS for a in _lines(f"{task}.answers.jsonl.gz")}
    return Recorded(prompts, answers)


def config(path: Path) -> Path:
    """A configuration that prices the recorded models."""
    lines = [
        f'[models."{model}"]\nprice = {{ input = {price[0]}, output = {price[1]} }}\n'
        for model, price in (PRICES | dict.fromkeys((*JUDGES, *RATERS), (0.0, 0.0))).items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(real_data.path("zeroeval", name), "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
