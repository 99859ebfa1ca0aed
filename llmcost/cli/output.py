"""Results to stdout or a file, talk to stderr."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

from llmcost.checkout import Checkout
from llmcost.errors import InputError
from llmcost.whole_files import FULL, write_result


def say(line: str) -> None:
    """One line of talk, on stderr. What files and models are called starts nothing there."""
    from llmcost.report.untrusted import spoken

    print(spoken(line), file=sys.stderr, flush=True)


def command(line: str) -> None:
    """A line that a build server is meant to carry out, on stderr: it reads both streams, and results stay alone."""
    print(line, file=sys.stderr, flush=True)


def emit(text: str, output: Path | None) -> None:
    """The result, to stdout or to the file asked for; UTF-8 in both, because a locale may lack what a report says.

    A file of the checkout that is a link to somewhere else is not written through: somebody may have put it there.
    """
    ending = "" if text.endswith("\n") else "\n"
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        _print(text + ending)
        return
    Checkout.around().admit(output, output)
    try:
        write_result(output, (text + ending).encode())
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}", _hint(error)) from error


def _hint(error: OSError) -> str:
    return "make room on the disk, or name another file" if error.errno in FULL else "name another file"


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter tries again at its end
        raise InputError(f"cannot write the result: {error.strerror}", _hint(error)) from error


def append(text: str, path: str | None) -> None:
    """Text added to the end of a file that the surroundings named; nothing where they named none."""
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "switch it off with --no-github") from error


def terminal_width() -> int:
    """Columns of the terminal, or of COLUMNS; 80 where there is neither."""
    return shutil.get_terminal_size((80, 24)).columns


def wants_color(output: Path | None) -> bool:
    """Colour only on a terminal that has not asked for none."""
    return output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
