"""The store's file is made in one stroke, and a damaged one is set aside in one: never written over, never forgotten.

    answers.sqlite                the store, with its write-ahead log (-wal) and that one's index (-shm)
    answers.lock                  held by everybody who uses the store: whoever makes it or sets it aside must be alone
    answers.new.sqlite            a store that is being made: not one before it has the store's name
    answers.swap                  what name the damaged store gets; there only while the new one takes its place
    answers.damaged-1.sqlite      a damaged store as it was, with its log

What is killed in between is finished by the next who comes: the file answers.swap says that it was begun.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from llmcost.errors import StoreError
from llmcost.whole_files import sync_folder, write_whole
from llmcost.workspace import database
from llmcost.workspace.folder import private
from llmcost.workspace.salvage import Row, lost_commits, rows

Reads = Callable[[bytes], object]

SIDES = ("-wal", "-shm", "-journal")
DAMAGED = re.compile(r".+\.damaged-[0-9]{1,6}\.sqlite")
KEEP = "INSERT OR IGNORE INTO answers (key, cost_usd, run, answer) VALUES (?, ?, ?, ?)"
BOOK = "INSERT INTO attempts (run, key, worst_usd, settled_usd) VALUES (?, ?, ?, ?)"
UNBOOKED = """SELECT run, key, cost_usd, cost_usd FROM answers
    WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.run = answers.run AND attempts.key = answers.key)"""
LOST = "SELECT count(DISTINCT key) FROM attempts WHERE settled_usd IS NOT NULL AND key NOT IN (SELECT key FROM answers)"
SPENT = "SELECT total(coalesce(settled_usd, worst_usd, 0)) FROM attempts"


class Door:
    """Who uses a store. SQLite's own locks, on a file of their own: the kernel takes them back when a process dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_suffix(".lock")
        self._open: sqlite3.Connection | None = None

    def enter(self) -> None:
        """Joins those who use the store, when nobody changes its file any more."""
        lock = self._connect(database.BUSY_TIMEOUT_S)
        try:
            lock.execute("BEGIN")
            lock.execute("SELECT count(*) FROM sqlite_master").fetchone()  # a lock that is shared
        except BaseException:
            lock.close()
            raise
        self._open = lock

    def leave(self) -> None:
        """Ends the use."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else uses the store, or can begin to, as long as the block lasts."""
        lock = self._connect(0)
        try:
            yield database.taken_alone(lock)
        finally:
            lock.close()

    def _connect(self, timeout_s: float) -> sqlite3.Connection:
        private(self._file)
        return sqlite3.connect(self._file, timeout=timeout_s, isolation_level=None, check_same_thread=False)


def look_after(path: Path, reads: Reads) -> None:
    """Makes the store if there is none, and finishes what a killed process began. For one who is alone.

    Raises StoreError if the store was damaged: it is set aside then.
    """
    if _swap(path).exists():
        aside = _finish(path)
        raise _set_aside(path, aside, _taken(path))
    for leftover in _with_sides(_new(path)):
        leftover.unlink(missing_ok=True)
    reason = _damage(path)
    if reason is not None:
        raise set_aside(path, reads, reason)
    if not path.exists():
        database.made(database.make(_new(path)))
        _new(path).replace(path)
        sync_folder(path.parent)


def set_aside(path: Path, reads: Reads, reason: str) -> StoreError:
    """Puts a store of what can still be read in the place of the damaged one; what to tell the user. For one alone.

    reads  raises an error for what is not an answer
    Raises OSError or sqlite3.Error, and leaves all as it is, if there is no room for that.
    """
    try:
        _save(path, reads)
    except database.FAILURES as error:
        problem = database.trouble(path, error)
        raise StoreError(f"{path} is damaged ({reason}), and what can still be read cannot be saved: {problem.message}",
                         problem.hint) from error  # fmt: skip
    write_whole(_swap(path), _free_name(path).name.encode())
    aside = _finish(path)
    return _set_aside(path, aside, _taken(path), reason)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over from a damaged store: answers, how many are lost for certain, and dollars that are booked."""

    answers: int
    lost: int
    spent_usd: float


def _set_aside(path: Path, aside: Path, taken: Taken, reason: str = "found by a run that was killed") -> StoreError:
    lost = f", {taken.lost:,} that were paid for could not" if taken.lost else ""
    return StoreError(
        f"{path} was damaged ({reason}): it lies in {aside.name} now, and {taken.answers:,} of its answers could be"
        f" saved{lost}",
        "if there is a backup, put it in its place; else run the same command to go on: what is lost is asked and paid"
        f" again. ${taken.spent_usd:,.2f} of earlier spending could be read and counts toward the caps of its runs;"
        " attempts on pages that cannot be read do not",
    )


def _taken(path: Path) -> Taken:
    connection = database.connect(path)
    try:
        figures = [connection.execute(query).fetchone()[0] for query in ("SELECT count(*) FROM answers", LOST, SPENT)]
    finally:
        connection.close()
    return Taken(*figures)


def _damage(path: Path) -> str | None:
    """What is seen from outside: SQLite itself would throw away the log of an empty file, and the end of a bad log."""
    log = path.with_name(path.name + "-wal")
    logged = log.stat().st_size if log.is_file() else 0
    if path.exists() and not path.stat().st_size:
        return "it is empty"
    if not path.exists() and logged:
        return "its write-ahead log is there alone"
    return "its write-ahead log does not hold" if logged and lost_commits(log.read_bytes()) else None


def _finish(path: Path) -> Path:
    """Moves the damaged store away, then the new one in; goes on wherever it was left. The damaged one's new name."""
    said = _swap(path).read_text(errors="replace")
    aside = path.with_name(said) if DAMAGED.fullmatch(said) else _free_name(path)
    if _new(path).exists():
        for old, moved in zip(reversed(_with_sides(path)), reversed(_with_sides(aside)), strict=True):
            if old.exists():
                old.replace(moved)
        sync_folder(path.parent)  # a log that came back beside the new store would be taken for its own
        _new(path).replace(path)
        sync_folder(path.parent)
    _swap(path).unlink()
    sync_folder(path.parent)
    return aside


def _save(path: Path, reads: Reads) -> None:
    """Writes all that can be read into the new store."""
    for leftover in _with_sides(_new(path)):
        leftover.unlink(missing_ok=True)
    connection = database.make(_new(path))
    try:
        connection.execute("BEGIN")
        ledger = Found()
        for row in rows(path):
            if (answer := _answer(row, reads)) is not None:
                connection.execute(KEEP, answer)
            else:
                ledger.add(row)
        connection.executemany(BOOK, ledger.attempts())
        connection.executemany(BOOK, connection.execute(UNBOOKED).fetchall())
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        _new(path).unlink(missing_ok=True)  # it holds room that somebody may need
        raise
    database.made(connection)


def _answer(row: Row, reads: Reads) -> tuple[bytes, float | None, str, bytes] | None:
    """The row of the table of answers, if it is one: (key, dollars, run, answer)."""
    match row:
        case Row(None, [bytes() as key, None | int() | float() as cost, str() as run, bytes() as answer]):
            with contextlib.suppress(Exception):
                reads(answer)
                return key, cost, run, answer
    return None


@dataclass
class Found:
    """Rows of the ledger that could be read: the table's by their number, and what its index says of them."""

    table: dict[int, tuple[str, bytes, float | None, float | None]] = field(default_factory=dict)
    index: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Takes a row, if it is one of the ledger; of two images of one, that which is settled."""
        match row:
            case Row(int() as number, [str() as run, bytes() as key, None | int() | float() as worst,
                                       None | int() | float() as settled]):  # fmt: skip
                if settled is not None or number not in self.table:
                    self.table[number] = (run, key, worst, settled)
            case Row(None, [str() as run, bytes() as key, int() as number]):
                self.index[number] = (run, key)

    def attempts(self) -> list[tuple[str, bytes, float | None, float | None]]:
        """The ledger. An attempt of which only the index is left counts as much as the dearest known one of its run."""
        dearest: dict[str, float] = {}
        for run, _, worst, _ in self.table.values():
            dearest[run] = max(dearest.get(run, 0.0), worst or 0.0)
        indexed = {n: (run, key, dearest.get(run), None) for n, (run, key) in self.index.items()}
        return [attempt for _, attempt in sorted({**indexed, **self.table}.items())]


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.damaged-{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not any(file.exists() for file in _with_sides(name)))


def _with_sides(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + side) for side in SIDES)]


def _new(path: Path) -> Path:
    return path.with_name(f"{path.stem}.new{path.suffix}")


def _swap(path: Path) -> Path:
    return path.with_suffix(".swap")
