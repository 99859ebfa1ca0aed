"""A run as it is after its replay: a log, two candidates' answers in the store, and the record of their grades."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from llmcost import logs
from llmcost.answers import Answer
from llmcost.api.traffic import Options, load
from llmcost.config import load as load_settings
from llmcost.endpoint import Completion
from llmcost.replay import open_store
from llmcost.trial.record import RecordedArm, RecordedPair, RunRecord, pack
from llmcost.workspace import Workspace
from support import shop

RUN = "0a1b2c3d"
SECRET_MODELS = ("candidate-one", "candidate-two@low", "gpt-4o-mini", "gpt-4o")


@dataclass
class GradedRun:
    """Where it is, and what only its maker knows: each candidate's text by the key of its answer."""

    folder: Path
    workspace: Workspace
    record: RunRecord
    texts: dict[str, str] = field(default_factory=dict)

    def logged(self, prompt: int) -> str:
        """The logged answer of a prompt."""
        return f"logged answer to {prompt}"


def answer_key(task: str, model: str, prompt: int) -> bytes:
    """As long as a real one, and as little like the model's name."""
    return hashlib.sha256(f"{task} {model} {prompt}".encode()).digest()


def make(
    folder: Path,
    prompts: int = 40,
    *,
    text: Callable[[str, int], str] = lambda model, prompt: f"replayed answer to {prompt}, one of {len(model)}",
    stored: Callable[[int], bool] = lambda prompt: True,
) -> GradedRun:
    """A run of so many prompts: half in "label", where checks decided a part, and half in "chat", all judged.

    A judge saw a difference on every third; the fifth of every ten answers was identical.
    """
    _write_log(folder / "log.jsonl", prompts)
    workspace = Workspace(folder / ".llmcost")
    traffic = load([str(folder / "log.jsonl")], Options(), load_settings(None), workspace, lambda line: None)
    tasks = [name or "" for name in traffic.calls.labels("task")]
    run = GradedRun(folder, workspace, _record(tasks))
    asyncio.run(_fill(run, text, stored))
    workspace.save_run(RUN, b"{}")
    workspace.save_record(RUN, pack(run.record, traffic.calls))
    assert len(logs.bodies(traffic.calls)) == prompts
    return run


def _write_log(path: Path, prompts: int) -> None:
    records = [shop.record(number) for number in range(prompts)]
    for number, record in enumerate(records):
        record["response"]["choices"][0]["message"]["content"] = f"logged answer to {number}"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _record(tasks: list[str]) -> RunRecord:
    arms = [
        RecordedArm(task, label, label.partition("@")[0], 0.05, "INCONCLUSIVE", ["judge-a", "judge-b"], [])
        for task in sorted(set(tasks))
        for label in SECRET_MODELS[:2]
    ]
    for arm in arms:
        arm.pairs.extend(_pair(arm, prompt) for prompt, task in enumerate(tasks) if task == arm.task)
    return RunRecord(RUN, 7, 0.05, "https://host.example/v1", tasks, [1.0] * len(tasks), list(range(len(tasks))), arms)


def _pair(arm: RecordedArm, prompt: int) -> RecordedPair:
    difference = (-1.0 if prompt % 2 else 0.5) if prompt % 3 == 0 else 0.0
    basis = "identical" if prompt % 10 == 5 else "exact" if arm.task == "label" and prompt % 4 == 0 else "judge"
    key = answer_key(arm.task, arm.label, prompt)
    return RecordedPair(prompt, key, [difference, 0.0], [basis, basis])


async def _fill(run: GradedRun, text: Callable[[str, int], str], stored: Callable[[int], bool]) -> None:
    pairs = [(arm, pair) for arm in run.record.arms for pair in arm.pairs if stored(pair.prompt)]
    run.texts.update({pair.answer.hex(): text(arm.label, pair.prompt) for arm, pair in pairs})
    with open_store(run.workspace) as store:
        await asyncio.gather(
            *(store.put(pair.answer, _completion(arm, run.texts[pair.answer.hex()]), 0.001, RUN) for arm, pair in pairs)
        )


def _completion(arm: RecordedArm, text: str) -> Completion:
    return Completion(model=arm.model, status="answered", answer=Answer(text=text))
