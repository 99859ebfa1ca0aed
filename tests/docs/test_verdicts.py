"""docs/verdicts.md reads verdicts of real runs: of the demo, and of the shop at two sizes of its log.

A block ```text RUN: TASK, … holds figures of one report. `LLMCOST_UPDATE_DOCS=1` writes them into the page, to be read
before it is committed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import demo_run, shop
from support.loopback import Loopback

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
BLOCK = re.compile(r"^```text (.+)\n(?:.*\n)*?```$", re.MULTILINE)
LINES = (
    ("verdict", "reason"),
    ("n", "n_effective", "wins", "ties", "losses", "failures"),
    ("difference", "lower_bound", "upper_bound", "length_adjusted"),
    ("margin", "reliability", "certified_margin", "tipping_bias"),
    ("noise_floor", "cost_ratio", "more_prompts"),
)
SIZES = {"300 prompts": 600, "100 prompts": 200}

Reports = Callable[[str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The report of a run by its name: "demo", or how many prompts of each task the shop has."""
    kept: dict[str, Mapping[str, Any]] = {}

    def of(name: str) -> Mapping[str, Any]:
        if name not in kept:
            folder = tmp_path_factory.mktemp("shop") if name in SIZES else None
            kept[name] = shop_report(folder, SIZES[name]) if folder else demo_report(tmp_path_factory)
        return kept[name]

    return of


def demo_report(factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    workspace = demo_run.demo_folder(factory) / "llmcost-demo" / ".llmcost"
    run = (workspace / "last_run").read_text()
    found: Mapping[str, Any] = json.loads((workspace / "runs" / f"{run}.json").read_text(encoding="utf-8"))
    return found


def shop_report(folder: Path, count: int) -> Mapping[str, Any]:
    shop.write_log(folder / "log.jsonl", count)
    shop.write_config(folder / "llmcost.toml")
    with Loopback(shop.answer) as server:
        done = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--base-url", server.base_url, "--yes", "--format", "json",
            cwd=folder,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def written(block: re.Match[str], reports: Reports) -> str:
    """The block with the figures of its run."""
    run, _, said = block[1].partition(": ")
    task, _, rest = said.partition(", ")
    report = reports(rest.partition(", ")[0] if run == "shop" else run)
    lines = controls(report) if task == "controls" else figures(report, task, rest.rpartition(", ")[2])
    return "\n".join([f"```text {block[1]}", *lines, "```"])


def figures(report: Mapping[str, Any], task: str, model: str) -> Iterator[str]:
    [found] = [each for each in report["tasks"] if each["task"] == task]
    [candidate] = [each for each in found["candidates"] if each["model"] == model]
    known = {**candidate, "margin": found["margin"], "noise_floor": found["noise_floor"]}
    for names in LINES:
        pairs = [f"{name}: {short(known[name])}" for name in names if known[name] is not None]
        if (pairs and candidate["n"]) or "verdict" in names:
            yield "   ".join(pairs)


def controls(report: Mapping[str, Any]) -> Iterator[str]:
    for task in report["tasks"][:4]:
        found, planted = task["controls"], "checked, no judge"
        for each in found["graders"]:
            planted = f"gross {each['gross_caught']} of {each['gross_planted']}, subtle {each['subtle_caught']}"
        low, high = map(short, found["aa_interval"])
        yield f"{task['task']:14}planted: {planted:28}aa: {low} to {high:9}noise floor: {short(task['noise_floor'])}"


def short(value: Any) -> str:
    return f"{round(value, 4):g}" if isinstance(value, float) else str(value)


def test_the_page_shows_what_the_runs_have_found(reports: Reports) -> None:
    page = PAGE.read_text(encoding="utf-8")
    now = BLOCK.sub(lambda block: written(block, reports), page)
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
        pytest.fail("docs/verdicts.md was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now


def test_every_verdict_is_read(reports: Reports) -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = set(re.findall(r"^verdict: (\w+)", page, re.MULTILINE))
    headings = {word.replace(" ", "_") for word in re.findall(r"^## ([A-Z ]+)$", page, re.MULTILINE)}
    assert headings == {"SWITCH", "SWITCH_AT", "KEEP", "INCONCLUSIVE", "CANNOT_JUDGE"}
    assert shown == headings - {"KEEP"}  # that one is of a task of which nobody is left
    [extract] = [each for each in reports("demo")["tasks"] if each["task"] == "extract"]
    assert extract["choice"]["verdict"] == "KEEP"
