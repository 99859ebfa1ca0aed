"""The bar of a long read: late, on a terminal alone, and gone at the end."""

from __future__ import annotations

import io
import os
import pty
import sys
from contextlib import suppress

import pytest
from rich.console import Console

from llmcost.cli.reading import ReadingBar, reading_progress


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drawn(clock: Clock, *, shown: bool = True) -> tuple[ReadingBar, io.StringIO]:
    out = io.StringIO()
    return ReadingBar(Console(file=out, force_terminal=True, width=100), clock, shown=shown), out


def test_a_moment_shows_nothing() -> None:
    clock = Clock()
    bar, out = drawn(clock)
    clock.now += 0.9
    bar(50, 100)
    clock.now += 5
    bar(100, 100)  # the end: no use for a bar now
    bar.close()
    assert out.getvalue() == ""


def test_a_long_read_shows_bytes_and_records() -> None:
    clock = Clock()
    bar, out = drawn(clock)
    clock.now += 2
    bar(250_000_000, 1_000_000_000, 80_000)
    bar.close()
    assert "0.2/1.0 GB" in out.getvalue() and "40,000 records/s" in out.getvalue()


def test_the_bar_is_gone_when_all_is_read() -> None:
    clock = Clock()
    bar, out = drawn(clock)
    clock.now += 2
    bar(50, 100)
    bar(100, 100)
    assert out.getvalue().rstrip().endswith("\x1b[2K")
    bar.close()


def test_a_stream_of_unknown_length_has_no_share() -> None:
    clock = Clock()
    bar, out = drawn(clock)
    clock.now += 2
    bar(7_000_000, 0)
    bar.close()
    assert "7.0/? MB" in out.getvalue()


def test_nothing_where_nobody_looks(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    clock = Clock()
    with reading_progress(clock) as bar:
        clock.now += 60
        bar(1, 1000)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_is_left_clean_even_by_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    clock = Clock()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with pytest.raises(ValueError, match="half-way"), reading_progress(clock) as bar:
            clock.now += 2
            bar(1, 1000)
            raise ValueError("half-way")
    said = all_of(master).decode()
    assert "reading" in said
    assert said.rstrip().endswith("\x1b[2K"), "the last thing done is to clear the line"


def all_of(master: int) -> bytes:
    """What was written to a terminal that is closed by now; it is handed out in pieces."""
    pieces = []
    with suppress(OSError):  # the end of it
        while piece := os.read(master, 100_000):
            pieces.append(piece)
    os.close(master)
    return b"".join(pieces)
