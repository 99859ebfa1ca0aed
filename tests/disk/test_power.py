"""The power fails: what was acknowledged had reached the disk, with the name that leads to it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmcost.answers import Answer, Usage
from llmcost.endpoint import Completion
from llmcost.replay import open_store
from llmcost.workspace import AnswerStore, Workspace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX alone")
DONE = Completion("m", "answered", Answer("word " * 300, (), None, "stop"), Usage(3, 1, None, 2), 12.5)
Durable = dict[Path, bytes | None]


class Disk:
    """What of a folder would be there after a power cut: contents as of their last sync, under names as of theirs.

    A file is known by its inode, so that a rename takes its synced content along.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}

    def synced(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self._names[path] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self._contents[os.fstat(descriptor).st_ino] = path.read_bytes()

    def after_power_cut(self, folder: Path | None = None) -> Durable:
        """The files that are left, by their paths; None where a name is left without its content."""
        found: Durable = {}
        for name, inode in self._names.get(folder or self._root, {}).items():
            path = (folder or self._root) / name
            if path.is_dir():
                found |= self.after_power_cut(path)
            else:
                found[path] = self._contents.get(inode)
        return found


@contextmanager
def recorded(root: Path) -> Iterator[Disk]:
    disk, sync = Disk(root), os.fsync

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        disk.synced(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield disk


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@needs_proc
def test_a_report_that_was_saved_is_there_after_a_power_cut(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "deep" / "w")
    with recorded(tmp_path) as disk:
        workspace.save_record("r", b"record")
        workspace.save_run("r", b"first")
        assert disk.after_power_cut()[workspace.path / "runs" / "r.json"] == b"first"
        workspace.save_run("r", b"second")
    left = disk.after_power_cut()
    assert None not in left.values(), "no name without its content"
    assert {str(path.relative_to(workspace.path)): content for path, content in left.items()} == {
        ".gitignore": b"*\n", "last_run": b"r", "runs/r.json": b"second", "runs/r.json.record": b"record",
    }  # fmt: skip


@needs_proc
@pytest.mark.parametrize("forgotten", ["content", "folder"])
def test_this_would_notice_a_sync_that_is_forgotten(tmp_path: Path, forgotten: str) -> None:
    workspace = Workspace(tmp_path / "w")
    with recorded(tmp_path) as disk, pytest.MonkeyPatch.context() as patch:
        recording = os.fsync

        def forgetful(descriptor: int) -> None:
            kind = "folder" if Path(f"/proc/self/fd/{descriptor}").readlink().is_dir() else "content"
            if kind != forgotten:
                recording(descriptor)

        patch.setattr(os, "fsync", forgetful)
        workspace.save_run("r", b"report")
    assert disk.after_power_cut().get(workspace.path / "runs" / "r.json") != b"report"


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_an_acknowledged_answer_survives_whatever_becomes_of_the_log_behind_it(tmp_path: Path) -> None:
    """The log is cut off, and torn, at many places behind the last acknowledgement that the power left."""
    workspace, states = Workspace(tmp_path / "w"), list[tuple[int, Path, int]]()

    async def fill(store: AnswerStore[Completion]) -> None:
        for number in range(24):
            await store.reserve("r", key(number), 0.5)
            await store.put(key(number), DONE, 0.1, "r")
            if number % 6 == 5:
                state = Path(shutil.copytree(workspace.path, tmp_path / f"state{number}"))
                states.append((number + 1, state, (state / "answers.sqlite-wal").stat().st_size))

    with open_store(workspace) as store:
        asyncio.run(fill(store))
        last = (workspace.path / "answers.sqlite-wal").read_bytes()
        assert store._writer is not None
        levels = [store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert levels == ["wal", 2], "a commit is on the disk when it returns"
    for count, state, size in states:
        for more in (0, 24, 4121, 9000):
            cut = Path(shutil.copytree(state, tmp_path / f"{state.name}-{more}"))
            (cut / "answers.sqlite-wal").write_bytes(last[: size + more])
            with open_store(Workspace(cut)) as store:
                numbers = [key(number) for number in range(count)]
                assert store.get(numbers) == dict.fromkeys(numbers, DONE)
                assert store.ledger("r").spent_usd >= count * 0.1 - 1e-9


@needs_proc
def test_a_new_store_has_its_name_on_the_disk_before_anything_is_asked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with recorded(tmp_path) as disk, open_store(workspace) as store:
        asyncio.run(store.reserve("r", key(1), 0.5))
        assert workspace.answers in disk.after_power_cut()
