"""AnswerStore: every paid answer, kept before it counts, and the ledger of what a run may have spent.

Durability. SQLite in WAL mode with synchronous=FULL: a commit has reached the disk when it returns. With NORMAL,
kill −9 would lose nothing either (the kernel keeps what was written), but a power cut could take back answers that were
acknowledged: paid twice. FULL costs one fsync a commit, and commits are shared: one thread writes, and takes into a
transaction whatever was queued while the last one went to disk. Under load a batch is as large as the number of
requests in flight, so the price of an fsync is divided among them.

The ledger. An attempt is a row that is committed before its request is sent: what it may cost at worst. When the answer
is stored, the same transaction replaces that by what it did cost. An attempt whose end is not known (the process was
killed, the reply was lost) counts at its worst case until its question is answered, and from then on as much as the
answer did: the provider will have charged it alike.

The store holds answers, which are text of the user's models: it is private (0600). It never sees keys or headers.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from llmcost.errors import StoreError
from llmcost.workspace.folder import private

APPLICATION_ID = 0x6C6C6D63  # "llmc"
VERSION = 1
BUSY_TIMEOUT_S = 30.0
KEYS_A_QUERY = 500
MOST_IN_A_BATCH = 5_000

SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, cost_usd REAL, run TEXT NOT NULL, answer BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (run TEXT NOT NULL, key BLOB NOT NULL, worst_usd REAL, settled_usd REAL);
CREATE INDEX IF NOT EXISTS attempts_of_run ON attempts (run, key);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""
PUT = "INSERT OR IGNORE INTO answers (key, cost_usd, run, answer) VALUES (?, ?, ?, ?)"
RESERVE = "INSERT INTO attempts (run, key, worst_usd) VALUES (?, ?, ?)"
SETTLE = "UPDATE attempts SET settled_usd = coalesce(?, worst_usd, 0) WHERE run = ? AND key = ? AND settled_usd IS NULL"
RELEASE = """DELETE FROM attempts WHERE rowid = (
    SELECT max(rowid) FROM attempts WHERE run = ? AND key = ? AND settled_usd IS NULL)"""
SETTLE_ANSWERED = """UPDATE attempts SET settled_usd = coalesce(
    (SELECT cost_usd FROM answers WHERE answers.key = attempts.key), worst_usd, 0)
    WHERE run = ? AND settled_usd IS NULL AND key IN (SELECT key FROM answers)"""
SETTLED = "SELECT total(settled_usd) FROM attempts WHERE run = ?"
OPEN = "SELECT key, coalesce(worst_usd, 0) FROM attempts WHERE run = ? AND settled_usd IS NULL ORDER BY rowid"

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """US dollars that a run has settled, and its open attempts: the key of the question and its worst case."""

    settled_usd: float
    open: tuple[tuple[bytes, float], ...]

    @property
    def spent_usd(self) -> float:
        """What the run may have spent, open attempts at their worst case."""
        return self.settled_usd + math.fsum(worst for _, worst in self.open)


class AnswerStore(Generic[T]):
    """The answers of type `kind` in the SQLite file `path`, which is made if it is not there. Use it in `with`.

    Raises StoreError, here and in every method, if the file is damaged, of a newer version, not ours, locked for long,
    or cannot be written. It is never rebuilt silently: what is in it was paid for.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._queue: queue.SimpleQueue[tuple[Operation, Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._claims: dict[str, sqlite3.Connection] = {}
        with self._errors():
            private(path)
            self._reader = _connect(path)
            try:
                self._open()
            except BaseException:
                self._reader.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Writes what is queued, then closes the file."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()
        self._reader.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, T]:
        """The stored answers of those keys that have one."""
        with self._errors():
            return {key: self._decoder.decode(blob) for key, blob in self._select("answer", keys)}

    def costs(self, keys: Sequence[bytes]) -> dict[bytes, float | None]:
        """What the stored answers of those keys did cost, in US dollars; None where that was not known."""
        with self._errors():
            return dict(self._select("cost_usd", keys))

    async def put(self, key: bytes, answer: T, cost_usd: float | None, run: str) -> bool:
        """Keeps an answer and settles its attempts; returns after the commit, True if it is the one that is kept.

        The first answer to a question stays: another process may have been faster.
        """
        row = (key, cost_usd, run, self._encoder.encode(answer))

        def write(connection: sqlite3.Connection) -> bool:
            kept = connection.execute(PUT, row).rowcount > 0
            connection.execute(SETTLE, (cost_usd, run, key))
            return kept

        return bool(await self._write(write))

    async def reserve(self, run: str, key: bytes, worst_usd: float | None) -> None:
        """Notes that a request is about to be sent and what it may cost at worst; returns after the commit."""
        await self._write(lambda connection: connection.execute(RESERVE, (run, key, worst_usd)))

    async def release(self, run: str, key: bytes) -> None:
        """Takes the last attempt of a question back: it was refused or never sent, and is not charged."""
        await self._write(lambda connection: connection.execute(RELEASE, (run, key)))

    def ledger(self, run: str) -> Ledger:
        """What the run has spent so far, and which of its attempts may have been charged without an answer."""
        with self._errors():
            self._reader.execute(SETTLE_ANSWERED, (run,))
            settled = float(self._reader.execute(SETTLED, (run,)).fetchone()[0])
            return Ledger(settled, tuple(self._reader.execute(OPEN, (run,))))

    def count(self) -> int:
        """How many answers there are."""
        with self._errors():
            return int(self._reader.execute("SELECT count(*) FROM answers").fetchone()[0])

    def claim(self, run: str) -> None:
        """Takes the run for this process until `close` or its end: two at once would pay everything twice.

        Raises StoreError if another process works on it.
        """
        if run in self._claims:
            return
        name = hashlib.sha256(run.encode()).hexdigest()[:16]
        file = self.path.with_name(f"{self.path.stem}-{name}.lock")
        with self._errors():
            private(file)
            lock = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
        try:  # an open exclusive transaction is a lock that the kernel gives back when the process dies
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            lock.close()
            raise StoreError("this run is under way in another process", "wait for it, or stop it first") from error
        self._claims[run] = lock

    def _open(self) -> None:
        application, version = (self._pragma(name) for name in ("application_id", "user_version"))
        tables = self._reader.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != APPLICATION_ID:
            raise StoreError(f"{self.path} is not a store of llmcost", "move it away, or use another workspace")
        if version > VERSION:
            hint = "upgrade llmcost, or use another workspace (LLMCOST_WORKSPACE)"
            raise StoreError(f"{self.path} was written by a newer llmcost (version {version})", hint)
        if not tables:
            self._reader.executescript(SCHEMA)

    def _pragma(self, name: str) -> int:
        return int(self._reader.execute(f"PRAGMA {name}").fetchone()[0])

    def _select(self, column: str, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Any]]:
        waiting = iter(dict.fromkeys(keys))
        while chunk := list(islice(waiting, KEYS_A_QUERY)):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, {column} FROM answers WHERE key IN ({marks})"
            yield from self._reader.execute(query, chunk).fetchall()

    async def _write(self, operation: Operation) -> Any:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="llmcost-store", daemon=True)
            self._thread.start()
        done: Future[Any] = Future()
        self._queue.put((operation, done))
        return await asyncio.wrap_future(done)

    def _write_all(self) -> None:
        """The writing thread: one transaction after the other, each with all that was queued by then."""
        try:
            connection = _connect(self.path)
        except sqlite3.Error as error:
            connection = None
            failure = self._error(error)
        while batch := self._next_batch():
            results: list[Any] = []
            try:
                if connection is None:
                    raise failure
                results = _transaction(connection, [operation for operation, _ in batch])
            except (sqlite3.Error, OSError, StoreError) as error:
                results = [error if isinstance(error, StoreError) else self._error(error)] * len(batch)
            for (_, done), result in zip(batch, results, strict=True):
                _resolve(done, result)
        if connection is not None:
            connection.close()

    def _next_batch(self) -> list[tuple[Operation, Future[Any]]]:
        """Everything that is queued, at least one; empty when the store is being closed."""
        item = self._queue.get()
        batch = []
        while item is not None:
            batch.append(item)
            if len(batch) == MOST_IN_A_BATCH or self._queue.empty():
                return batch
            item = self._queue.get()
        if batch:
            self._queue.put(None)
        return batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        for code, message, hint in PROBLEMS:
            if name.startswith(code):
                return StoreError(f"{self.path} {message}", hint)
        if isinstance(error, sqlite3.OperationalError | OSError):
            return StoreError(f"cannot use {self.path}: {error}", "check the folder's permissions and the disk")
        return StoreError(f"{self.path} is damaged: {error}", DAMAGED_HINT)


DAMAGED_HINT = "its answers were paid for: restore a backup, or move it away to start anew"
PROBLEMS = (
    ("SQLITE_BUSY", "is locked by another process", "wait for it to finish, then run the same command: it resumes"),
    ("SQLITE_FULL", "cannot grow: the disk is full", "make room, then run the same command: it resumes"),
    ("SQLITE_READONLY", "cannot be written", "make it writable, or use another workspace (LLMCOST_WORKSPACE)"),
    ("SQLITE_CANTOPEN", "cannot be opened", "check the permissions of the folder"),
    ("SQLITE_NOTADB", "is damaged: it is not a database", DAMAGED_HINT),
    ("SQLITE_CORRUPT", "is damaged", DAMAGED_HINT),
)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _transaction(connection: sqlite3.Connection, operations: Sequence[Operation]) -> list[Any]:
    """The results of the operations, after their commit; all or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [operation(connection) for operation in operations]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def _resolve(done: Future[Any], result: Any) -> None:
    if not done.set_running_or_notify_cancel():
        return
    if isinstance(result, StoreError):
        done.set_exception(StoreError(result.message, result.hint))
    else:
        done.set_result(result)
