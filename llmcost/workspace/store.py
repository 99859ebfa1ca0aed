"""AnswerStore: every paid answer, kept before it counts, and the ledger of what a run may have spent.

Durability. SQLite in WAL mode with synchronous=FULL: a commit has reached the disk when it returns. With NORMAL,
kill −9 would lose nothing either (the kernel keeps what was written), but a power cut could take back answers that were
acknowledged: paid twice. FULL costs one fsync a commit, and commits are shared: one thread writes, and takes into a
transaction whatever was queued while the last one went to disk. Under load a batch is as large as the number of
requests in flight, so the price of an fsync is divided among them.

The ledger. An attempt is a row that is committed before its request is sent: what it may cost at worst. When the answer
is stored, the same transaction replaces that by what it did cost. An attempt whose end is not known (the process was
killed, the reply was lost) counts at its worst case for good, also when its question is answered: what the provider
charged for it is not what it charged for the answer.

Damage. What is in the store was paid for, so a damaged file is neither used nor written over (see
`llmcost.workspace.rescue`): it is set aside, and the error says how much could be read. What is in flight then is still
kept, in the store that has taken its place; nothing more is asked.

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
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from llmcost.errors import StoreError
from llmcost.workspace import database, rescue
from llmcost.workspace.folder import private

KEYS_A_QUERY = 500
MOST_IN_A_BATCH = 5_000

PUT = "INSERT OR IGNORE INTO answers (key, cost_usd, run, answer) VALUES (?, ?, ?, ?)"
RESERVE = "INSERT INTO attempts (run, key, worst_usd) VALUES (?, ?, ?)"
BEGIN = """INSERT INTO attempts (run, key, worst_usd)
    SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM answers WHERE key = ?2)"""
SETTLE = """UPDATE attempts SET settled_usd = coalesce(?, worst_usd, 0) WHERE rowid = (
    SELECT max(rowid) FROM attempts WHERE run = ? AND key = ? AND settled_usd IS NULL)"""
SETTLE_LOST = """UPDATE attempts SET settled_usd = max(coalesce(worst_usd, 0), coalesce(?, 0))
    WHERE run = ? AND key = ? AND settled_usd IS NULL"""
RELEASE = """DELETE FROM attempts WHERE rowid = (
    SELECT max(rowid) FROM attempts WHERE run = ? AND key = ? AND settled_usd IS NULL)"""
SETTLE_ANSWERED = """UPDATE attempts SET settled_usd = coalesce(worst_usd, 0)
    WHERE run = ? AND settled_usd IS NULL AND key IN (SELECT key FROM answers)"""
SETTLED = "SELECT total(settled_usd) FROM attempts WHERE run = ?"
OPEN = "SELECT key, coalesce(worst_usd, 0) FROM attempts WHERE run = ? AND settled_usd IS NULL ORDER BY rowid"

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class Write:
    """An operation that somebody waits for; `keeps`: it takes in what was paid for, so that damage does not stop it."""

    operation: Operation
    keeps: bool
    done: Future[Any] = field(default_factory=Future)


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

    Raises StoreError, here and in every method, if the file is of a newer version, not ours, locked for long, or cannot
    be written; and if it is damaged. It is set aside then, and what can be read of it is in a new store, for the next
    command.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._claims: dict[str, sqlite3.Connection] = {}
        self._door = rescue.Door(path)
        self._changing = threading.RLock()  # whoever writes, or sets the file aside
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._damage: StoreError | None = None
        self._failure: StoreError | None = None  # of a write: from then on nothing more is asked
        try:
            with self._errors():
                self._enter()
        except BaseException:
            self.close()
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
        self._disconnect()
        self._door.leave()

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
            connection.execute(SETTLE_LOST, (cost_usd, run, key))
            return kept

        return bool(await self._write(write, keeps=True))

    async def begin(self, run: str, key: bytes, worst_usd: float | None) -> bool:
        """Notes an attempt as `reserve` does, unless the question is answered by now: another process may have asked.

        Returns after the commit, True if the request is to be sent.
        """
        row = (run, key, worst_usd)
        return bool(await self._write(lambda connection: connection.execute(BEGIN, row).rowcount > 0))

    async def reserve(self, run: str, key: bytes, worst_usd: float | None) -> None:
        """Notes that a request is about to be sent and what it may cost at worst; returns after the commit."""
        await self._write(lambda connection: connection.execute(RESERVE, (run, key, worst_usd)))

    async def release(self, run: str, key: bytes) -> None:
        """Takes the last attempt of a question back: it was refused or never sent, and is not charged."""
        await self._write(lambda connection: connection.execute(RELEASE, (run, key)), keeps=True)

    def ledger(self, run: str) -> Ledger:
        """What the run has spent so far, and which of its attempts may have been charged without an answer."""
        with self._errors():
            self._read(SETTLE_ANSWERED, (run,))
            settled = float(self._read(SETTLED, (run,))[0][0])
            return Ledger(settled, tuple(self._read(OPEN, (run,))))

    def count(self) -> int:
        """How many answers there are."""
        with self._errors():
            return int(self._read("SELECT count(*) FROM answers")[0][0])

    def claim(self, run: str) -> None:
        """Takes the run for this process until `close` or its end: two at once would pay everything twice.

        Raises StoreError if another process works on it.
        """
        if run in self._claims:
            return
        file = lock_of(self.path, run)
        with self._errors():
            private(file)
            lock = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                if not database.taken_alone(lock):
                    raise StoreError("this run is under way in another process", "wait for it, or stop it first")
            except BaseException:
                lock.close()
                raise
        self._claims[run] = lock

    def _enter(self) -> None:
        """Opens the file, after it was made, or looked after, by whoever comes first."""
        with self._door.alone() as alone:
            if alone:
                rescue.look_after(self.path, self._decoder.decode)
        self._door.enter()
        self._reader = database.connect(self.path)
        database.refuse_others(self.path, self._reader)

    def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._reader = self._writer = None

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        if self._damage is not None or self._reader is None:
            raise self._damage or StoreError(f"{self.path} is closed")
        return self._reader.execute(query, values).fetchall()

    def _select(self, column: str, keys: Sequence[bytes]) -> Iterator[tuple[bytes, Any]]:
        waiting = iter(dict.fromkeys(keys))
        while chunk := list(islice(waiting, KEYS_A_QUERY)):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, {column} FROM answers WHERE key IN ({marks})"
            yield from self._read(query, chunk)

    async def _write(self, operation: Operation, *, keeps: bool = False) -> Any:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="llmcost-store", daemon=True)
            self._thread.start()
        write = Write(operation, keeps)
        self._queue.put(write)
        return await asyncio.wrap_future(write.done)

    def _write_all(self) -> None:
        """The writing thread: one transaction after the other, each with all that was queued by then."""
        while batch := self._next_batch():
            with self._changing:
                for write, result in zip(batch, self._results(batch), strict=True):
                    _resolve(write.done, result)

    def _results(self, batch: Sequence[Write]) -> list[Any]:
        """What comes of each of these writes, committed together: its result or a StoreError."""
        try:
            stopped = self._damage or self._failure
            if stopped is not None and not all(write.keeps for write in batch):
                return self._kept(batch, stopped)
            if self._writer is None:
                self._writer = database.connect(self.path)
            return _transaction(self._writer, [write.operation for write in batch])
        except database.FAILURES as error:
            known, self._failure = self._damage, self._error(error)
            return self._kept(batch, self._failure) if self._damage is not known else [self._failure] * len(batch)

    def _kept(self, batch: Sequence[Write], stopped: StoreError) -> list[Any]:
        """What was paid for is written, if there is room, or to the new store in place of a damaged one."""
        kept = [write for write in batch if write.keeps]
        results = iter(self._results(kept) if kept else [])
        return [next(results) if write.keeps else stopped for write in batch]

    def _next_batch(self) -> list[Write]:
        """Everything that is queued, at least one; empty when the store is being closed."""
        write = self._queue.get()
        batch = []
        while write is not None:
            batch.append(write)
            if len(batch) == MOST_IN_A_BATCH or self._queue.empty():
                return batch
            write = self._queue.get()
        if batch:
            self._queue.put(None)
        return batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except database.FAILURES as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        """What to tell the user; a file that turns out to be damaged is set aside first."""
        if not database.is_damage(error):
            return database.trouble(self.path, error)
        with self._changing:
            if self._damage is None:
                self._damage = self._set_aside(database.reason(error))
            return self._damage

    def _set_aside(self, reason: str) -> StoreError:
        self._disconnect()
        self._door.leave()
        try:
            with self._door.alone() as alone:
                if not alone:
                    hint = "other processes use it: end them, then run the same command, which saves what can be read"
                    return StoreError(f"{self.path} is damaged: {reason}", hint)
                failure = rescue.set_aside(self.path, self._decoder.decode, reason)
            self._door.enter()
        except StoreError as error:
            return error
        except database.FAILURES as error:
            return database.trouble(self.path, error)
        return failure


def lock_of(store: Path, run: str) -> Path:
    """The file by which a process holds a run."""
    return store.with_name(f"{store.stem}-{hashlib.sha256(run.encode()).hexdigest()[:16]}.lock")


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
