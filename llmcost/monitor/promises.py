"""What a run promised of the tasks that it switched: the new model is so much worse at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.errors import InputError
from llmcost.recommend.plan import PASSED
from llmcost.recommend.result import ReplayReport, TaskReport
from llmcost.serving import CandidateModel, parse_candidate
from llmcost.trial.record import RunRecord


@dataclass(frozen=True, slots=True)
class Promise:
    """A switch, and what was said of it.

    former    today's model of most spend, which is asked again where the new one answers now
    formers   every model that the task used before
    margin    the new model is at most so much worse, a share on the user's scale
    sampled   fingerprints of the prompts that the run itself asked the new model: what the promise was made of
    tested    graders that the run has tested on this task: how many gross errors were planted, and caught
    calls     of the run's own sample, in its order: in their answers, errors are planted to test other graders
    seed      of the run
    """

    task: str
    new: CandidateModel
    former: CandidateModel
    formers: tuple[str, ...]
    margin: float
    sampled: frozenset[bytes]
    tested: Mapping[str, tuple[int, int]]
    calls: Calls
    seed: int


def promises(report: ReplayReport, record: RunRecord, calls: Calls) -> list[Promise]:
    """The promises of a run, from its report and from the record of what it graded.

    Raises InputError if it switched no task.
    """
    switched = [task for task in report.tasks if _watched(task)]
    if not switched:
        raise InputError(
            f"run {report.run} switched no task to another model alone: there is no promise to watch",
            "name another run with --run, or replay with other candidates",
        )
    return [_promise(task, record, calls) for task in switched]


def not_switched(report: ReplayReport) -> list[str]:
    """The tasks that keep their model, or have more between a request and its answer than another model."""
    return [task.task for task in report.tasks if not _watched(task)]


def _watched(task: TaskReport) -> bool:
    """Whether its answers come from another model alone: what a cascade or a shorter prompt promised is not watched."""
    return task.choice.verdict in PASSED and task.choice.way is None


def _promise(task: TaskReport, record: RunRecord, calls: Calls) -> Promise:
    new = parse_candidate(task.choice.model)
    rows = sorted({p.prompt for arm in record.arms if (arm.task, arm.label) == (task.task, new.label())
                   for p in arm.pairs})  # fmt: skip
    asked = calls.take(rows)
    effort = _usual_effort(asked) if new.effort is not None else None
    return Promise(
        task=task.task,
        new=new,
        former=CandidateModel(task.incumbent.model, effort),
        formers=tuple(task.incumbent.models),
        margin=_promised(task),
        sampled=frozenset(asked.column("prompt_key").to_pylist()),
        tested={item.grader: (item.gross_planted, item.gross_caught) for item in task.controls.graders},
        calls=calls.take([row for row, name in enumerate(record.tasks) if name == task.task]),
        seed=record.seed,
    )


def _promised(task: TaskReport) -> float:
    """The task's margin, or the looser one that was certified where the switch was named at that."""
    chosen = next(item for item in task.candidates if item.model == task.choice.model)
    if task.choice.verdict == "SWITCH" or chosen.certified_margin is None:
        return task.margin
    return chosen.certified_margin


def _usual_effort(calls: Calls) -> str | None:
    """The reasoning effort that the task asked for before; None: it named none."""
    found = Counter(pc.cast(calls.column("reasoning_effort"), "string").to_pylist())
    return found.most_common(1)[0][0] if found else None
