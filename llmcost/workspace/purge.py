"""What a workspace holds, and how it is deleted: all of it, some kinds, what one run left, or what is older than a day.

Deleted rows are overwritten and the store is rewritten, so that no text stays behind in free pages. What a disk, its
snapshots and its backups keep of a deleted file is out of reach.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import msgspec

from llmcost.errors import ConfigError, StoreError
from llmcost.version import VERSION
from llmcost.workspace.folder import Workspace
from llmcost.workspace.rescue import Door
from llmcost.workspace.store import lock_of

What = Literal["answers", "runs", "labels", "logs"]
# What the files of each kind hold, and their names; prices are public and stay.
HELD: dict[What, tuple[str, tuple[str, ...]]] = {
    "answers": ("paid answers, and what runs have spent", ("answers*.sqlite*", "answers-*.lock", "answers.swap")),
    "runs": ("reports, what was graded, what was watched since", ("runs/*", "monitors/*", "last_run")),
    "labels": ("people's verdicts, and the keys of their packets", ("labels.json", "packets/*")),
    "logs": (
        "what was read of logs, without prompts",
        ("index/**/*", "last_logs.json", "last_audit.json", "audit_of_state", "names.json"),
    ),
}
OF_RUN = ("runs/{run}.json", "runs/{run}.json.record", "monitors/{run}.json")


class Held(msgspec.Struct, frozen=True):
    """Files of one kind; `answers` that are in them, 0 for other kinds."""

    what: What
    holds: str
    files: int
    bytes: int
    answers: int = 0


class PurgeReport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.purge/1"):
    """What is, or was, to be deleted: by kind, or of these runs; `purged` says that it is gone."""

    llmcost_version: str
    workspace: str
    purged: bool
    held: list[Held]
    runs: list[str] = []


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be deleted.

    kinds   of files; all of them if empty
    runs    only what these runs left; None: whatever there is
    before  only what was last written before this time, in seconds since 1970; None: whenever
    """

    kinds: Sequence[What] = ()
    runs: Collection[str] | None = None
    before: float | None = None

    @property
    def whole(self) -> bool:
        """Whether kinds are deleted as a whole."""
        return self.runs is None and self.before is None


def kinds_of(names: Iterable[str]) -> list[What]:
    """The kinds of these names. Raises ConfigError for one that there is none of."""
    known = get_args(What)
    for name in names:
        if name not in known:
            raise ConfigError(f"nothing of the kind {name!r} is kept", f"choose of {', '.join(known)}; all if none")
    return [kind for kind in known if kind in names]


def would_delete(place: Workspace, purge: Purge) -> PurgeReport:
    """What a purge would delete. Makes nothing, deletes nothing."""
    runs = _runs(place, purge)
    held = [_held(place, kind, files, runs) for kind, files in _files(place, purge, runs).items()]
    found = [item for item in held if item.files or item.answers]
    return PurgeReport(VERSION, str(place.path), purged=False, held=found, runs=sorted(runs or ()))


def delete(place: Workspace, purge: Purge) -> PurgeReport:
    """Deletes it, and says what it was. Raises StoreError while others use the store, or if it cannot be deleted."""
    found = would_delete(place, purge)
    if not place.path.is_dir():
        return msgspec.structs.replace(found, purged=True)
    try:
        with Door(place.answers).alone() as alone:
            if not alone:
                raise StoreError(f"{place.answers} is in use by another process", "wait for it, or stop it first")
            _delete(place, purge)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot delete in {place.path}: {error}", "check its permissions; the rest stays") from error
    return msgspec.structs.replace(found, purged=True)


def _delete(place: Workspace, purge: Purge) -> None:
    runs = _runs(place, purge)
    for files in _files(place, purge, runs).values():
        for file in files:
            file.unlink(missing_ok=True)
    if runs is not None and "answers" in _kinds(purge) and place.answers.exists():
        _forget(place.answers, runs)
    _tidy(place)


def _kinds(purge: Purge) -> Sequence[What]:
    return purge.kinds or get_args(What)


def _files(place: Workspace, purge: Purge, runs: Collection[str] | None) -> dict[What, list[Path]]:
    """The files that go as a whole, by kind."""
    if purge.whole:
        return {kind: sorted(_matching(place.path, HELD[kind][1])) for kind in _kinds(purge)}
    own = {file for run in runs or () for name in OF_RUN if (file := place.path / name.format(run=run)).is_file()}
    locks = {file for run in runs or () if (file := lock_of(place.answers, run)).is_file()}
    found: dict[What, list[Path]] = {"answers": sorted(locks), "runs": sorted(own)}
    if purge.before is not None:
        for kind in ("labels", "logs"):
            every = _matching(place.path, HELD[kind][1])
            found[kind] = sorted(file for file in every if file.stat().st_mtime < purge.before)
    return {kind: files for kind, files in found.items() if kind in _kinds(purge)}


def _matching(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from (file for file in folder.glob(pattern) if file.is_file() or file.is_symlink())


def _runs(place: Workspace, purge: Purge) -> set[str] | None:
    """The runs whose traces go; None where whole kinds do."""
    if purge.whole:
        return None
    if purge.runs is not None:
        return set(purge.runs)
    return {run for run, when in _last_seen(place).items() if when < (purge.before or 0.0)}


def _last_seen(place: Workspace) -> dict[str, float]:
    """When each run was last at work: its report was written, or, where there is none, it was taken up."""
    found = {run: (place.path / OF_RUN[0].format(run=run)).stat().st_mtime for run in place.runs()}
    for run in _stored_runs(place.answers) - found.keys():
        lock = lock_of(place.answers, run)
        found[run] = lock.stat().st_mtime if lock.exists() else 0.0
    return found


def _stored_runs(store: Path) -> set[str]:
    return {str(run) for (run,) in _query(store, "SELECT run FROM answers UNION SELECT run FROM attempts")}


def _held(place: Workspace, kind: What, files: Sequence[Path], runs: Collection[str] | None) -> Held:
    size = sum(file.lstat().st_size for file in files)
    answers = 0
    if kind == "answers":
        marks = "" if runs is None else f" WHERE run IN ({','.join('?' * len(runs))})"
        counted = _query(place.answers, f"SELECT count(*) FROM answers{marks}", tuple(runs or ()))
        answers = int(counted[0][0]) if counted else 0
    return Held(kind, HELD[kind][0], len(files), size, answers)


def _query(store: Path, query: str, values: Sequence[str] = ()) -> list[tuple[str | int, ...]]:
    """Rows of the store; none where there is no store, or where it cannot be read (it can still be deleted)."""
    if not store.exists():
        return []
    try:
        with closing(sqlite3.connect(store)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.DatabaseError:
        return []


def _forget(store: Path, runs: Collection[str]) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        for run in runs:
            connection.execute("DELETE FROM answers WHERE run = ?", (run,))
            connection.execute("DELETE FROM attempts WHERE run = ?", (run,))
        connection.execute("COMMIT")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _tidy(place: Workspace) -> None:
    """No folder stays empty, and the last run is one that there is."""
    for folder in sorted((path for path in place.path.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    if (last := place.last_run()) is not None and last not in place.runs():
        place.forget_last_run()
