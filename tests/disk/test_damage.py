"""A damaged workspace: what was paid for is not used blindly nor written over, and what can be read is saved."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import shop
from support.loopback import Loopback

from llmcost.answers import Answer, Usage
from llmcost.endpoint import Completion
from llmcost.errors import StoreError
from llmcost.replay import open_store
from llmcost.workspace import AnswerStore, Workspace, rescue

PAGE, COUNT, PRICE = 4096, 300, 0.001
KEYS = [hashlib.sha256(b"%d" % n).digest() for n in range(COUNT)]


def answer(number: int) -> Completion:
    text = f"answer {number} " * (3 if number % 3 else 400)  # some go on on overflow pages
    return Completion("m", "answered", Answer(text, (), None, "stop"), Usage(3, 1, None, 2), 12.5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two stores with the same answers: one closed, one as a killed process leaves it, most of it in its log."""
    folder = tmp_path_factory.mktemp("whole")

    async def fill(store: AnswerStore[Completion]) -> None:
        for first in range(0, COUNT, 20):
            numbers = range(first, first + 20)
            await asyncio.gather(*(store.reserve("r", KEYS[n], 0.5) for n in numbers))
            await asyncio.gather(*(store.put(KEYS[n], answer(n), PRICE, "r") for n in numbers))

    with open_store(Workspace(folder / "closed")) as store:
        asyncio.run(fill(store))
        shutil.copytree(folder / "closed", folder / "killed")
    assert (folder / "killed" / "answers.sqlite-wal").stat().st_size > 50 * PAGE
    return SimpleNamespace(closed=folder / "closed", killed=folder / "killed")


def over(content: bytes, start: int, length: int, byte: bytes) -> bytes:
    return content[:start] + byte * length + content[start + length :]


Damage = Callable[[bytes], bytes]
IN_MAIN: dict[str, tuple[Damage, int]] = {  # what is done to the file, and how many answers must survive it
    "cut off": (lambda c: c[: len(c) // 2], COUNT // 4),
    "cut off in a page": (lambda c: c[: PAGE * 20 + 1000], 10),
    "a page of zeros": (lambda c: over(c, PAGE * 9, PAGE, b"\0"), COUNT - 40),
    "pages of ones": (lambda c: over(c, PAGE * 9, PAGE * 3, b"\xff"), COUNT - 80),
    "the root of the answers": (lambda c: over(c, PAGE, PAGE, b"\0"), COUNT - 20),
    "the header": (lambda c: over(c, 0, 100, b"x"), COUNT),
    "the first page": (lambda c: over(c, 0, PAGE, b"\0"), COUNT),
    "nothing but noise": (lambda c: hashlib.shake_128(c).digest(len(c)), 0),
    "empty": (lambda c: b"", 0),
}
IN_LOG: dict[str, tuple[Damage, int]] = {
    "a bit of the first frame": (lambda c: over(c, 60, 1, bytes([c[60] ^ 1])), COUNT),
    "a frame of zeros": (lambda c: over(c, 32 + 4120 * 9 + 24, PAGE, b"\0"), COUNT - 40),
    "its header": (lambda c: over(c, 0, 32, b"x"), COUNT),
}


def rescued(folder: Path) -> tuple[int, float]:
    """Asks until the store is said to be damaged; how many answers the new one has then, and what was spent."""
    workspace = Workspace(folder)
    with pytest.raises(StoreError, match=r"answers.sqlite was damaged .* answers.damaged-1.sqlite") as caught:
        read(workspace)
    assert "run the same command to go on" in str(caught.value.hint)
    found, spent = read(workspace)
    assert f"{len(found):,} of its answers" in caught.value.message
    assert all(value == answer(KEYS.index(key)) for key, value in found.items()), "each is as it was"
    assert not list(folder.glob("*.swap")) + list(folder.glob("*.new.*"))
    return len(found), spent


def read(workspace: Workspace) -> tuple[dict[bytes, Completion], float]:
    with open_store(workspace) as store:
        return store.get(KEYS), store.ledger("r").spent_usd


@pytest.mark.parametrize("what", IN_MAIN)
def test_a_damaged_store(whole: Any, what: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.closed, tmp_path / "w"))
    damage, least = IN_MAIN[what]
    content = damage((folder / "answers.sqlite").read_bytes())
    (folder / "answers.sqlite").write_bytes(content)
    saved, spent = rescued(folder)
    assert saved >= least
    assert spent >= saved * PRICE - 1e-9, "what was paid for the answers that are left counts, whatever the ledger lost"
    assert (folder / "answers.damaged-1.sqlite").read_bytes() == content, "it is kept as it was"


@pytest.mark.parametrize("what", IN_LOG)
def test_a_damaged_log_of_a_killed_process(whole: Any, what: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.killed, tmp_path / "w"))
    damage, least = IN_LOG[what]
    log = folder / "answers.sqlite-wal"
    content = damage(log.read_bytes())
    log.write_bytes(content)
    saved, spent = rescued(folder)
    assert saved >= least
    assert spent >= saved * PRICE - 1e-9
    assert (folder / "answers.damaged-1.sqlite-wal").read_bytes() == content


def test_the_damaged_log_is_away_for_good_before_a_new_store_could_take_it_for_its_own(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(whole.killed, tmp_path / "w"))
    log = folder / "answers.sqlite-wal"
    log.write_bytes(over(log.read_bytes(), 0, 32, b"x"))
    events, replace, sync = list[str](), os.replace, rescue.sync_folder
    monkeypatch.setattr(os, "replace", lambda old, new: (events.append(f"{Path(old).name}"), replace(old, new))[1])
    monkeypatch.setattr(rescue, "sync_folder", lambda of: (events.append("synced"), sync(of))[1])
    rescued(folder)
    begun = events.index("answers.sqlite-wal")
    order = [event for event in events[begun:] if not event.endswith(("-shm", ".tmp"))]
    assert order[:5] == ["answers.sqlite-wal", "answers.sqlite", "synced", "answers.new.sqlite", "synced"]


def test_a_log_whose_store_is_gone(whole: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.killed, tmp_path / "w"))
    (folder / "answers.sqlite").unlink()
    assert rescued(folder)[0] > COUNT // 2


def test_a_log_that_is_cut_off_in_its_last_transaction_is_no_damage(whole: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.killed, tmp_path / "w"))
    log = folder / "answers.sqlite-wal"
    log.write_bytes(log.read_bytes()[:-5000])
    assert len(read(Workspace(folder))[0]) >= COUNT - 20


def test_damage_in_mid_run_keeps_what_is_in_flight_and_asks_nothing_more(whole: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.closed, tmp_path / "w"))
    content = (folder / "answers.sqlite").read_bytes()
    (folder / "answers.sqlite").write_bytes(over(content, PAGE * 6, PAGE * 30, b"\xff"))
    new = [hashlib.sha256(b"new %d" % n).digest() for n in range(40)]

    async def work(store: AnswerStore[Completion]) -> list[Any]:
        for key in new:
            writes = (store.put(key, answer(0), PRICE, "r"), store.reserve("r", key, 0.5))
            first, second = await asyncio.gather(*writes, return_exceptions=True)
            assert first is True, "an answer that was paid for is kept, damage or not"
            if isinstance(second, StoreError):
                return [second]
        return []

    with open_store(Workspace(folder)) as store:
        (failure,) = asyncio.run(work(store))
        assert "was damaged" in failure.message
        with pytest.raises(StoreError, match="was damaged"):
            store.get(new)
        with pytest.raises(StoreError, match="was damaged"):
            asyncio.run(store.reserve("r", new[0], 0.5))
        assert asyncio.run(store.put(new[-1], answer(0), PRICE, "r"))
    with open_store(Workspace(folder)) as store:
        assert new[0] in store.get(new) and new[-1] in store.get(new)


def test_a_store_that_another_process_uses_is_not_moved_away_under_it(whole: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.closed, tmp_path / "w"))
    content = (folder / "answers.sqlite").read_bytes()
    with open_store(Workspace(folder)):
        (folder / "answers.sqlite").write_bytes(over(content, PAGE * 6, PAGE * 30, b"\xff"))
        with pytest.raises(StoreError, match="is damaged") as caught:
            read(Workspace(folder))
        assert "other processes use it" in str(caught.value.hint)
        assert not (folder / "answers.damaged-1.sqlite").exists()
    assert rescued(folder)[0] > 20


def test_what_is_set_aside_is_never_written_over(whole: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole.closed, tmp_path / "w"))
    for number in (1, 2):
        (folder / "answers.sqlite").write_bytes(b"%d" % number * 5000)
        with pytest.raises(StoreError, match=f"answers.damaged-{number}.sqlite"):
            read(Workspace(folder))
    assert (folder / "answers.damaged-1.sqlite").read_bytes()[:1] == b"1"


# Other files of a workspace, and a command that needs each.
FILES = {
    "last_logs.json": ("simulate",),
    "last_audit.json": ("explain",),
    "audit_of_state": ("audit", "log.jsonl"),
    "last_run": ("report", "--format", "csv"),
    "runs/*.json": ("report", "--format", "csv"),
    "runs/*.json.record": ("report", "--format", "csv"),
    "monitors/*.json": ("monitor", "log.jsonl", "--dry-run", "--base-url", "http://127.0.0.1:9/v1"),
    "labels.json": ("label", "--export", "packet"),
    "prices.json.gz": ("audit", "log.jsonl"),
}
SPOILT: dict[str, Damage] = {
    "empty": lambda c: b"",
    "cut off": lambda c: c[: len(c) // 2],
    "noise": lambda c: hashlib.shake_128(c).digest(len(c) or 50),
    "deep": lambda c: b"[" * 100_000,
}
"""A file that is only remembered costs nothing; one that a person or a model was paid for is an error in words."""


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a log was audited and replayed."""
    folder = tmp_path_factory.mktemp("used")
    shop.write_log(folder / "log.jsonl", 24)
    shop.write_config(folder / "llmcost.toml")
    with Loopback(shop.answer) as server:
        done = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            "--strategies", "map", "--aa", "0", cwd=folder,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert shop.run_here("audit", "log.jsonl", cwd=folder).returncode == 0
    run = (folder / ".llmcost" / "last_run").read_text()
    (folder / ".llmcost" / "monitors").mkdir()
    (folder / ".llmcost" / "monitors" / f"{run}.json").write_bytes(b'{"schema": "llmcost.monitor-state/1", "run": "x"}')
    (folder / ".llmcost" / "labels.json").write_bytes(b"[]")
    (folder / ".llmcost" / "prices.json.gz").write_bytes(b"\x1f\x8b")
    return folder


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("name", FILES)
def test_another_damaged_file(used: Path, name: str, how: str) -> None:
    workspace = used / ".llmcost"
    prices = (workspace / "prices.json.gz").read_bytes()
    if name != "prices.json.gz":
        (workspace / "prices.json.gz").unlink()
    (file,) = workspace.glob(name)
    before = file.read_bytes()
    file.write_bytes(SPOILT[how](before))
    try:
        done = shop.run_here(*FILES[name], cwd=used)
    finally:
        file.write_bytes(before)
        (workspace / "prices.json.gz").write_bytes(prices)
    assert done.returncode in (0, 3, 5), done.stderr
    assert "bug in llmcost" not in done.stderr and "Traceback" not in done.stderr
    assert done.returncode == 0 or ("error: " in done.stderr and "hint: " in done.stderr), done.stderr
