"""What a look at promises says on screens of 80 and 120 columns, and in every other format."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from llmcost.api.views import MonitorView
from llmcost.monitor.result import NOT_BROKEN, GraderWatch, MonitorReport, Standing, TaskWatch
from llmcost.pricing.result import PriceStamp
from llmcost.recommend.result import NotReplayable, Spend

GOLDEN = Path(__file__).parent / "golden"


def watch(
    task: str, verdict: Standing, reason: str, prompts: int, difference: float | None, evidence: float
) -> TaskWatch:
    lower = None if difference is None else difference - 0.031
    graders = [
        GraderWatch(name, prompts, difference, lower, evidence, max(evidence, 1.0), verdict == "BROKEN")
        for name in ("gemini-2.5-flash", "claude-haiku-4-5")
    ]
    return TaskWatch(
        task=task, model="deepseek-v4-flash", former="gpt-4o-2024-08-06", margin=0.05 if prompts < 900 else 0.0789,
        verdict=verdict, reason=reason, prompts=prompts, new_prompts=min(prompts, 200), difference=difference,
        lower_bound=lower, evidence=evidence, breaks_at=80.0, calls=4_000, new_calls=3_900, former_calls=12,
        missing=2 if prompts else 0, failures=3 if prompts else 0, unparsed=0, graders=graders,
    )  # fmt: skip


def report() -> MonitorReport:
    blind = "grader gemini-2.5-flash missed 31 of 60 planted bad answers"
    disputed = f"{NOT_BROKEN}; claude-haiku-4-5 says that it is broken, gemini-2.5-flash does not (yet)"
    return MonitorReport(
        llmcost_version="0",
        prices=PriceStamp("2026-11-24", "0" * 64),
        run="265837b7",
        alpha=0.05,
        seed=7,
        files=["logs/2026-12-01.jsonl"],
        host="endpoint.example",
        graders=["gemini-2.5-flash", "claude-haiku-4-5"],
        tasks=[
            watch("support chat", "BROKEN", "switch back: gpt-4o-2024-08-06 for support chat", 812, -0.114, 3_417.2),
            watch("summarize", "HOLDS", "shown to be kept, as judged", 2_412, 0.004, 0.004),
            watch("translate", "HOLDS", disputed, 640, -0.021, 12.3),
            watch("classify", "TOO_EARLY", "12 of the 30 prompts that it takes to say anything", 12, 0.0, 0.97),
            watch("code review for the platform team", "CANNOT_JUDGE", blind, 0, None, 1.0),
        ],
        not_switched=["reason", "extract"],
        left_out=[NotReplayable("failed in the log", 84)],
        adjusted_parameters=["gpt-4o-2024-08-06: max_completion_tokens → max_tokens (12×)"],
        spend=Spend(0.61, 0.14, 1_232, 8.0, 0.0827),
    )


@pytest.mark.parametrize("width", [80, 120])
def test_terminal(width: int) -> None:
    """Compared byte by byte; LLMCOST_UPDATE_GOLDEN=1 writes the file instead, to be read before it is committed."""
    said, file = MonitorView(report()).render(width=width), GOLDEN / f"monitor-{width}.txt"
    if os.environ.get("LLMCOST_UPDATE_GOLDEN"):
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")
    assert all(cell_len(line) <= width for line in said.splitlines())


def test_json_is_the_report_and_holds_no_infinity() -> None:
    endless = msgspec.structs.replace(report().tasks[0], evidence=1e300)
    view = MonitorView(msgspec.structs.replace(report(), tasks=[endless]))
    assert msgspec.json.decode(view.render("json"), type=MonitorReport) == view.result
    assert view.to_dict()["schema"] == "llmcost.monitor/1"
    assert ">1.0M of 80" in view.render()


def test_other_formats_hold_every_promise_and_every_grader() -> None:
    view = MonitorView(report())
    rows = list(csv.reader(io.StringIO(view.render("csv"))))
    assert sum(row[:1] == ["task"] or "task" in row[:2] for row in rows) >= 5
    for format in ("markdown", "html"):
        said = view.render(format)
        assert all(name in said for name in ("BROKEN", "CANNOT JUDGE", "TOO EARLY", "claude-haiku-4-5"))
    assert list(view.tasks.verdict) == ["BROKEN", "HOLDS", "HOLDS", "TOO_EARLY", "CANNOT_JUDGE"]
