"""Where logs come from: paths, folders, globs, stdin; damaged lines and files; and files that change."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmcost import logs
from llmcost.calls import Call
from llmcost.errors import ConfigError, InputError

ROW = {"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}
LINE = json.dumps(ROW).encode() + b"\n"


def read(*paths: object, **options: object) -> logs.Log:
    return logs.read([str(p) for p in paths], logs.ReadOptions(**options), call_site=lambda call: None)


def test_folders_are_read_in_order_and_only_their_logs(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/x.jsonl.gz", "notes.txt", ".hidden/c.jsonl", "_tmp.jsonl"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gzip.compress(LINE) if name.endswith(".gz") else LINE)
    log = read(tmp_path, tmp_path / "b.jsonl")
    assert [Path(file).relative_to(tmp_path).as_posix() for file in log.files] == ["a/x.jsonl.gz", "b.jsonl"]
    assert read(tmp_path / "*.jsonl").records == 2


@pytest.mark.parametrize("name", ["missing.jsonl", "no/*.jsonl", "."])
def test_a_path_that_matches_nothing_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert caught.value.hint


def test_an_unknown_format_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINE)
    with pytest.raises(ConfigError, match="unknown log format"):
        read(tmp_path / "a.jsonl", format="nonsense")


def test_stdin_is_spooled_so_that_bodies_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(LINE * 3))))
    log = read("-")
    assert (log.records, log.files) == (3, ["-"])
    assert [call.answer.text for call in logs.bodies(log.calls) if call.answer] == ["On its way."] * 3


def test_damaged_lines_are_rejected_with_line_and_reason(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    lines = [b"\xef\xbb\xbf" + LINE, b"\n", b"  \r\n", b'{"model": "gp\n', b"oops\n", b'{"model": "\xff"}\n',
             b'{"model": "m", "prompt": "\\ud83d", "cost": NaN}\n', b"[" * 5000 + b"\n", LINE]  # fmt: skip
    file.write_bytes(b"".join(lines))
    log = read(file)
    assert (log.records, log.rejected) == (7, 4)
    reasons = {reject.line: reject.reason for reject in log.rejects}
    assert reasons[4].startswith("cut off")
    assert reasons[5].startswith("not JSON")
    assert reasons[6] == "not UTF-8"
    assert "deep" in reasons[8] or "cut off" in reasons[8]
    assert log.rejects[0].file == str(file)


def test_every_rejected_line_counts_but_only_the_first_are_kept(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"oops\n" * 50)
    log = read(tmp_path / "bad.jsonl")
    assert (log.records, log.rejected, len(log.rejects)) == (50, 50, 20)


def test_a_compressed_file_that_ends_early_gives_what_it_holds(tmp_path: Path) -> None:
    noise = [json.dumps({**ROW, "note": str(hash((i, "x")))}).encode() + b"\n" for i in range(5000)]
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"".join(noise))[:-4000])
    log = read(tmp_path / "cut.jsonl.gz")
    assert 0 < len(log.calls) < 5000
    assert log.rejected == 1
    assert "cut off" in log.rejects[0].reason


def test_a_damaged_parquet_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(InputError, match=r"x\.parquet"):
        read(tmp_path / "x.parquet")


def test_csv_rows_of_another_width_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('model,prompt,response\nm,"a\nb",c\nm,a\nm,a,b,c\n\nm,x,y\n')
    log = read(tmp_path / "x.csv")
    assert (log.records, log.rejected) == (4, 2)
    assert [reject.line for reject in log.rejects] == [4, 5]
    assert logs.bodies(log.calls)[0].request == {"model": "m", "messages": [{"role": "user", "content": "a\nb"}]}


@pytest.mark.parametrize("change", [LINE, b"", LINE.replace(b"order", b"money") * 2, b"oops\n" * 40])
def test_a_file_that_changed_since_is_an_input_error_that_names_it(tmp_path: Path, change: bytes) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(LINE * 2)
    calls = read(file).calls
    file.write_bytes(change)
    with pytest.raises(InputError, match=r"log\.jsonl"):
        logs.bodies(calls)
    file.unlink()
    with pytest.raises(InputError, match=r"log\.jsonl"):
        logs.bodies(calls)


def test_bodies_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    for name in ("a", "b"):
        rows = [{**ROW, "prompt": f"{name}{i}"} for i in range(10)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    calls = read(tmp_path).calls.take([15, 3, 3, 0, 19])
    texts = [call.request["messages"][0]["content"] for call in logs.bodies(calls) if call.request]
    assert texts == ["b5", "a3", "a3", "a0", "b9"]


def test_each_source_is_said_once_and_call_sites_are_asked_for_bodies_only(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(LINE * 2 + b'{"model": "m", "prompt_tokens": 3}\noops\n')
    said: list[str] = []
    asked: list[Call] = []

    def site(call: Call) -> str:
        asked.append(call)
        return "site"

    log = logs.read([str(tmp_path / "log.jsonl")], call_site=site, say=said.append)
    assert said == [f"{tmp_path / 'log.jsonl'} · plain rows · 4 records, 1 rejected"]
    assert log.calls.labels("call_site") == ["site", "site", None]
    assert len(asked) == 2
