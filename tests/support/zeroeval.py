"""Recorded answers of nine models to two public benchmarks, as a log to replay and as an endpoint that replays them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

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
        """What the model of the request said to this prompt when it was recorded."""
        key = self._by_text.get(prompt(body))
        found = self.answers.get((*key, body["model"])) if key else None
        if found is None:
            return error(400, "nobody recorded an answer to this")
        return Reply(text=found["output"], headers={"x-llmcost-recorded-latency-ms": f"{latency(found['output'])}"})

    @cached_property
    def _by_text(self) -> dict[str, tuple[str, str]]:
        return {item["prompt"]: key for key, item in self.prompts.items()}

    def write_log(self, path: Path) -> Path:
        """The incumbent's calls as a JSONL log with expected answers."""
        path.write_text("".join(json.dumps(record) + "\n" for record in self._records()), encoding="utf-8")
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
        for model, price in PRICES.items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(real_data.path("zeroeval", name), "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]
