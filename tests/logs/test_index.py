"""The index: the same log as without it, only what is new is read, nothing stale is shown, and no text is kept."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support import forms

from llmcost import logs, tasks
from llmcost.logs import Index, Readers, ReadOptions, fragments, index, reading
from llmcost.logs.fragments import Fragment
from llmcost.logs.partial import Partial
from llmcost.workspace import Workspace

PIECE = 6_000
Read = Callable[..., list[Any]]


def record(number: int, **more: Any) -> dict[str, Any]:
    moment = f"2026-10-01T10:{number // 60 % 60:02}:{number % 60:02}Z"
    return {"id": f"call-{number}", "timestamp": moment, "model": "gpt-4o", "prompt": f"What is {number} and why?",
            "response": "It is.", "prompt_tokens": 10 + number, "completion_tokens": 3, **more}  # fmt: skip


def lines(start: int, stop: int, **more: Any) -> bytes:
    return forms.jsonl([record(number, **more) for number in range(start, stop)])


class Folder:
    """A log and a workspace, read with the index; `read` says how many fragments were read anew."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.index = path / "log.jsonl", Index(Workspace(path / "workspace"))
        self.fresh: list[Fragment] = []

        def counted(fragment: Fragment, *args: Any, **choices: Any) -> Any:
            self.fresh.append(fragment)
            return read_fragment(fragment, *args, **choices)

        read_fragment = reading.read_fragment
        monkeypatch.setattr(reading, "read_fragment", counted)

    def read(self, options: ReadOptions = reading.DEFAULT_OPTIONS, file: Path | None = None) -> int:
        """Fragments read anew; the log must be as without an index."""
        path = [str(file or self.log)]
        expected = logs.read(path, options, call_site=tasks.call_site)
        self.fresh.clear()
        found = logs.read(path, options, call_site=tasks.call_site, readers=Readers(index=self.index))
        fresh = len(self.fresh)
        assert found.calls.table.to_pylist() == expected.calls.table.to_pylist()
        assert (found.records, found.rejected, found.rejects) == (expected.records, expected.rejected, expected.rejects)
        return fresh

    def kept(self) -> list[Path]:
        return sorted(self.index.folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(fragments, "FRAGMENT_BYTES", PIECE)
    monkeypatch.setattr(index, "WORTH_KEEPING", 100)
    made = Folder(tmp_path, monkeypatch)
    made.log.write_bytes(lines(0, 200))
    return made


def test_a_second_read_reads_nothing(folder: Folder) -> None:
    pieces = -(-folder.log.stat().st_size // PIECE)
    assert pieces > 3 and folder.read() == pieces
    assert folder.read() == 0


def test_of_appended_lines_only_the_last_fragment_is_read(folder: Folder) -> None:
    folder.read()
    with folder.log.open("ab") as file:
        file.write(lines(200, 203))
    assert folder.read() == 1
    assert folder.read() == 0
    with folder.log.open("ab") as file:
        file.write(lines(203, 280))
    assert 1 < folder.read() <= 4
    assert folder.read() == 0


def test_a_line_cut_by_its_writer_at_the_end_of_a_fragment_is_read_when_it_is_whole(folder: Folder) -> None:
    content = lines(0, 200)
    folder.log.write_bytes(content[: PIECE + 5])  # the first fragment's last line goes on behind it, unfinished
    assert content[PIECE - 1 : PIECE + 6].count(b"\n") == 0
    assert folder.read() == 2
    with folder.log.open("ab") as file:
        file.write(content[PIECE + 5 :])
    folder.read()
    assert folder.read() == 0


@pytest.mark.parametrize("start", [0, 1])
def test_a_line_that_begins_elsewhere_is_noticed_though_the_fragment_is_the_same(folder: Folder, start: int) -> None:
    folder.read()
    content = bytearray(folder.log.read_bytes())
    content[start * PIECE + PIECE - 1] = 10  # a line feed: another line begins with the next fragment
    folder.log.write_bytes(bytes(content) + lines(200, 202))
    folder.read()


def replaced(log: Path) -> None:
    other = log.with_suffix(".new")
    other.write_bytes(log.read_bytes().replace(b"gpt-4o", b"gpt-5o"))
    assert other.stat().st_size == log.stat().st_size
    other.replace(log)


def rewritten(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b"gpt-4o", b"gpt-5o"))


def rewritten_and_grown(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b"gpt-4o", b"gpt-5o") + lines(200, 230))


def truncated(log: Path) -> None:
    os.truncate(log, PIECE * 2 + 77)


def truncated_and_grown_anew(log: Path) -> None:
    log.write_bytes(lines(500, 900))


def first_line_gone(log: Path) -> None:
    log.write_bytes(log.read_bytes().split(b"\n", 1)[1] + lines(200, 210))


@pytest.mark.parametrize(
    "change", [replaced, rewritten, rewritten_and_grown, truncated, truncated_and_grown_anew, first_line_gone]
)
def test_a_changed_log_is_read_again(folder: Folder, change: Callable[[Path], None]) -> None:
    folder.read()
    change(folder.log)
    assert folder.read() == -(-folder.log.stat().st_size // PIECE)
    assert folder.read() == 0


def test_a_touched_log_is_read_again(folder: Folder) -> None:
    folder.read()
    os.utime(folder.log, ns=(1, 1))
    assert folder.read() > 0 == folder.read()


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(fields={"model": "id"}), ReadOptions(expected_field="response"), ReadOptions(format="plain-row"),
        ReadOptions(estimate_tokens=True),
    ],
    ids=["fields", "expected", "format", "estimate"],
)  # fmt: skip
def test_other_options_are_another_reading(folder: Folder, options: ReadOptions) -> None:
    folder.read()
    assert folder.read(options) > 0 == folder.read(options)
    assert folder.read() == 0


def test_any_changed_byte_of_the_index_is_noticed(folder: Folder) -> None:
    folder.read()
    for number, file in enumerate(folder.kept() * 6):
        content = bytearray(file.read_bytes())
        content[len(content) * (number * 7 % 101) // 101] ^= 1 + number % 255
        file.write_bytes(content)
        assert folder.read() == 1
    assert folder.read() == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"ARROW1\0\0", b"ARROW1" * 100, None, "foreign"],
    ids=["0", "1", "head", "no", "cut", "other"],
)
def test_what_is_no_index_is_read_again_and_written_over(folder: Folder, content: Any) -> None:
    folder.read()
    for file in folder.kept():
        whole = file.read_bytes()
        if content == "foreign":
            with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, pa.schema([("a", pa.int64())])) as writer:
                writer.write_table(pa.table({"a": [1, 2]}))
        else:
            file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert folder.read() == len(folder.kept())
    assert folder.read() == 0


@pytest.mark.parametrize("where", ["workspace", "index"])
def test_where_nothing_can_be_kept_the_log_is_read_all_the_same(folder: Folder, where: str) -> None:
    place = folder.index.workspace.path
    (place.parent if where == "workspace" else place).mkdir(exist_ok=True)
    (place if where == "workspace" else place / "index").write_text("a file where a folder should be")
    assert folder.read() == folder.read() > 1


def test_a_full_disk_leaves_nothing_behind(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Partial, path: Path, stamp: Any) -> None:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Partial, "write", full)
        assert folder.read() > 1
    assert folder.kept() == []
    assert folder.read() > 1
    assert folder.read() == 0


def test_an_index_that_may_only_be_read_is_read(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.read()

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index.os, "utime", refused)
    assert folder.read() == 0


def test_a_log_that_grows_while_it_is_read_is_not_kept_as_what_it_became(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Index.keep

    def grown(self: Index, fragment: Fragment, *args: Any) -> Path | None:
        if fragment.start == 0:
            with folder.log.open("ab") as file:
                file.write(lines(900, 903))
        return keep(self, fragment, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Index, "keep", grown)
        logs.read([str(folder.log)], call_site=tasks.call_site, readers=Readers(index=folder.index))
    assert folder.read() == 1, "all but the last fragment are still true"


def test_a_log_that_is_replaced_while_it_is_read_is_not_kept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Index.keep

    def swapped(self: Index, *args: Any) -> Path | None:
        rewritten(folder.log)
        return keep(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Index, "keep", swapped)
        logs.read([str(folder.log)], call_site=tasks.call_site, readers=Readers(index=folder.index))
    assert folder.read() > 1


def test_two_processes_at_once_read_the_same(folder: Folder, tmp_path: Path) -> None:
    folder.log.write_bytes(lines(0, 3_000))
    script = (
        "import sys; from pathlib import Path; from llmcost import logs, tasks\n"
        "from llmcost.logs import Index, Readers, fragments, index\n"
        "from llmcost.workspace import Workspace\n"
        f"fragments.FRAGMENT_BYTES, index.WORTH_KEEPING = {PIECE}, 100\n"
        "readers = Readers(index=Index(Workspace(Path(sys.argv[2]))))\n"
        "for _ in range(3):\n"
        "    log = logs.read([sys.argv[1]], call_site=tasks.call_site, readers=readers)\n"
        "    readers.index.prune(10_000_000)\n"
        "print(hash(repr(log.calls.table.to_pylist())), log.records)"
    )
    place = folder.index.workspace.path
    folder.index.workspace.prepare()
    folder.index.folder.mkdir(mode=0o700)
    for number in range(300):  # of other logs, long ago: both take them away
        old = folder.index.folder / f"{number}.arrow"
        old.touch()
        os.truncate(old, 10_000_000)
        os.utime(old, ns=(number, number))
    command = [sys.executable, "-W", "error", "-c", script, str(folder.log), str(place)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        for _ in range(2)
    ]
    said = {process.communicate(timeout=60)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(said) == 1 and said.pop().endswith(" 3000\n")
    assert not [file for file in folder.kept() if file.suffix == ".new" or file.stat().st_size == 10_000_000]


def test_what_was_used_last_is_kept(folder: Folder) -> None:
    folder.read()
    kept = folder.kept()
    (folder.index.folder / "a folder").mkdir()
    for age, file in enumerate(kept):
        os.utime(file, ns=(10**18 - age, 10**18 - age))
    sizes = [file.stat().st_size for file in kept]
    folder.index.prune(sum(sizes[:3]))
    assert [file for file in folder.kept() if file.is_file()] == kept[:3]
    folder.index.prune(0)
    assert [file for file in folder.kept() if file.is_file()] == []


def test_a_small_log_is_not_worth_keeping(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH_KEEPING", folder.log.stat().st_size + 1)
    assert folder.read() == folder.read() > 1
    assert not folder.index.folder.exists()


def test_stdin_is_never_kept(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from llmcost import logs, tasks\n"
        "from llmcost.logs import Index, Readers, index\n"
        "from llmcost.workspace import Workspace\n"
        "index.WORTH_KEEPING = 0\n"
        "log = logs.read(['-'], call_site=tasks.call_site, readers=Readers(2, None, Index(Workspace(Path('w')))))\n"
        "print(log.records, Path('w').exists())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=lines(0, 20), capture_output=True, cwd=tmp_path, check=True, timeout=60
    )
    assert done.stdout.split() == [b"20", b"False"]


@pytest.mark.parametrize("name", ["log.jsonl.gz", "log.csv", "log.json"])
def test_what_cannot_be_split_is_kept_whole(folder: Folder, name: str) -> None:
    file, records = folder.log.with_name(name), [record(number) for number in range(200)]
    file.write_bytes(forms.ALL[name](records))
    assert (folder.read(file=file), folder.read(file=file)) == (1, 0)
    file.write_bytes(forms.ALL[name]([*records, record(201)]))
    assert (folder.read(file=file), folder.read(file=file)) == (1, 0)


def test_parquet_is_kept_by_row_groups(folder: Folder) -> None:
    file, records = folder.log.with_name("log.parquet"), [record(number) for number in range(200)]
    file.write_bytes(forms.parquet(records))
    assert folder.read(file=file) > 1 and folder.read(file=file) == 0
    file.write_bytes(forms.parquet([*records, record(201)]))
    assert folder.read(file=file) > 1, "a Parquet file is written as one: it does not grow"


def test_joined_parts_come_out_of_the_index_as_they_went_in(folder: Folder) -> None:
    fixtures = Path(__file__).parent / "fixtures"
    for place in sorted(fixtures.iterdir()):
        for file in sorted(place.glob("in.*")):
            folder.read(file=file)
            assert folder.read(file=file) == (0 if file.stat().st_size >= 100 else 1), file


def test_only_the_owner_may_look(folder: Folder) -> None:
    old = os.umask(0)
    try:
        folder.read()
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.kept()}
    places = {stat.S_IMODE(path.stat().st_mode) for path in (folder.index.folder, folder.index.workspace.path)}
    assert (modes, places) == ({0o600}, {0o700})


def test_no_byte_of_a_prompt_or_answer_is_kept(folder: Folder) -> None:
    secret = "Zanzibar7731"
    tool = {"type": "function", "function": {"name": "look", "parameters": {"description": f"tool {secret}"}}}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": json.dumps({"q": secret})}}
    request = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "You answer in one word. " * 40 + secret},
            {"role": "user", "content": secret},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": f"found {secret}"},
        ],
        "tools": [tool],
        "user": f"user {secret}",
    }
    answer = {"role": "assistant", "content": secret, "tool_calls": [call]}
    response = {"id": "r", "model": "gpt-4o", "choices": [{"message": answer, "finish_reason": "stop"}]}
    rows = [{"request": request, "response": response}, record(1, prompt=secret, response=secret, expected=secret)]
    damaged = (b'{"prompt": "%b' % secret.encode(), b'["%b"]' % secret.encode(), b'"%b"' % secret.encode())
    folder.log.write_bytes(forms.jsonl(rows * 20) + b"\n".join(damaged))
    folder.read()
    kept = folder.kept()
    assert kept
    assert [file for file in kept if secret.encode() in file.read_bytes()] == []


def test_a_call_site_is_kept_with_the_first_words_of_its_system_prompt(folder: Folder) -> None:
    asked = [{"role": "system", "content": "Sort these Tickets by colour."}, {"role": "user", "content": "one"}]
    folder.log.write_bytes(forms.jsonl([record(n, prompt=None, messages=asked) for n in range(20)]))
    folder.read()
    assert any(b"tickets" in file.read_bytes().lower() for file in folder.kept()), "said in the docstring of the index"
