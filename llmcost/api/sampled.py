"""The prompts that a run has replayed, with their text and how their answers are graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmcost import logs
from llmcost.api.labelling import record_of
from llmcost.api.shown import Shown
from llmcost.calls import Call
from llmcost.config import CheckSettings
from llmcost.grading.checks import choose
from llmcost.report.exports import SamplePrompt
from llmcost.workspace import Workspace

JUDGED = "judge"


def sample_of(
    run: str | None, place: Workspace, checks: Mapping[str, CheckSettings], texts: Shown
) -> list[SamplePrompt]:
    """The prompts of a run's sample, in its order; `checks` are those that the configuration sets.

    Raises InputError if there is no run, or if the log no longer holds what was replayed.
    """
    record, calls = record_of(run, place)
    bodies = zip(record.tasks, logs.places(calls), logs.bodies(calls), strict=True)
    return [_prompt(task, where, call, checks.get(task), texts) for task, where, call in bodies]


def _prompt(task: str, where: str, call: Call, settings: CheckSettings | None, texts: Shown) -> SamplePrompt:
    request: Mapping[str, Any] = call.request or {}
    expected = (call.expected or "").strip()
    check = choose(expected, settings) if expected else None
    logged = None if call.answer is None else call.answer.text
    messages, tools, wanted, said = texts.together(
        list(request.get("messages") or []), list(request.get("tools") or []), expected, logged or ""
    )
    return SamplePrompt(
        task=task,
        where=where,
        messages=messages,
        tools=tools,
        check=JUDGED if check is None else check.name,
        expected=None if check is None else wanted,
        logged=None if logged is None else said,
    )
