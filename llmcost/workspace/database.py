"""The SQLite file of the store: what is in it, how it is opened, and what its errors mean to a user."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from llmcost.errors import StoreError
from llmcost.workspace.folder import FAILING, FULL, private, unusable

APPLICATION_ID = 0x6C6C6D63  # "llmc"
VERSION = 1
BUSY_TIMEOUT_S = 30.0

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
DAMAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
PROBLEMS = (
    ("SQLITE_BUSY", "is locked by another process", "wait for it to finish, then run the same command: it resumes"),
    ("SQLITE_FULL", "cannot grow: the disk is full", FULL),
    ("SQLITE_READONLY", "cannot be written", "make it writable, or use another workspace (LLMCOST_WORKSPACE)"),
    ("SQLITE_CANTOPEN", "cannot be opened", "check the permissions of the folder, and whether the disk is full"),
    ("SQLITE_IOERR", "cannot be read or written: the disk is full, a quota is used up, or it fails", FULL),
    ("SQLITE_NOTADB", "is damaged: it is not a database", FAILING),
    ("SQLITE_CORRUPT", "is damaged", FAILING),
)
FAILURES = (sqlite3.Error, OSError, MemoryError, msgspec.DecodeError)


def make(path: Path) -> sqlite3.Connection:
    """A new, empty store in a file that is not there, open for the one who fills it; see `made`."""
    private(path)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def made(connection: sqlite3.Connection) -> None:
    """Closes a new store. All of it is in its one file by now: it had no write-ahead log so far, and shall have one."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the store in a file that is there, whose commits are on the disk when they return."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_others(path: Path, connection: sqlite3.Connection) -> None:
    """Raises StoreError if the file is not ours, or of a newer version."""
    application, version = (int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                            for name in ("application_id", "user_version"))  # fmt: skip
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is not a store of llmcost", "move it away, or use another workspace")
    if version > VERSION:
        hint = "upgrade llmcost, or use another workspace (LLMCOST_WORKSPACE)"
        raise StoreError(f"{path} was written by a newer llmcost (version {version})", hint)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the schema can be read


def taken_alone(lock: sqlite3.Connection) -> bool:
    """Whether nobody else had this file, which is nothing but a lock: it is this connection's alone until it closes.

    The kernel gives it back when the process dies.
    """
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def is_damage(error: Exception) -> bool:
    """Whether the error says that the file does not hold what was written to it."""
    return isinstance(error, msgspec.DecodeError) or getattr(error, "sqlite_errorname", "").startswith(DAMAGE)


def reason(error: Exception) -> str:
    """What is wrong with a damaged file, in a few words."""
    return "what it has for an answer is none" if isinstance(error, msgspec.DecodeError) else str(error)


def trouble(path: Path, error: Exception) -> StoreError:
    """What the error means, and what helps."""
    name = getattr(error, "sqlite_errorname", "")
    for code, message, hint in PROBLEMS:
        if name.startswith(code):
            return StoreError(f"{path} {message}", hint)
    if isinstance(error, OSError):
        return unusable(str(path), error)
    if isinstance(error, MemoryError):
        return StoreError(f"cannot use {path}: out of memory", "run the same command: it resumes")
    if isinstance(error, msgspec.DecodeError):
        return StoreError(f"{path} is damaged: {reason(error)}", FAILING)
    return StoreError(f"cannot use {path}: {error}", "check the folder's permissions and the disk")
