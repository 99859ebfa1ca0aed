"""The margin is fixed by the log before anybody answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from support import shop
from support.loopback import Body, Loopback, Reply, prompt


def test_a_few_answers_left_to_a_judge_do_not_widen_a_checked_task(tmp_path: Path) -> None:
    records = [shop.record(number) for number in range(0, 400, 2)]
    for record in records[::20]:  # too long to be matched word for word: only a judge can tell
        record["metadata"]["expected"] = "a model answer of many words " * 10
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    shop.write_config(tmp_path / "llmcost.toml")

    def answer(body: Body) -> Reply:
        said = shop.answer(body)
        ticket = re.match(r"Ticket (\d+):", prompt(body))
        long_expected = ticket is not None and int(ticket[1]) % 40 == 0
        return Reply(text=f"For ticket {ticket[1]} I suggest {said.text}") if ticket and long_expected else said

    with Loopback(answer) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            "--format", "json", cwd=tmp_path,
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    [task] = json.loads(outcome.stdout)["tasks"]
    assert task["task"] == "label"
    assert task["margin"] == 0.02
    assert task["candidates"][0]["verdict"] != "SWITCH"


def test_an_open_ended_task_has_the_wider_margin_and_a_given_margin_wins(tmp_path: Path) -> None:
    shop.write_log(tmp_path / "log.jsonl", 60)
    shop.write_config(tmp_path / "llmcost.toml")
    with Loopback(shop.answer) as server:
        base = ["replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes"]
        default = json.loads(shop.run_here(*base, "--format", "json", cwd=tmp_path).stdout)
        given = json.loads(shop.run_here(*base, "--margin", "3%", "--format", "json", cwd=tmp_path).stdout)
    assert {task["task"]: task["margin"] for task in default["tasks"]} == {"chat": 0.05, "label": 0.02}
    assert {task["margin"] for task in given["tasks"]} == {0.03}
