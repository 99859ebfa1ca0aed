"""A replay's bill: what the model map does alone is measured, and what changes no answer is stacked around it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Loopback


def replayed(folder: Path, repeats: int) -> dict[str, Any]:
    """The report of a replay of 80 tickets, the first of which were asked again half an hour later."""
    lines = [shop.record(number) for number in range(80)]
    again = [line | {"timestamp": line["timestamp"].replace(":00:00Z", ":30:00Z")} for line in lines[:repeats]]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines + again), encoding="utf-8")
    shop.write_config(folder / "llmcost.toml")
    with Loopback(shop.answer) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "-y",
            "--limit", "15%", "--format", "json", cwd=folder,
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def test_the_stack_stands_beside_what_was_measured(tmp_path: Path) -> None:
    bill = replayed(tmp_path, repeats=40)["bill"]
    before, after, stacked = (bill[side]["logged_usd"] for side in ("before", "after", "stacked"))
    cache, model_map = bill["steps"]
    assert (cache["strategy"], cache["basis"]) == ("response_cache", "no_answer_change")
    assert (model_map["strategy"], model_map["basis"]) == ("model_map", "measured")
    assert cache["before_usd"] == pytest.approx(before) and model_map["after_usd"] == pytest.approx(stacked)
    assert stacked < after < before
    assert math.fsum(share["shapley_usd"] for share in bill["shares"]) == pytest.approx(before - stacked, rel=1e-9)
    alone = {share["strategy"]: share["alone_usd"] for share in bill["shares"]}
    assert alone["model_map"] == pytest.approx(before - after, rel=1e-9)
    assert alone["response_cache"] == pytest.approx(before - cache["after_usd"], rel=1e-9)
    assert bill["change"] == pytest.approx((after - before) / before)
    assert bill["cache_ttl"] == "1h"


def test_where_nothing_else_saves_the_model_map_is_the_whole_bill(tmp_path: Path) -> None:
    bill = replayed(tmp_path, repeats=0)["bill"]
    assert [step["strategy"] for step in bill["steps"]] == ["model_map"]
    assert bill["stacked"] is None and bill["cache_ttl"] is None
