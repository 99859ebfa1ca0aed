"""The statistics of one task's candidates, a candidate a column, each figure explained in one line of plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmcost.recommend.result import Candidate, GraderControl, TaskReport
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Notes, Row, Table, line
from llmcost.report.screens import cells
from llmcost.report.screens.verdicts import switched
from llmcost.report.screens.words import SWITCHES, highest, lowest, verdict

Shown = Callable[[TaskReport, Candidate], Cell]


def statistics_table(task: TaskReport) -> Table:
    """One row a figure; those that no candidate of the task has are left out."""
    names = [_heading(task, item) for item in task.candidates]
    columns = (
        Column("", "figure", shrink=True),
        *(Column(name, f"candidate_{at}", shrink=True) for at, name in enumerate(names)),
    )
    rows = [
        Row((Cell(name), *(shown(task, item) for item in task.candidates)), aside=line(meaning))
        for name, meaning, shown in _FIGURES
    ]
    known = tuple(row for row in rows if any(cell.text not in {figures.UNKNOWN, ""} for cell in row.cells[1:]))
    return Table("statistics", columns, known, caption=f"{task.task}: the figures behind the verdicts")


def controls_blocks(task: TaskReport) -> Iterator[Table | Notes]:
    """What graders and replay were tested with before they were believed."""
    controls = task.controls
    if controls.graders:
        columns = (
            Column("Grader", "grader", shrink=True),
            Column("Gross errors caught", "gross_caught", "right"),
            Column("Subtle errors caught", "subtle_caught", "right"),
            Column("κ at least", "kappa_lower", "right"),
            Column("κ is from", "kappa_from"),
            Column("Position bias", "position_bias", "right"),
        )
        caption = f"{task.task}: errors planted to test the graders"
        yield Table("controls", columns, tuple(map(_grader, controls.graders)), caption=caption)
    if notes := tuple(line(said) for said in _found(task)):
        yield Notes(notes)


def _heading(task: TaskReport, item: Candidate) -> str:
    chosen = switched(task) and not task.choice.way and item.model == task.choice.model
    return f"{item.model} (use now)" if chosen else item.model


def _grader(item: GraderControl) -> Row:
    return Row(
        (
            cells.name(item.grader),
            _of(item.gross_caught, item.gross_planted),
            _of(item.subtle_caught, item.subtle_planted),
            Cell(f"{item.kappa_lower:.2f}", value=item.kappa_lower),
            cells.name(item.kappa_from or None),
            cells.change(item.position_bias),
        )
    )


def _of(part: int, whole: int) -> Cell:
    return Cell(f"{figures.count(part)} of {figures.count(whole)}", value=part)


def _found(task: TaskReport) -> Iterator[str]:
    controls = task.controls
    if controls.aa is not None:
        interval = controls.aa_interval
        between = f", between {figures.between(*interval)} at 99 %" if interval else ""
        pairs = figures.counted(controls.aa_n, "pair")
        change = figures.change(controls.aa)
        yield f"today's model asked again, against its own logged answers: {change}{between} ({pairs})"
    elif controls.aa_why:
        yield f"today's model was not asked again: {controls.aa_why}"
    if task.noise_floor is not None:
        floor = figures.percent(task.noise_floor)
        yield f"noise floor: today's model and itself differ in worth on {floor} of the prompts"
    if controls.agreement is not None:
        corrected = controls.agreement_corrected
        beyond = f" ({corrected:.2f} beyond chance, AC1)" if corrected is not None else ""
        yield f"graders agree on {figures.percent(controls.agreement)} of the judged pairs{beyond}"
    yield from _attacks(task)


def _attacks(task: TaskReport) -> Iterator[str]:
    """What came of texts that tell a grader what to say: planted ones, and those of the log and the candidates."""
    for item in (each for each in task.controls.graders if each.attacks_planted):
        count = f"{figures.count(item.attacks_followed)} of {figures.count(item.attacks_planted)}"
        yield f"{item.grader} followed {count} attacks that were planted in the gross errors"
    if task.controls.addressed:
        yield f"{figures.counted(task.controls.addressed, 'sampled prompt')} speak to graders in the log itself"
    for candidate in (each for each in task.candidates if each.addressed):
        answers = figures.counted(candidate.addressed, "answer")
        yield f"{answers} of {candidate.model} spoke to graders, and counted as losses"


def _count(field: str) -> Shown:
    return lambda _, item: cells.count(getattr(item, field))


def _change(field: str) -> Shown:
    return lambda _, item: cells.change(getattr(item, field))


def _effective(_: TaskReport, item: Candidate) -> Cell:
    return cells.count(None if item.n_effective is None else round(item.n_effective))


def _outcomes(_: TaskReport, item: Candidate) -> Cell:
    return Cell(" / ".join(map(figures.count, (item.wins, item.ties, item.losses))))


def _lost(_: TaskReport, item: Candidate) -> Cell:
    return Cell(" / ".join(map(figures.count, (item.failures, item.unparsed, item.left_out))))


def _judged(_: TaskReport, item: Candidate) -> Cell:
    return Cell(figures.between(item.lower_bound, item.upper_bound))


def _people(_: TaskReport, item: Candidate) -> Cell:
    if not item.human_labels:
        return Cell("")
    bound = "" if item.human_lower is None else f" ({figures.at_least(item.human_lower)})"
    return Cell(f"{figures.count(item.human_labels)}{bound}")


def _cost(_: TaskReport, item: Candidate) -> Cell:
    reach = figures.half_width(item.cost_ratio, item.cost_ratio_interval)
    usd = "" if item.cost_per_call_usd is None else f"({figures.per_call(item.cost_per_call_usd)})"
    return Cell(" ".join(filter(None, (figures.percent(item.cost_ratio), reach, usd))), value=item.cost_ratio)


def _look(_: TaskReport, item: Candidate) -> Cell:
    return Cell(f"{item.look} of {item.looks}, {figures.count(item.n)} of {figures.count(item.planned)} prompts")


def _flips(_: TaskReport, item: Candidate) -> Cell:
    """Of a verdict that passed only: a judge cannot have favoured who did not pass."""
    return cells.change(item.tipping_bias if (item.tipping_bias or 0.0) > 0 else None)


_FIGURES: tuple[tuple[str, str, Shown], ...] = (
    ("Verdict", "what the figures below come to", lambda _, item: verdict(item)),
    (
        "Certified margin",
        "of what passed: the smallest loss of quality that is ruled out, the grader's blindness allowed for",
        lambda _, item: cells.no_more_than(item.certified_margin if item.verdict in SWITCHES else None),
    ),
    (
        "Margin allowed",
        "the largest loss that you accept on this task; the verdict is a test against it",
        lambda task, _: cells.percent(task.margin),
    ),
    ("n", "prompts of your log that were answered again and graded", _count("n")),
    (
        "Effective n",
        "how many independent prompts would tell as much: prompts that stand for many calls, or are alike, tell less",
        _effective,
    ),
    (
        "Wins / ties / losses",
        "prompts on which its answer was graded better than the logged one, as good, and worse",
        _outcomes,
    ),
    (
        "Failures / unreadable / no answer",
        "bad answers and verdicts that nobody could read are losses; what got no answer is in no figure",
        _lost,
    ),
    ("Difference as judged", "its mean score less that of the logged answers; below 0 is worse", _change("difference")),
    ("Bounds as judged", "where that difference can be, given how few prompts were asked", _judged),
    (
        "Quality",
        "the same on your scale: a loss may be larger than the grader sees",
        lambda _, item: Cell(figures.between(lowest(item), highest(item))),
    ),
    (
        "κ, reliability",
        "the least share of a true loss that the grader is taken to see: 1 is all of it",
        lambda _, item: Cell(f"{item.reliability:.2f}", value=item.reliability),
    ),
    ("Tipping bias", "the verdict flips if the judge favours the candidate by more than this", _flips),
    (
        "Lengths aside",
        "the difference between answers of one length: what wordiness alone has won",
        _change("length_adjusted"),
    ),
    ("Human labels", "verdicts of people, and the bound that they give; people outrank judges", _people),
    (
        "Evidence",
        "A: people's verdicts confirm it; B: as graded",
        lambda _, item: cells.name(item.grade),
    ),
    ("Graded by", "what decided which answer is better", lambda _, item: cells.name(", ".join(item.basis) or None)),
    ("Looks", "how often the data were looked at before it was decided; every look is paid for in certainty", _look),
    ("Ended", "why no more prompts were asked", lambda _, item: cells.name(item.ended or None)),
    ("Cost", "per call, as a share of today's and in dollars, from the tokens that the replay used", _cost),
    ("Latency p95", "19 of 20 calls were answered faster", lambda _, item: cells.duration(item.latency_p95_ms)),
    (
        "Output tokens",
        "its answers' tokens over those of the logged answers; already in its cost",
        lambda _, item: Cell(figures.times(item.output_token_ratio), value=item.output_token_ratio),
    ),
)
