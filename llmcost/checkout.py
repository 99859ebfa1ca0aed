"""The checkout: whoever wrote what is in it may lead a command to nothing outside of it.

Continuous integration runs on files of strangers: a configuration, a baseline or a log of a pull request may be a link
to somewhere else, or name another place. What a person typed on the command line counts: a path that lies outside as it
was written is meant. Any other path must lie in the checkout once all links are followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmcost.errors import InputError

MARK = ".git"


@dataclass(frozen=True, slots=True)
class Checkout:
    """The nearest folder upward that holds .git, else the current one."""

    root: Path

    @classmethod
    def around(cls, here: Path | None = None) -> Checkout:
        """The one that a folder lies in."""
        folder = (here or Path.cwd()).resolve()
        return cls(next((each for each in (folder, *folder.parents) if (each / MARK).exists()), folder))

    def admit(self, path: str | Path, typed: str | Path | None = None) -> None:
        """Nothing if a file may be read or written; `typed` is the path that it was asked for with, if by a person.

        Raises InputError that names the path, and nothing of what is there.
        """
        if typed is not None and not self._holds(Path(typed)):
            return
        if not self._holds_really(Path(path)):
            raise InputError(
                f"{path} leads out of the checkout {self.root}: it is not used",
                "what is meant to be used from there is named on the command line, by where it really is",
            )

    def _holds(self, path: Path) -> bool:
        """Whether a path lies in it as it was written: before links within it are followed."""
        return any(_same(folder, self.root) for folder in _upward(path))

    def _holds_really(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError, ValueError):  # links that lead round and round
            return False


def _upward(path: Path) -> Iterator[Path]:
    written = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links
    yield written
    yield from written.parents


def _same(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except (OSError, ValueError):
        return False
