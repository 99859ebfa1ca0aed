"""Tasks whose calls cannot be asked again stay in the table and in the bill, and keep their model."""

from __future__ import annotations

import json
from pathlib import Path

from support import shop
from support.loopback import Loopback


def test_a_task_without_bodies_is_listed_and_kept(tmp_path: Path) -> None:
    records = [shop.record(number) for number in range(60)]
    for number in range(20):
        blind = shop.record(number, metadata={"task": "blind"})
        blind["request"] = {"model": "gpt-4o"}
        records.append(blind)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    shop.write_config(tmp_path / "llmcost.toml")
    with Loopback(shop.answer) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            "--format", "json", cwd=tmp_path,
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    report = json.loads(outcome.stdout)
    tasks = {task["task"]: task for task in report["tasks"]}
    assert set(tasks) == {"blind", "chat", "label"}
    assert tasks["blind"]["candidates"] == [] and tasks["blind"]["sampled"] == 0
    assert tasks["blind"]["choice"] == {
        "model": "gpt-4o", "verdict": "CANNOT_JUDGE", "savings": None, "savings_interval": None, "way": None,
            "plan": None,
    }  # fmt: skip
    assert sum(item["calls"] for item in report["not_replayable"]) == 20
    assert sum(task["calls"] for task in report["tasks"]) == 80
