"""Processes that are copies of this one, with all its imports done, and that can be made to die at their n-th write.

died = forked(lambda: work(), die_at=3)     # True if there was a third write

with Copy("replay", "log.jsonl", cwd=folder) as command:    # the command line, as a user runs it
    command.send(signal.SIGTERM)
    assert command.wait() == 143
"""

from __future__ import annotations

import ctypes
import io
import os
import resource
import signal
import sqlite3
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest

from llmcost import cli
from support import shop

NEEDED = (  # by a replay, which imports them late
    "llmcost.api.experiment", "llmcost.api.examples", "llmcost.endpoint.client", "llmcost.cli.progress",
    "pyarrow.dataset", "zoneinfo", "certifi",
)  # fmt: skip
WRITES = ("fsync", "replace", "rename", "link", "unlink", "mkdir", "chmod", "truncate")


def forked(job: Callable[[], object], die_at: int | None = None) -> bool:
    """Runs the job in a copy of this process: whether it was killed at its `die_at`-th write. It must not fail."""

    def whole_job() -> None:
        if die_at is not None:
            die_at_write(die_at)
        job()

    _, status = os.waitpid(start(whole_job), 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, "the copy of the process failed: its traceback is above"
    return killed


def start(job: Callable[[], object]) -> int:
    """Starts the job in a copy of this process: its id. The copy ends with the job, with 1 if that fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that a copy does not have: it needs none
        child = os.fork()
    if child == 0:
        _end(job)
    return child


def _end(job: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        job()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001  the copy must not run on into the tests
        traceback.print_exc()
    finally:
        os._exit(code)


def may_write_so_much(size: int) -> None:
    """From now on no file of this process grows beyond these bytes: to it, that is a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def obey_permissions() -> None:
    """From now on this process heeds the modes of files, though it may be root's."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, rights) == 0
    rights[0] &= ~0b110  # effective: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, rights) == 0


class Copy:
    """The command line in a copy of this process, its output in files; killed at the end of the block if it runs on.

    stdin    a descriptor to read from; nothing by default
    stdout   another file to write to
    before   called in the copy, before the command
    """

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        stdin: int | None = None,
        stdout: str | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        for module in NEEDED:
            import_module(module)
        self._out, self._err = Path(stdout or cwd / ".out"), cwd / ".err"
        self._code: int | None = None
        self._pid = start(lambda: self._run(arguments, cwd, stdin, before))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.poll() is None:
            self.send(signal.SIGKILL)
            self.wait()

    def send(self, number: int) -> None:
        """Sends it a signal."""
        os.kill(self._pid, number)

    def poll(self) -> int | None:
        """Its exit code, negative if a signal killed it; None as long as it runs."""
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, when it ends by then."""
        wait_until(lambda: self.poll() is not None, seconds)
        assert self._code is not None
        return self._code

    @property
    def out(self) -> str:
        """What it has written to stdout by now."""
        return self._out.read_text() if self._out.exists() else ""

    @property
    def err(self) -> str:
        """What it has written to stderr by now."""
        return self._err.read_text() if self._err.exists() else ""

    def _run(self, arguments: tuple[str, ...], cwd: Path, stdin: int | None, before: Callable[[], object]) -> NoReturn:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(shop.environment())
        os.dup2(os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin, 0)
        for number, file in ((1, self._out), (2, self._err)):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdin, sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(n, "r" if n == 0 else "w")) for n in range(3))
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["llmcost", *arguments]
        before()
        try:
            cli.main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        raise AssertionError("the command line ends the process")


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when it has become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.005)


def die_at_write(number: int) -> None:
    """From now on this process counts what it is about to write or sync, and does not live to see this one."""
    numbers = count(1)

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            if next(numbers) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments, **named)

        return called

    opened, connect = os.open, sqlite3.connect
    created = counted(opened)
    patch = pytest.MonkeyPatch()
    for name in WRITES:
        patch.setattr(os, name, counted(getattr(os, name)))
    patch.setattr(os, "open", lambda path, flags, *rest, **named: (
        created if flags & os.O_CREAT else opened)(path, flags, *rest, **named))  # fmt: skip
    methods = {name: counted(getattr(sqlite3.Connection, name)) for name in ("execute", "executemany", "executescript")}
    methods["close"] = counted(sqlite3.Connection.close)
    factory = type("Counted", (sqlite3.Connection,), methods)
    patch.setattr(sqlite3, "connect", lambda *rest, **named: connect(*rest, **named, factory=factory))


def files(folder: Path) -> set[str]:
    """The names of all files in a folder and those in it."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
