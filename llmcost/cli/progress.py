"""A replay's progress on stderr: a bar a model, with what was spent and how long it will take."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from llmcost.endpoint import Status
from llmcost.report.figures import money

NAMED = {"replay": "", "grading": " (grader)", "controls": " (controls)"}
OUTCOMES = {"asked": "not decided by all prompts", "not": "not needed any more"}


class Bars:
    """Hears what a runner does and draws it. On anything but a terminal only the end is said, in one line."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[spent]}", justify="right"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[trouble]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            refresh_per_second=5,
        )
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._spent: dict[tuple[str, str], float] = {}
        self._trouble: dict[tuple[str, str], dict[str, int]] = {}
        self._standing: dict[tuple[str, str], str] = {}
        self._stored = 0

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._bars:
            self._console.print(self._summary(), highlight=False, soft_wrap=True)

    def planned(self, model: str, purpose: str, questions: int, stored: int) -> None:
        """So many more questions for a model; so many of them are answered in the store already."""
        line = (model, purpose)
        if line not in self._bars:
            name = f"{model}{NAMED.get(purpose, '')}"
            self._bars[line] = self._progress.add_task(name, total=0, spent="$0.00", trouble="")
        bar = self._bars[line]
        total = self._progress.tasks[bar].total or 0
        self._progress.update(bar, total=total + questions, advance=stored)
        self._stored += stored

    def answered(self, model: str, purpose: str, cost_usd: float | None) -> None:
        """A question was answered and stored."""
        line = (model, purpose)
        self._spent[line] = self._spent.get(line, 0.0) + (cost_usd or 0.0)
        self._progress.update(self._bars[line], advance=1, spent=money(self._spent[line]))

    def failed(self, model: str, purpose: str, status: Status) -> None:
        """A question stays without an answer."""
        self._progress.update(self._bars[model, purpose], advance=1)
        self._note((model, purpose), status)

    def retried(self, model: str, purpose: str) -> None:
        """A question is sent again."""
        self._note((model, purpose), "retried")

    def looked(self, look: int, looks: int, standing: Mapping[str, Mapping[str, str]]) -> None:
        """A look was taken: how many are still in the running, and who has left it since the last look."""
        now = {(who, task): ended for who, by_task in standing.items() for task, ended in by_task.items()}
        left = {pair: ended for pair, ended in now.items() if ended and not self._standing.get(pair)}
        self._standing = now
        running = sum(not ended for ended in now.values())
        spent = money(sum(self._spent.values()))
        self._console.print(
            f"look {look} of {looks} · {running} of {len(now)} comparisons go on · {spent} spent now", highlight=False
        )
        for what, pairs in _by_outcome(left).items():
            self._console.print(f"  {what}: {', '.join(pairs)}", highlight=False, markup=False)

    def _note(self, line: tuple[str, str], what: str) -> None:
        counts = self._trouble.setdefault(line, {})
        counts[what] = counts.get(what, 0) + 1
        said = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
        self._progress.update(self._bars[line], trouble=said)

    def _summary(self) -> str:
        done = sum(int(task.completed) for task in self._progress.tasks)
        retries = sum(counts.get("retried", 0) for counts in self._trouble.values())
        parts = [f"{done:,} answers", f"{money(sum(self._spent.values()))} spent now"]
        parts += [f"{self._stored:,} stored before"] if self._stored else []
        parts += [f"{retries:,} retries"] if retries else []
        return " · ".join(parts)


def _by_outcome(left: Mapping[tuple[str, str], str]) -> dict[str, list[str]]:
    """Passed, decided, dropped …: the candidates and tasks that left the running so."""
    found: dict[str, list[str]] = {}
    for (who, task), ended in left.items():
        word = ended.split()[0]
        found.setdefault(OUTCOMES.get(word, word), []).append(f"{who} on {task}")
    return found
