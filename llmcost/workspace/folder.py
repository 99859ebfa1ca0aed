"""The private folder: what was audited last, and every run's report, written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from llmcost.errors import InputError, StoreError
from llmcost.whole_files import TEMPORARY, clear_away, make_folder, write_whole

DEFAULT_FOLDER = ".llmcost"
VARIABLE = "LLMCOST_WORKSPACE"
IGNORE_ALL = "*\n"
PACKET_ID = re.compile(r"[a-z0-9]{1,40}")
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FOLDERS = ("runs", "monitors", "packets")
MOST_NAMED = 10

FULL = "make room, then run the same command: it resumes, what was answered is stored"
CLOSED = f"make it writable, or name another folder in {VARIABLE}"
FAILING = "the disk or its connection fails: check it, then run the same command"
HINTS = {
    errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EFBIG: FULL,
    errno.EROFS: CLOSED, errno.EACCES: CLOSED, errno.EPERM: CLOSED,
    errno.EIO: FAILING, errno.ESTALE: FAILING,
    errno.EMFILE: "this process may open no more files: raise ulimit -n",
}  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LastLogs:
    """The logs last audited, and the options that they were read with."""

    paths: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder `path`, made on the first write: 0700, git-ignored by itself, its files 0600."""

    path: Path = Path(DEFAULT_FOLDER)

    @classmethod
    def at(cls, path: Path | None) -> Workspace:
        """The one in this folder; the usual one if none is named."""
        return cls.find() if path is None else cls(path)

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> Workspace:
        """The workspace that LLMCOST_WORKSPACE names, else .llmcost in the current folder."""
        values = os.environ if environ is None else environ
        return cls(Path(values.get(VARIABLE) or DEFAULT_FOLDER))

    @property
    def answers(self) -> Path:
        """The file of the store of paid answers (see `llmcost.workspace.store`)."""
        return self.path / "answers.sqlite"

    @property
    def prices(self) -> Path:
        """Where the user's own, newer price book is kept."""
        return self.path / "prices.json.gz"

    @property
    def index(self) -> Path:
        """The folder of what was read of logs (see `llmcost.logs.index`): columns, without text."""
        return self.path / "index"

    def prices_path(self) -> Path | None:
        """The user's own price book; None if there is none, and the bundled one counts."""
        try:
            return self.prices if self.prices.is_file() else None
        except OSError as error:  # a folder that may not be searched
            raise self._unusable(error) from error

    def prepare(self) -> Workspace:
        """This workspace, made if it was not there.

        Raises StoreError if it cannot be made, or if the folder is somebody else's or holds other things.
        """
        try:
            make_folder(self.path)
            self._check_ours()
            if (mode := stat.S_IMODE(self.path.stat().st_mode)) & 0o077:
                self.path.chmod(mode & 0o700)  # closed to others; one that was made read-only stays so
            if not (self.path / ".gitignore").exists():
                write_whole(self.path / ".gitignore", IGNORE_ALL.encode())
            for folder in (self.path, *(self.path / name for name in FOLDERS)):
                clear_away(folder)
        except OSError as error:
            raise self._unusable(error) from error
        return self

    def remember_logs(self, paths: Sequence[str], options: Mapping[str, Any]) -> None:
        """Keeps what was audited, so that `replay` without LOGS knows. Local paths are kept absolute."""
        remembered = LastLogs(tuple(_anchored(path) for path in paths), dict(options))
        self._save("last_logs.json", msgspec.json.encode(remembered))

    def last_logs(self) -> LastLogs | None:
        """The logs last audited here; None if there are none."""
        return self._decoded("last_logs.json", LastLogs, "delete it and name the logs on the command line")

    def remember_audit(self, result_json: bytes) -> None:
        """Keeps what the last audit found, so that `explain` can show a finding's own figures."""
        self._save("last_audit.json", result_json)

    def last_audit(self) -> bytes | None:
        """What the last audit here found, as it was saved; None if there was none."""
        return self._read("last_audit.json")

    def names(self, model: str) -> dict[str, str]:
        """The names that this model gave to call sites; none if it was never asked."""
        return self._names().get(model, {})

    def remember_names(self, model: str, names: Mapping[str, str]) -> None:
        """Keeps the names that this model gave: they were paid for."""
        self._save("names.json", msgspec.json.encode({**self._names(), model: dict(names)}, order="deterministic"))

    def _names(self) -> dict[str, dict[str, str]]:
        return self._decoded("names.json", dict[str, dict[str, str]], "delete it; names are asked again") or {}

    def keep_audit(self, state: str, result_json: bytes) -> None:
        """Keeps the whole result of an audit, with the state of all that it was made of."""
        self._save("audit_of_state", state.encode() + b"\n" + result_json)

    def kept_audit(self, state: str) -> bytes | None:
        """The result of an audit of this very state, if it was the last one kept."""
        kept, result_json = b"", b""
        with suppress(StoreError):  # one that cannot be read is made again
            kept, _, result_json = (self._read("audit_of_state") or b"").partition(b"\n")
        return result_json if kept == state.encode() else None

    def save_run(self, run_id: str, report_json: bytes) -> None:
        """Keeps the report of a run, and that this run is the last one."""
        self._save(self._run_file(run_id), report_json)
        self._save("last_run", run_id.encode())

    def load_run(self, run_id: str | None = None) -> bytes:
        """The report of a run as it was saved; of the last run if none is named.

        Raises InputError, naming the runs that there are, if it is not here.
        """
        wanted = run_id or self.last_run()
        content = self._read(self._run_file(wanted)) if wanted else None
        if content is None:
            raise self._unknown(run_id)
        return content

    def save_record(self, run_id: str, content: bytes) -> None:
        """Keeps what a run graded (see `llmcost.trial.record`)."""
        self._save(f"{self._run_file(run_id)}.record", content)

    def load_record(self, run_id: str) -> bytes:
        """What a run graded, as it was saved. Raises InputError, naming the runs that there are, if it is not here."""
        content = self._read(f"{self._run_file(run_id)}.record")
        if content is None and run_id in self.runs():
            raise InputError(f"run {run_id} kept its report alone", "replay again: answers are kept, it costs nothing")
        if content is None:
            raise self._unknown(run_id)
        return content

    def save_labels(self, content: bytes) -> None:
        """Keeps people's verdicts (see `llmcost.grading.labels`)."""
        self._save("labels.json", content)

    def labels(self) -> bytes | None:
        """People's verdicts as they were saved; None if there are none."""
        return self._read("labels.json")

    def save_packet(self, packet_id: str, content: bytes) -> None:
        """Keeps the key of a packet of pairs for people to compare (see `llmcost.labelling.packet`)."""
        self._save(self._packet_file(packet_id), content)

    def packet(self, packet_id: str) -> bytes | None:
        """The key of a packet as it was saved; None if there is none of that name."""
        return self._read(self._packet_file(packet_id)) if PACKET_ID.fullmatch(packet_id) else None

    def save_monitor(self, run_id: str, content: bytes) -> None:
        """Keeps what was watched of a run's promises since the switch (see `llmcost.monitor.state`)."""
        self._save(self._monitor_file(run_id), content)

    def monitor(self, run_id: str) -> bytes | None:
        """What was watched of a run's promises, as it was saved; None if nothing was."""
        return self._read(self._monitor_file(run_id))

    def last_run(self) -> str | None:
        """The id of the last run; None if there is none. Where that is not told, or no name, it is the newest one."""
        told = (self._read("last_run") or b"").decode(errors="replace")
        return told if RUN_ID.fullmatch(told) else next(reversed(self.runs()), None)

    def forget_last_run(self) -> None:
        """The newest run that there is becomes the last one."""
        if known := self.runs():
            self._save("last_run", known[-1].encode())
        else:
            (self.path / "last_run").unlink(missing_ok=True)

    def runs(self) -> list[str]:
        """The ids of the saved runs, the oldest first."""
        try:
            files = [(file.stat().st_mtime_ns, file.stem) for file in (self.path / "runs").glob("*.json")]
        except OSError as error:
            raise self._unusable(error) from error
        return [name for _, name in sorted(files)]

    def _run_file(self, run_id: str) -> str:
        return f"runs/{_named_run(run_id)}.json"

    def _monitor_file(self, run_id: str) -> str:
        return f"monitors/{_named_run(run_id)}.json"

    def _packet_file(self, packet_id: str) -> str:
        return f"packets/{packet_id}.json"

    def _unknown(self, run_id: str | None) -> InputError:
        known = self.runs()
        if not known:
            return InputError(f"no run is saved in {self.path}", "llmcost replay makes one")
        named = ", ".join(known[-MOST_NAMED:])
        return InputError(f"no run {run_id or '(last)'} in {self.path}", f"there is: {named}")

    def _decoded(self, name: str, kind: type[T], hint: str) -> T | None:
        content = self._read(name)
        try:
            return None if content is None else msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise StoreError(f"{self.path / name} is damaged", hint) from error

    def _save(self, name: str, content: bytes) -> None:
        self.prepare()
        try:
            make_folder((self.path / name).parent)
            write_whole(self.path / name, content)
        except OSError as error:
            raise self._unusable(error) from error

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def _check_ours(self) -> None:
        """A folder that holds other things is left alone: it would be closed to others and ignored by git."""
        hint = f"name another folder in {VARIABLE}"
        if hasattr(os, "getuid") and self.path.stat().st_uid != os.getuid():
            raise StoreError(f"{self.path} belongs to another user", hint)
        marker = self.path / ".gitignore"
        if not marker.is_file() and any(not TEMPORARY.fullmatch(file.name) for file in self.path.iterdir()):
            raise StoreError(f"{self.path} is not a workspace of llmcost: it holds other files", hint)
        if marker.is_file() and marker.read_text(encoding="utf-8", errors="replace") != IGNORE_ALL:
            raise StoreError(f"{self.path} is not a workspace of llmcost: it has a .gitignore of its own", hint)

    def _unusable(self, error: OSError) -> StoreError:
        return unusable(f"the workspace {self.path}", error)


def unusable(what: str, error: OSError) -> StoreError:
    """What cannot be used, why, and what helps against that."""
    return StoreError(f"cannot use {what}: {error.strerror or error}", HINTS.get(error.errno or 0, CLOSED))


def _named_run(run_id: str) -> str:
    if not RUN_ID.fullmatch(run_id):
        raise InputError(f"{run_id!r} is not the name of a run", "llmcost report without a name shows the last run")
    return run_id


def private(file: Path) -> None:
    """Makes sure that the file exists and that nobody else can read it (0600).

    One that is there is not opened: closing it would give back the locks that SQLite has on it in this process.
    """
    if not file.exists():
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        file.chmod(0o600)


def _anchored(path: str) -> str:
    """A local path or glob made absolute; a URL and `-` as they are."""
    return path if path == "-" or "://" in path else os.path.abspath(path)  # noqa: PTH100  a glob is no Path
