"""Exports of a real run, as a user makes them: the bill adds up, prompts are shown on request, nothing leaks."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import shop
from support.loopback import Loopback

import llmcost
from llmcost.report import exporters

CREDENTIALS = "http://me:hunter2@gateway.example.com/v1?key=hunter2"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small log of which a replay was saved, and the log that it had."""
    folder = tmp_path_factory.mktemp("exports")
    shop.write_log(folder / "log.jsonl", 400)
    shop.write_config(folder / "llmcost.toml")
    with Loopback(shop.answer) as server:
        done = shop.run_here("replay", "log.jsonl", "--models", "tiny", "--aa", "0", "--base-url", server.base_url,
                             "--yes", "--format", "json", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def export(folder: Path, to: str, *more: str, code: int = 0, **env: str) -> tuple[str, str]:
    done = shop.run_here("export", "--to", to, *more, cwd=folder, env=env)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def usd(text: str) -> float:
    return math.fsum(float(row["BilledCost"]) for row in rows(text) if row["BilledCost"])


def audited(folder: Path, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.run_here("audit", *more, "--format", "json", cwd=folder).stdout)
    return found


@pytest.mark.parametrize("to", sorted(set(exporters()) - {"promptfoo"}))
def test_every_export_is_made_of_a_run_without_a_key_or_a_prompt(run: Path, to: str) -> None:
    text, talk = export(run, to, "--base-url", CREDENTIALS, LLMCOST_API_KEY=shop.KEY)
    assert not [secret for secret in ("hunter2", shop.KEY, "Ticket", "You answer") if secret in text + talk]
    assert text == export(run, to, "--base-url", CREDENTIALS)[0]


def test_prompts_are_refused_unless_asked_for(run: Path) -> None:
    text, talk = export(run, "promptfoo", code=2)
    assert text == ""
    assert "--show-text" in talk
    text, talk = export(run, "promptfoo", "--show-text")
    config = yaml.safe_load(text)
    assert f"this export holds {len(config['tests'])} prompts of your log" in talk
    by_task = {task: [t for t in config["tests"] if t["metadata"]["task"] == task] for task in ("label", "chat")}
    first = by_task["label"][0]
    assert json.loads(first["vars"]["expected"]).startswith("label-")
    assert json.loads(first["vars"]["messages"])[0] == {"role": "system", "content": "You label tickets."}
    assert first["assert"][0]["type"] == "equals"
    assert "expected" not in by_task["chat"][0]["vars"]
    assert json.loads(by_task["chat"][0]["vars"]["reference"]).startswith("Sorry!")


def test_what_the_log_no_longer_holds_is_no_prompt(run: Path, tmp_path: Path) -> None:
    content = (run / "log.jsonl").read_bytes()
    try:
        (run / "log.jsonl").write_bytes(content[400:])
        assert "has changed since it was read" in export(run, "promptfoo", "--show-text", code=3)[1]
    finally:
        (run / "log.jsonl").write_bytes(content)


def test_the_bill_adds_up_to_the_audit(run: Path) -> None:
    text, _ = export(run, "focus")
    found = audited(run, "log.jsonl")
    assert usd(text) == pytest.approx(found["totals"]["cost_usd"], rel=1e-9)
    for task in found["by_task"]:
        own = [row for row in rows(text) if json.loads(row["Tags"])["task"] == task["task"]]
        tokens = {kind: sum(int(row["ConsumedQuantity"]) for row in own if row["SkuMeter"].startswith(kind))
                  for kind in ("input", "output")}  # fmt: skip
        assert tokens == {"input": task["input_tokens"], "output": task["output_tokens"]}
    assert {row["ProviderName"] for row in rows(text)} == {"openai"}


def test_without_a_run_it_is_the_bill_of_what_was_audited_last(tmp_path: Path) -> None:
    records = [shop.record(number) for number in range(40)]
    records[1]["request"]["model"] = records[1]["response"]["model"] = "nobody-prices-this"
    del records[3]["response"]["usage"]
    del records[5]["timestamp"]
    records[7]["response"]["usage"]["prompt_tokens_details"] = {"cached_tokens": 30}
    records[9]["metadata"]["app_cache"] = "hit"
    records[11]["request"]["service_tier"] = records[11]["response"]["service_tier"] = "flex"
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    assert "llmcost audit LOGS first" in export(tmp_path, "focus", code=3)[1]
    totals = audited(tmp_path, "log.jsonl", "--last", "20d")["totals"]
    text, _ = export(tmp_path, "focus")
    assert usd(text) == pytest.approx(totals["cost_usd"], rel=1e-9)
    totals = audited(tmp_path, "log.jsonl")["totals"]
    found = rows(export(tmp_path, "focus")[0])
    assert usd(export(tmp_path, "focus")[0]) == pytest.approx(totals["cost_usd"], rel=1e-9)
    unpriced = [row for row in found if row["ServiceName"] == "nobody-prices-this"]
    assert [row["BilledCost"] for row in unpriced] == ["", ""]
    assert all(int(row["ConsumedQuantity"]) for row in unpriced)
    assert [row["x_Calls"] for row in found if row["SkuMeter"] == "calls"] == ["1"]  # counts no tokens
    assert {row["ChargePeriodStart"] for row in found} > {""}
    assert [row["ConsumedQuantity"] for row in found if "cache" in row["SkuMeter"]] == ["30"]
    assert [row["PricingCategory"] for row in found if "flex" in row["Tags"]] == ["Other", "Other"]


@pytest.mark.parametrize("mode", ["logged", "auto"])
def test_costs_of_the_log_are_billed_where_they_are_believed(tmp_path: Path, mode: str) -> None:
    records = [shop.record(number) for number in range(30)]
    for number, record in enumerate(records):
        if number % 3:
            record["response"]["usage"]["cost"] = 0.01 * (number + 1)
    records[1]["request"]["model"] = records[1]["response"]["model"] = "nobody-prices-this"
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    totals = audited(tmp_path, "log.jsonl", "--cost-mode", mode)["totals"]
    found = rows(export(tmp_path, "focus")[0])
    assert math.fsum(float(row["BilledCost"] or 0) for row in found) == pytest.approx(totals["cost_usd"], rel=1e-9)
    assert totals["cost_usd"] > 3
    [whole] = [row for row in found if row["ServiceName"] == "nobody-prices-this"]
    assert (whole["SkuMeter"], float(whole["BilledCost"])) == ("calls", pytest.approx(0.02))


def test_the_order_of_a_log_changes_no_byte(tmp_path: Path) -> None:
    lines = [json.dumps(shop.record(number)) + "\n" for number in range(60)]
    texts = []
    for name, order in (("a", lines), ("b", lines[::-1])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text("".join(order))
        audited(tmp_path / name, "log.jsonl")
        texts.append(export(tmp_path / name, "focus")[0])
    assert texts[0] == texts[1]


def test_a_target_that_is_not_known_names_those_that_are(run: Path) -> None:
    assert "focus, json, litellm" in export(run, "excel", code=2)[1]


def test_the_same_as_a_function(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    assert llmcost.export(to="python") == export(run, "python")[0]
