"""The same job from Python: DataFrames, HTML for Jupyter, and no trouble with a running event loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pandas as pd
import pytest
from support import shop
from support.loopback import Loopback

import llmcost
import llmcost.api
import llmcost.audit.result  # a room must not hide the job of its name
from llmcost.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shop.write_log(tmp_path / "log.jsonl", 60)
    shop.write_config(tmp_path / "llmcost.toml")
    return tmp_path


def test_audit_hands_out_tables_and_renders_itself(folder: Path) -> None:
    found = llmcost.audit(str(folder / "log.jsonl"), workspace=folder / "w")
    assert isinstance(found.by_task, pd.DataFrame)
    assert set(found.by_task["task"]) == {"chat", "label"}
    assert found.by_task["cost_usd"].sum() == pytest.approx(found.result.totals.cost_usd)
    assert {"model", "calls"} <= set(found.by_model.columns)
    html = found._repr_html_()
    assert "<table" in html and "chat" in html
    assert json.loads(found.render("json")) == found.to_dict()
    with pytest.raises(ConfigError, match="no format"):
        found.render("papyrus")


def test_replay_works_inside_a_running_event_loop_as_in_jupyter(folder: Path) -> None:
    with Loopback(shop.answer) as server:

        async def cell() -> llmcost.api.ReplayView:
            return llmcost.replay(
                [str(folder / "log.jsonl")],
                models=["tiny"],
                graders=["judge"],
                base_url=server.base_url,
                budget=1.0,
                config=folder / "llmcost.toml",
                workspace=folder / "w",
            )

        found = asyncio.run(cell())
    assert set(found.model_map) == {"chat", "label"}
    assert set(found.candidates["verdict"]) <= {"SWITCH", "KEEP", "INCONCLUSIVE", "CANNOT_JUDGE"}
    again = llmcost.report(workspace=folder / "w")
    assert again.render("json") == found.render("json")
    assert "<table" in again._repr_html_()
    assert "openai/" in llmcost.export(to="litellm", workspace=folder / "w")
