"""What the verdicts of a replay rest on: the tests that graders and replay had to pass, and what those found."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.recommend.result import ReplayReport, TaskReport
from llmcost.report import figures
from llmcost.report.document import Line, line
from llmcost.report.screens import cells

LEANS = 0.05  # position bias that is worth a line
APART = 0.8  # agreement of graders below which a line is due
TASKS_NAMED = 3


def notes(report: ReplayReport) -> Iterator[Line]:
    """The controls in a few lines: graders, how far they are believed, today's model against itself, people."""
    yield from _graders(report)
    yield from _believed(report)
    yield from _bias(report)
    yield from _again(report)
    yield from _people(report)


def _graders(report: ReplayReport) -> Iterator[Line]:
    found = [item for task in report.tasks for item in task.controls.graders]
    said = []
    for name in dict.fromkeys(item.grader for item in found):
        own = [item for item in found if item.grader == name]
        gross = _caught([(item.gross_caught, item.gross_planted) for item in own])
        subtle = _caught([(item.subtle_caught, item.subtle_planted) for item in own])
        said.append(f"{name} caught {gross} gross and {subtle} subtle ones")
    if said:
        yield line(f"of the errors planted to test them, {'; '.join(said)}")


def _caught(counts: list[tuple[int, int]]) -> str:
    caught, planted = (sum(numbers) for numbers in zip(*counts, strict=True))
    return f"{figures.count(caught)} of {figures.count(planted)}"


def _believed(report: ReplayReport) -> Iterator[Line]:
    """How far graders are believed that nobody has compared with people's verdicts."""
    assumed = [item.kappa_lower for task in report.tasks for item in task.controls.graders
               if item.kappa_from != "human labels"]  # fmt: skip
    if assumed:
        low, high = (figures.percent(end, 0) for end in (min(assumed), max(assumed)))
        shown = low if low == high else f"{low} to {high}"
        yield line(
            f"graders are not compared with people yet: judged tasks had to pass within {shown} of the margin, as if "
            f"only so much of a true loss were seen (`llmcost label` changes that)"
        )


def _bias(report: ReplayReport) -> Iterator[Line]:
    leaning: dict[str, float] = {}
    for item in (item for task in report.tasks for item in task.controls.graders):
        if item.position_bias is not None and abs(item.position_bias) > abs(leaning.get(item.grader, LEANS)):
            leaning[item.grader] = item.position_bias
    for name, bias in leaning.items():
        which = "first" if bias > 0 else "second"
        yield line(
            f"grader {name} leans to what it reads {which}, by {figures.percent(abs(bias), 0)}: both orders count"
        )
    apart = [task.task for task in report.tasks if (task.controls.agreement or 1.0) < APART]
    if apart:
        where = cells.listed(apart, TASKS_NAMED)
        yield line(f"graders agree on less than {figures.percent(APART, 0)} of the answers of {where}")


def _again(report: ReplayReport) -> Iterator[Line]:
    """The noise floor, where it is known, and why it is not where it is not."""
    known = [task for task in report.tasks if task.noise_floor is not None]
    if known:
        floors = [f"{task.task} {figures.percent(task.noise_floor, 1)}" for task in _noisiest(known)]
        yield line(f"today's model against itself differs in worth in: {cells.listed(floors, TASKS_NAMED)}")
    unknown = [task for task in report.tasks if task.noise_floor is None and task.candidates]
    for why in dict.fromkeys(task.controls.aa_why or "not asked" for task in unknown):
        names = [task.task for task in unknown if (task.controls.aa_why or "not asked") == why]
        yield line(
            f"today's model was not compared with itself on {cells.listed(names, TASKS_NAMED)} ({why}): how much of a "
            "difference is noise is not known there"
        )


def _noisiest(tasks: list[TaskReport]) -> list[TaskReport]:
    return sorted(tasks, key=lambda task: -(task.noise_floor or 0.0))


def _people(report: ReplayReport) -> Iterator[Line]:
    labelled = [(task, item) for task in report.tasks for item in task.candidates if item.human_labels]
    for task, item in labelled:
        enough = "decide with the graders (grade A)" if item.grade == "A" else "say how far graders are believed"
        yield line(
            f"{figures.counted(item.human_labels, 'human label')} on {item.model} for {task.task}: they {enough}"
        )
