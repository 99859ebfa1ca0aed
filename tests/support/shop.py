"""A small log of one shop's traffic, an endpoint that answers it, and the command line as a user runs it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llmcost import cli
from llmcost.grading.judge import read_prompt, verdict_text
from support.loopback import Answerer, Body, Loopback, Reply, echo, prompt

KEY = "sk-planted-0123456789abcdefghijklmnopqrstuvwxyz"
CONFIG = """
[models.tiny]
price = { input = 0.10, output = 0.40 }
max_output_tokens = 400

[models.small]
price = { input = 0.50, output = 2.00 }
max_output_tokens = 400

[models.judge]
price = { input = 0.20, output = 0.80 }

[replay]
strategies = ["map"]
"""


def record(number: int, **changes: Any) -> dict[str, Any]:
    """One call: labels with an expected answer, or chat without."""
    labelled = number % 2 == 0
    question = f"Ticket {number}: the parcel of order {1000 + number} {'is late' if number % 3 else 'came broken'}."
    model = "gpt-4o-mini" if labelled else "gpt-4o"
    metadata = {"task": "label" if labelled else "chat"} | ({"expected": f"label-{number % 5}"} if labelled else {})
    return {
        "timestamp": f"2026-10-{1 + number % 28:02d}T{number % 24:02d}:00:00Z",
        "latency_ms": 800 + number % 400,
        "metadata": metadata,
        "request": {
            "model": model,
            "messages": [
                {"role": "system", "content": "You label tickets." if labelled else "You answer customers."},
                {"role": "user", "content": question},
            ],
            "max_tokens": 200,
        },
        "response": {
            "id": f"call-{number}",
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": f"label-{number % 5}" if labelled else f"Sorry! {number}",
                    },
                }
            ],
            "usage": {"prompt_tokens": 40 + number % 7, "completion_tokens": 5 if labelled else 60},
        },
        **changes,
    }


def write_log(path: Path, count: int = 600) -> Path:
    """A log of so many calls, half of them labels and half of them chat."""
    path.write_text("".join(json.dumps(record(number)) + "\n" for number in range(count)), encoding="utf-8")
    return path


def write_config(path: Path) -> Path:
    """Prices of the models that `answer` plays."""
    path.write_text(CONFIG, encoding="utf-8")
    return path


def answer(body: Body) -> Reply:
    """What a model that was recorded says, with its recorded latency; a judge knows the number of the ticket."""
    headers = {"x-llmcost-recorded-latency-ms": str(200 + _number(body) % 900)}
    judged = read_prompt(body)
    if judged is not None:
        number = re.findall(r"Ticket (\d+)", judged.question)[-1]
        first, second = (re.search(rf"\b{number}\b", said) is not None for said in (judged.first, judged.second))
        return Reply(text=verdict_text("tie" if first == second else "A" if first else "B", "number"), headers=headers)
    words = prompt(body).split()
    if words[:1] == ["Ticket"] and "label" in json.dumps(body["messages"][0]):
        return Reply(text=f"label-{int(words[1].rstrip(':')) % 5}", headers=headers)
    return Reply(text=echo(body).text, headers=headers)


def slow_answer(body: Body) -> Reply:
    """As `answer`, after some milliseconds, so that a client can be killed in the middle of many."""
    said = answer(body)
    return Reply(text=said.text, headers=said.headers, delay_s=0.02 + _number(body) % 30 / 1000)


def run(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "llmcost", *arguments],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_here(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in this process: the same code without the start of an interpreter."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        for name in set(os.environ) - set(environment(env)):
            patch.delenv(name)
        for name, value in environment(env).items():
            patch.setenv(name, value)
        code = cli.run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def replayed_chat(folder: Path, answer: Answerer) -> dict[str, Any]:
    """The report of a replay of 600 chats without expected answers: candidate "tiny", grader "judge"."""
    records = [record(number) for number in range(1, 1200, 2)]
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    write_config(folder / "llmcost.toml")
    with Loopback(answer) as server:
        outcome = run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            "--format", "json", cwd=folder,
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def start(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """The command line, left running."""
    command = [sys.executable, "-m", "llmcost", *arguments]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what would change a run, and with what the test sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMCOST_", "OPENAI_"))}
    kept.pop("CI", None)
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1", **(more or {})}


def _number(body: Body) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()[:4], "big")
