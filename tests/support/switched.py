"""A shop that has switched: a real replay that named "tiny" for both of its tasks, and the traffic that came since."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmcost.grading.judge import read_prompt, verdict_text
from support import shop
from support.loopback import Body, Loopback, Reply

FORMER = {"label": "gpt-4o-mini", "chat": "gpt-4o"}
WRONG = {"label": "label-9", "chat": "We are looking into it, dear customer."}
CHEAP_JUDGES = "".join(
    f"\n[models.{name}]\nprice = {{ input = 0.20, output = 0.80 }}\n" for name in ("second", "hostile")
)


def right(number: int) -> str:
    """The right answer to a ticket."""
    return f"label-{number % 5}" if number % 2 == 0 else f"Sorry about ticket {number}!"


def task_of(number: int) -> str:
    """The task of a ticket."""
    return "label" if number % 2 == 0 else "chat"


def call(number: int, model: str = "tiny", good: bool = True) -> dict[str, Any]:
    """One call after the switch: who answered it, and whether well."""
    record = shop.record(number)
    record["timestamp"] = f"2026-11-{1 + number // 1440 % 28:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z"
    record["request"]["model"] = record["response"]["model"] = model
    text = right(number) if good else WRONG[task_of(number)]
    record["response"]["choices"][0]["message"]["content"] = text
    return record


def write(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    """A log of these calls."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def answers(good: Callable[[str, int], bool] = lambda model, number: True) -> Callable[[Body], Reply]:
    """An endpoint whose models answer a ticket well or not; its judges know the number of the ticket.

    A judge called "hostile" takes every answer that says sorry for the worse one, but not a planted error for a good
    one; one called "lazy" sees no difference.
    """

    def answer(body: Body) -> Reply:
        judged = read_prompt(body)
        if judged is not None:
            return Reply(text=verdict_text(_verdict(str(body["model"]), judged), "so it seems"))
        number = int(re.findall(r"Ticket (\d+)", str(body["messages"]))[-1])
        model = str(body["model"])
        return Reply(text=right(number) if good(model, number) else WRONG[task_of(number)])

    return answer


def _verdict(model: str, judged: Any) -> Any:
    number = re.findall(r"Ticket (\d+)", judged.question)[-1]
    first, second = (re.search(rf"\b{number}\b", said) is not None for said in (judged.first, judged.second))
    if model == "lazy":
        return "tie"
    if model == "hostile" and first and second:
        return (
            "A" if len(judged.first) > len(judged.second) else "B" if len(judged.second) > len(judged.first) else "tie"
        )
    return "tie" if first == second else "A" if first else "B"


@dataclass
class Switched:
    """The folder of the shop, and the endpoint that everybody is asked at."""

    folder: Path
    server: Loopback

    def monitor(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """`llmcost monitor` as a user runs it."""
        command = ["monitor", *arguments, "--base-url", self.server.base_url, "--yes"]
        outcome = shop.run_here(*command, cwd=self.folder, env=env)
        assert outcome.returncode == code, outcome.stderr + outcome.stdout
        return outcome

    def found(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What it found, as JSON."""
        report: dict[str, Any] = json.loads(self.monitor(*arguments, "--format", "json", code=code).stdout)
        return report

    def log(self, name: str, records: Iterable[dict[str, Any]]) -> str:
        """A log of these calls, by its name."""
        write(self.folder / name, records)
        return name

    def run(self) -> str:
        """The run that switched."""
        return (self.folder / ".llmcost" / "last_run").read_text()

    def state(self) -> bytes:
        """What is kept of what was watched."""
        [file] = (self.folder / ".llmcost" / "monitors").iterdir()
        return file.read_bytes()


def replayed(folder: Path, server: Loopback, count: int = 640, *more: str) -> dict[str, Any]:
    """Replays a log of the shop; gives the report."""
    shop.write_log(folder / "log.jsonl", count)
    (folder / "llmcost.toml").write_text(shop.CONFIG + CHEAP_JUDGES, encoding="utf-8")
    command = [
        "replay",
        "log.jsonl",
        "--models",
        "tiny",
        "--grader",
        "judge",
        "--aa",
        "0",
        "--base-url",
        server.base_url,
    ]
    outcome = shop.run_here(*command, "--yes", "--format", "json", *more, cwd=folder)
    assert outcome.returncode == 0, outcome.stderr
    report: dict[str, Any] = json.loads(outcome.stdout)
    return report


def by_task(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The promises by their task."""
    return {task["task"]: task for task in report["tasks"]}
