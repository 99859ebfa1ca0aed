"""What a run has shown of a model that answers now: found under the names that a log has for it, never flattered."""

from __future__ import annotations

import numpy as np
import pytest

from llmcost import gate
from llmcost.calls import from_rows
from llmcost.config import GateSettings
from llmcost.gate import RunFacts, Shown
from llmcost.pricing.result import PriceStamp

STAMP = PriceStamp("2026-11-20", "abc")
RUN = RunFacts(
    "3f9a",
    [
        Shown("code", "big", "today's model", 0.0, 0.02),
        Shown("code", "luna", "SWITCH", 0.012, 0.02),
        Shown("code", "luna@none", "KEEP", None, 0.02),
        Shown("code", "sol@low", "KEEP", None, 0.02),
        Shown("code", "sol@high", "SWITCH", 0.018, 0.02),
        Shown("code", "stretch", "SWITCH_AT", 0.04, 0.02),
        Shown("write letters·abcdef", "luna", "SWITCH", 0.01, 0.02),
    ],
    0.015,
)
NAMES = [
    ("luna", 0.012), ("luna@none", None), ("luna@high", 0.012), ("vendor/luna", 0.012), ("sol@high", 0.018),
    ("sol@low", None), ("sol", None), ("big", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("model", "loss"), NAMES)
def test_a_model_is_found_by_its_name_and_effort_and_of_several_the_worst_counts(
    model: str, loss: float | None
) -> None:
    found = RUN.of("code", model)
    assert found is not None and found.loss == loss


def test_what_was_not_tried_is_not_found() -> None:
    assert RUN.of("code", "sol@medium") is RUN.of("code", "lun") is RUN.of("faq", "luna") is None
    assert RUN.of("call site abcdef", "luna") is not None


def log(task: str, models: list[tuple[str, str | None]]) -> gate.Log:
    rows = [
        {"task": task, "request_model": model, "reasoning_effort": effort, "error_type": None}
        for model, effort in models
    ]
    return gate.Log(from_rows(rows, []), np.full(len(rows), 0.01))


def failures(models: list[tuple[str, str | None]], run: RunFacts = RUN, quality: float | None = None) -> list[str]:
    base = gate.baseline(log("code", [("old", None)] * 300), stamp=STAMP, version="0.1.0")
    settings = GateSettings(quality=quality)
    return gate.check(log("code", models), base, settings, STAMP, "0.1.0", run).reasons


OLD = [("old", None)] * 300


def test_models_that_were_there_before_or_have_passed_need_no_word() -> None:
    assert failures([*OLD, *[("luna", None)] * 100, *[("big", None)] * 100, *[("sol", "high")] * 9]) == []


def test_a_model_on_trial_under_one_call_in_a_hundred_is_no_matter() -> None:
    assert failures([*OLD, *[("mystery", None)] * 3]) == []
    [reason] = failures([*OLD, *[("mystery", None)] * 4])
    assert reason == "mystery answers 4 calls of code: run 3f9a did not try it on this task"


def test_a_margin_of_the_user_wins_over_that_of_the_run() -> None:
    [reason] = failures([*OLD, *[("stretch", None)] * 212])
    assert reason == (
        "stretch answers 212 calls of code: run 3f9a does not show that it is not worse by more than 2 % (SWITCH AT)"
    )
    assert failures([*OLD, *[("stretch", None)] * 212], quality=0.05) == []
    [reason] = failures([*OLD, *[("luna", None)] * 100], quality=0.013, run=RUN)
    assert reason == "the plan of run 3f9a loses at most 1.5 %; 1.3 % allowed"


def test_another_effort_is_another_model() -> None:
    base = gate.baseline(log("code", [("sol", "low")] * 50), stamp=STAMP, version="0.1.0")
    found = gate.check(log("code", [("sol", "high")] * 50), base, GateSettings(new_models="fail"), STAMP, "0.1.0")
    assert found.reasons == ["code: new model sol@high in 50 calls, not in the baseline"]
