"""The store keeps every acknowledged answer and every attempt, for several processes, or says plainly why it cannot."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from llmcost.answers import Answer, ToolCall, Usage
from llmcost.endpoint import Completion
from llmcost.errors import StoreError
from llmcost.workspace import AnswerStore

DONE = Completion("m", "answered", Answer("héllo", (ToolCall("f", "{}"),), None, "stop"), Usage(3, 1, None, 2), 12.5)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def store_at(path: Path) -> AnswerStore[Completion]:
    return AnswerStore(path, Completion)


def use(path: Path, work: Callable[[AnswerStore[Completion]], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        with store_at(path) as store:
            return await work(store)

    return asyncio.run(main())


def test_what_was_put_comes_back_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"

    async def fill(store: AnswerStore[Completion]) -> None:
        assert all(await asyncio.gather(*(store.put(key(n), DONE, n / 7, "r") for n in range(1500))))
        assert not await store.put(key(3), Completion("other", "answered"), 9.0, "r")

    use(path, fill)
    with store_at(path) as store:
        found = store.get([key(n) for n in range(-0, 3000)])
        assert store.count() == len(found) == 1500
        assert set(found.values()) == {DONE}
        assert store.costs([key(3), key(5000)]) == {key(3): 3 / 7}
        assert list(store.get([key(2), key(1), key(2)])) in ([key(1), key(2)], [key(2), key(1)])


def test_files_are_private_while_open(tmp_path: Path) -> None:
    with store_at(tmp_path / "a.sqlite") as store:
        asyncio.run(store.put(key(1), DONE, None, "r"))
        store.claim("r")
        files = list(tmp_path.iterdir())
        assert {file.suffix for file in files} >= {".sqlite", ".sqlite-wal", ".sqlite-shm", ".lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_ledger_counts_attempts_of_unknown_end_at_their_worst(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"

    async def work(store: AnswerStore[Completion]) -> None:
        await store.reserve("r", key(1), 0.5)
        await store.reserve("r", key(1), 0.5)
        await store.reserve("r", key(2), 0.25)
        await store.reserve("other", key(1), 8.0)
        assert store.ledger("r").spent_usd == 1.25
        await store.put(key(1), DONE, 0.1, "r")
        assert store.ledger("r").settled_usd == 0.6, "one of the two was answered"
        assert store.ledger("r").open == ((key(2), 0.25),)
        await store.release("r", key(2))
        assert store.ledger("r").spent_usd == 0.6
        await store.reserve("r", key(3), 0.125)
        await store.put(key(3), DONE, None, "r")
        assert store.ledger("r").spent_usd == 0.725
        # the other run's attempt at the same question may have been charged, whoever has answered
        assert (store.ledger("other").settled_usd, store.ledger("other").open) == (8.0, ())

    use(path, work)


WRITER = """
import asyncio, sys
from llmcost.endpoint import Completion
from llmcost.workspace import AnswerStore
from pathlib import Path
first = int(sys.argv[2])
async def main():
    with AnswerStore(Path(sys.argv[1]), Completion) as store:
        for start in range(first, first + 400, 20):
            done = Completion("m", "answered", error=str(first))
            numbers = range(start, start + 20)
            await asyncio.gather(*(store.put(n.to_bytes(32, "big"), done, .1, "r") for n in numbers))
asyncio.run(main())
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(first)]) for first in (0, 200)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with store_at(path) as store:
        assert store.count() == 600


CLAIM = """
import sys
from pathlib import Path
from llmcost.endpoint import Completion
from llmcost.errors import StoreError
from llmcost.workspace import AnswerStore
try:
    AnswerStore(Path(sys.argv[1]), Completion).claim("r")
except StoreError as error:
    print(error.message)
"""


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"

    def claim_elsewhere() -> str:
        command = [sys.executable, "-c", CLAIM, str(path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with store_at(path) as store:
        store.claim("r")
        store.claim("r")
        store.claim("another")
        assert "under way in another process" in claim_elsewhere()
    assert claim_elsewhere() == ""


def filled(path: Path) -> None:
    async def fill(store: AnswerStore[Completion]) -> None:
        await asyncio.gather(*(store.put(key(n), DONE, 0.1, "r") for n in range(300)))

    use(path, fill)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"this is not a database, and it is long enough to be read as one" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged") as caught:
        store_at(path)
    assert "paid" in str(caught.value.hint)
    assert (tmp_path / "a.damaged-1.sqlite").read_bytes() == before


def test_a_damaged_page(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path)
    content = bytearray(path.read_bytes())
    content[4096 * 4 :] = b"\xff" * (len(content) - 4096 * 4)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), store_at(path) as store:
        store.get([key(n) for n in range(300)])


def test_a_damaged_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET answer = x'ff00' WHERE key = ?", (key(7),))
    connection.close()
    with pytest.raises(StoreError, match="damaged"), store_at(path) as store:
        store.get([key(7)])


def test_a_store_of_a_newer_version_and_somebody_elses(tmp_path: Path) -> None:
    newer, foreign = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    filled(newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer llmcost"):
        store_at(newer)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreError, match="not a store of llmcost"):
        store_at(foreign)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot use"):
        store_at(tmp_path / "none" / "a.sqlite")


def test_a_failing_commit_is_heard_by_everybody_who_waits(tmp_path: Path) -> None:
    async def work(store: AnswerStore[Completion]) -> list[Any]:
        await store.put(key(0), DONE, 0.1, "r")
        with sqlite3.connect(store.path) as connection:
            connection.execute("DROP TABLE answers")
        connection.close()
        writes = (store.put(key(n), DONE, 0.1, "r") for n in range(10))
        return list(await asyncio.gather(*writes, return_exceptions=True))

    results = use(tmp_path / "a.sqlite", work)
    assert all(isinstance(result, StoreError) for result in results)
