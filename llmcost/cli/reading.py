"""How far a large log is read, on stderr: nothing for what takes a moment, nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

PATIENCE_S = 1.0  # what is read sooner shows no bar


@contextmanager
def reading_progress(clock: Callable[[], float] = monotonic) -> Iterator[ReadingBar]:
    """A bar to report to while logs are read: it appears after a second, on a terminal alone, and leaves no trace."""
    console = Console(stderr=True)
    bar = ReadingBar(console, clock, shown=sys.stderr.isatty())
    try:
        yield bar
    finally:
        bar.close()


class ReadingBar:
    """Called with bytes read, bytes in all (0: unknown) and, where it is known, records read; from any thread."""

    def __init__(self, console: Console, clock: Callable[[], float], *, shown: bool) -> None:
        self._console, self._clock, self._shown = console, clock, shown
        self._since = clock()
        self._drawn: tuple[Progress, TaskID] | None = None

    def __call__(self, done_bytes: int, total_bytes: int, records: int | None = None) -> None:
        """So much is read by now."""
        passed = self._clock() - self._since
        if 0 < total_bytes <= done_bytes:
            self.close()  # what follows may want to ask something
        elif self._shown and passed >= PATIENCE_S:
            self._draw(done_bytes, total_bytes, records, passed)

    def _draw(self, done_bytes: int, total_bytes: int, records: int | None, passed: float) -> None:
        progress, task = self._drawn = self._drawn or self._opened()
        pace = "" if records is None else f"{records / passed:,.0f} records/s"
        progress.update(task, completed=done_bytes, total=total_bytes or None, pace=pace)

    def close(self) -> None:
        """Takes the bar away."""
        if self._drawn is not None:
            self._drawn[0].stop()
            self._drawn = None

    def _opened(self) -> tuple[Progress, TaskID]:
        progress = Progress(
            TextColumn("reading"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            refresh_per_second=5,
        )
        progress.start()
        return progress, progress.add_task("reading", total=None, pace="")
