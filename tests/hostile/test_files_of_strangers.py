"""Files made to fill a memory, to take for ever or to lead somewhere else: refused with a reason, or read around it."""

from __future__ import annotations

import gzip
import io
import json
import os
import runpy
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from llmcost import logs
from llmcost.errors import InputError
from llmcost.logs import containers, decode, files, fragments, lines, pages

ROOT = Path(__file__).parents[2]
LONGEST = 9_000_000  # bytes: more than lines are poured at a time
LONGEST_DOCUMENT = 300_000
Packing = Callable[[bytes], bytes]
PACKED: dict[str, Packing] = {
    "jsonl": lambda content: content,
    "jsonl.gz": gzip.compress,
    "jsonl.zst": zstandard.ZstdCompressor().compress,
}


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "prompt": f"question {number}", "response": "ok", "prompt_tokens": number, **more}


def line(number: int, **more: Any) -> bytes:
    return json.dumps(row(number, **more)).encode() + b"\n"


def read(file: Path) -> logs.Log:
    return logs.read([str(file)], call_site=lambda call: None)


def told(log: logs.Log) -> list[tuple[int, str]]:
    return [(reject.line, reject.reason) for reject in log.rejects]


def asked(log: logs.Log) -> list[str]:
    return [call.request["messages"][0]["content"] for call in logs.bodies(log.calls) if call.request]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test reaches in a moment."""
    monkeypatch.setattr(lines, "LONGEST_LINE", LONGEST)
    monkeypatch.setattr(containers, "LONGEST_LINE", LONGEST)


@pytest.fixture
def short_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "LONGEST_LINE", LONGEST_DOCUMENT)
    monkeypatch.setattr(containers, "BLOCK", 10_007)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("place", ["first", "middle", "last", "alone"])
def test_a_line_too_long_is_told_and_all_others_are_read(form: str, place: str, tmp_path: Path) -> None:
    before, after = [line(n) for n in range(3)], [line(n) for n in range(3, 5)]
    long = b'{"model":"m","prompt":"' + b"a" * (LONGEST + 5) + b'"}'
    parts = {
        "first": [long + b"\n", *before, *after], "middle": [*before, long + b"\n", *after],
        "last": [*before, *after, long], "alone": [long],
    }[place]  # fmt: skip
    file = tmp_path / f"log.{form}"
    file.write_bytes(PACKED[form](b"".join(parts)))
    log = read(file)
    assert told(log) == [(parts.index(next(part for part in parts if part.startswith(long))) + 1, lines.TOO_LONG)]
    assert asked(log) == ([] if place == "alone" else [f"question {n}" for n in range(5)])


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_the_longest_line_is_read(size: int, end: bytes, tmp_path: Path) -> None:
    frame = json.dumps(row(1, prompt="")).encode()
    file = tmp_path / "log.jsonl"
    file.write_bytes(line(0) + frame.replace(b'"prompt": ""', b'"prompt": "%s"' % (b"a" * (size - len(frame)))) + end)
    log = read(file)
    assert (len(log.calls), log.rejected) == ((2, 0) if size <= LONGEST else (1, 1))
    assert len(logs.bodies(log.calls)) == len(log.calls)


@pytest.mark.usefixtures("short")
def test_a_line_through_many_fragments_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(line(1) + b"x" * (LONGEST * 3) + b"\n" + line(2) * 3)
    whole = read(file)
    monkeypatch.setattr(fragments, "FRAGMENT_BYTES", 100_003)
    cut = read(file)
    assert told(cut) == told(whole) == [(2, lines.TOO_LONG)]
    assert (len(cut.calls), cut.records) == (len(whole.calls), whole.records) == (4, 5)


def test_a_few_lines_of_many_megabytes_are_no_batch(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(line(n, raw="a" * 2_000_000) for n in range(12)))
    assert len(read(file).calls) == 12


# ---- what unpacks to more than it should


def members(content: bytes, count: int) -> bytes:
    """A gzip file of one member again and again."""
    return gzip.compress(content) * count


@pytest.mark.parametrize("content", [bytes(1 << 20), b"a" * (1 << 20), b"\n" * (1 << 20), b"x\n" * (1 << 19)])
@pytest.mark.parametrize("form", ["jsonl.gz", "json.gz", "csv.gz", "jsonl.zst"])
def test_a_bomb_is_refused_by_its_name(
    form: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ALWAYS_UNPACKED", 4 << 20)
    file = tmp_path / f"bomb.{form}"
    packed = zstandard.ZstdCompressor().compress(content) * 40 if form.endswith("zst") else members(content, 40)
    file.write_bytes(packed)
    with pytest.raises(InputError, match=r"bomb\.\S+ unpacks to more than 300 times its size") as refused:
        read(file)
    assert refused.value.hint


def test_a_log_that_compresses_a_hundredfold_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ALWAYS_UNPACKED", 0)
    content = b"".join(
        line(n, note=os.urandom(30).hex(), system="You are a helpful assistant. " * 400) for n in range(400)
    )
    for form in ("jsonl.gz", "jsonl.zst"):
        file = tmp_path / f"log.{form}"
        file.write_bytes(PACKED[form](content))
        assert len(content) > 100 * file.stat().st_size
        assert len(read(file).calls) == 400


def test_what_is_packed_twice_is_no_log(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(gzip.compress(line(1) * 50)))
    assert len(read(file).calls) == 0


def test_a_window_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    chosen = zstandard.ZstdCompressionParameters.from_level(3, window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=chosen).compressobj()
    file = tmp_path / "wide.jsonl.zst"
    file.write_bytes(packer.compress(line(1)) + packer.flush())
    with pytest.raises(InputError, match="window of more than 128 MB"):
        read(file)


def parquet(file: Path, table: pa.Table, **how: Any) -> Path:
    pq.write_table(table, file, compression="zstd", **how)
    return file


def test_a_page_too_large_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"model": ["m"] * 3, "prompt": ["a" * 2_000_000] * 3, "response": ["x"] * 3})
    file = parquet(tmp_path / "page.parquet", table, use_dictionary=False)
    assert len(read(file).calls) == 3
    monkeypatch.setattr(pages, "LARGEST_PAGE", 1_000_000)
    with pytest.raises(InputError, match=r"page\.parquet: a page of column prompt"):
        read(file)


@pytest.mark.parametrize("kind", ["one text for all rows", "rows of nothing", "lists in lists"])
def test_a_table_of_next_to_nothing_is_no_log(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ALWAYS_UNPACKED", 2 << 20)
    count = 2_000
    text = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["a" * 100_000]))
    lists = pa.array([[{"role": "user", "content": "a"}] * 100_000] * 4)
    table = {
        "one text for all rows": {"model": ["m"] * count, "prompt": text},
        "rows of nothing": {"model": pa.nulls(count * 4, pa.string())},
        "lists in lists": {"model": ["m"] * 4, "messages": lists},
    }[kind]
    with pytest.raises(InputError, match=r"log\.parquet unpacks to more than"):
        read(parquet(tmp_path / "log.parquet", pa.table(table)))


def test_headers_of_pages_that_lie_are_damage(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "log.parquet", pa.table({"model": ["m"], "prompt": ["hi"]})).read_bytes()
    for at in range(4, 60, 3):
        (tmp_path / "log.parquet").write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
        try:
            read(tmp_path / "log.parquet")
        except InputError as refused:
            assert "log.parquet" in refused.message


# ---- documents and tables


@pytest.mark.usefixtures("short_documents")
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("end", ["whole", "cut", "more"])
def test_an_array_is_read_element_by_element(wrapped: bool, end: str, tmp_path: Path) -> None:
    note = 'a "quoted" [bracket], {brace} and a \\ at the end\\'
    rows = [row(n, note=note * 5 * (n % 7), inner=[[1, {"a": []}], "]"]) for n in range(900)]
    text = json.dumps(rows, indent=1)
    text = f'{{"object": "list", "data": {text}, "more": [1, 2]}}' if wrapped else text
    file = tmp_path / "log.json"
    file.write_text({"whole": text, "cut": text[: len(text) * 2 // 3], "more": text + "[1]"}[end], encoding="utf-8")
    assert file.stat().st_size > LONGEST_DOCUMENT
    log = read(file)
    if end == "whole" or (end == "more" and wrapped):
        assert (len(log.calls), log.rejected) == (900, 0)
        assert asked(log)[899] == "question 899"
    elif end == "cut":
        assert 0 < len(log.calls) < 900 and log.rejected == 1 and "cut off" in told(log)[0][1]
    else:
        assert (len(log.calls), log.rejected) == (900, 1)


@pytest.mark.usefixtures("short_documents")
def test_a_document_that_is_no_array_and_an_element_too_long_are_told(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text(json.dumps({"a": "x" * LONGEST_DOCUMENT}), encoding="utf-8")
    assert told(read(file)) == [(1, f"a JSON document {lines.TOO_LONG}, and no array of records")]
    file.write_text(json.dumps([row(1), {"a": "x" * LONGEST}, row(2)]), encoding="utf-8")
    log = read(file)
    assert told(log) == [(2, lines.TOO_LONG)] and asked(log) == ["question 1", "question 2"]


def test_a_row_of_a_table_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "LONGEST_ROW", 10_000)
    monkeypatch.setattr(containers, "MOST_CELLS", 1_000)
    file = tmp_path / "log.csv"
    for odd in ("m," + "a" * 20_000 + ",x", "," * 5_000, 'm,"' + "a\n" * 8_000 + '",x', "m,a\x00b,x"):
        file.write_text(f"model,prompt,response\nm,one,x\n{odd}\nm,two,x\n", encoding="utf-8")
        log = read(file)
        assert asked(log)[0] == "one"
        assert asked(log)[-1] == "two" or '"' in odd  # where a quote was open, nobody knows where it would have ended
        assert "\x00" in odd or "a row of more than" in told(log)[0][1]
    file.write_text('model,prompt\nm,"' + "a\n" * 30_000, encoding="utf-8")
    assert len(read(file).calls) == 0


# ---- JSON


def test_more_values_than_memory_is_good_for_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "LARGE", 1_000)
    monkeypatch.setattr(decode, "MOST_VALUES", 500)
    with pytest.raises(decode.Undecodable, match="more than"):
        decode.decode(b"[" + b"[]," * 600 + b"[]]")
    assert decode.decode(json.dumps({"text": '[{,\\"' * 5_000}).encode())


@pytest.mark.parametrize("odd", [
    b'{"model":"gpt-4o","prompt":"hi","prompt_tokens":%b}' % (b"9" * 1_000_000), b"[" * 100_000,
    b'{"model":"gpt-4o","prompt":"hi","prompt_tokens":1e999}', b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"model":"gpt-4o","prompt":"hi","prompt_tokens":-1e400,"timestamp":1e400,"latency_ms":NaN,"cost":Infinity}',
    "﻿".encode("utf-16"), json.dumps(row(1)).encode("utf-16"), json.dumps(row(1)).encode("utf-32"), b"\x00" * 1_000,
], ids=range(9))  # fmt: skip
def test_odd_numbers_depths_and_encodings_take_nothing_with_them(odd: bytes, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(line(1) + odd + b"\n" + line(2))
    log = read(tmp_path / "log.jsonl")
    assert {"question 1", "question 2"} <= {*asked(log)}
    assert len(log.calls) + log.rejected + log.passed_over == log.records


def colliding(count: int) -> list[str]:
    """Keys whose numbers all have one hash in a table of Python's, if numbers were what is hashed."""
    return [str(1 + number * (2**61 - 1)) for number in range(count)]


def test_keys_that_would_collide_cost_no_more_than_others() -> None:
    def seconds(keys: list[str]) -> float:
        text = json.dumps(dict.fromkeys(keys, 1)).encode()
        began = time.perf_counter()
        assert len(decode.decode(text)) == len(keys)
        return time.perf_counter() - began

    usual = min(seconds([f"key number {number:018}" for number in range(30_000)]) for _ in range(2))
    assert min(seconds(colliding(30_000)) for _ in range(2)) < 10 * usual + 0.1


# ---- paths


def test_a_folder_that_leads_back_to_itself_is_read_once(tmp_path: Path) -> None:
    for name in ("a", "a/b"):
        (tmp_path / name).mkdir()
    for number, name in enumerate(("x.jsonl", "a/y.jsonl", "a/b/z.jsonl")):
        (tmp_path / name).write_bytes(line(number))
    for number in range(4):
        (tmp_path / f"a/up{number}").symlink_to("..")
        (tmp_path / f"a/b/up{number}").symlink_to("../..")
    os.mkfifo(tmp_path / "a/pipe.jsonl")
    (tmp_path / "a/zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "a/round.jsonl").symlink_to("round.jsonl")
    for path in (tmp_path, tmp_path / "**", tmp_path / "**/*.jsonl", tmp_path / "**/[xyz]*"):
        assert len(logs.expand([str(path)])) == 3, path


def test_a_glob_takes_no_longer_the_more_stars_it_has(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(60):
        place /= "a"
    place.mkdir(parents=True)
    (place / "log.jsonl").write_bytes(line(1))
    began = time.perf_counter()
    assert len(logs.expand([str(tmp_path / "/".join(["**", "a"] * 25) / "*.jsonl")])) == 1
    with pytest.raises(InputError):
        logs.expand([str(tmp_path / "/".join(["**", "a"] * 25) / "b")])
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link to a device"])
def test_what_is_no_file_is_named_and_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    bound = socket.socket(socket.AF_UNIX)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        bound.bind(str(path))
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=f"is a {kind.rpartition(' ')[2]}, not a file"):
        read(path)
    bound.close()


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(line(1))
    calls = read(path).calls
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="is a pipe"):
        logs.bodies(calls)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError, match="/proc/self/mem"):
        read(Path("/proc/self/mem"))


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.jsonl", os.O_CREAT))
    with pytest.raises(InputError, match="no UTF-8"):
        read(tmp_path)


def test_memory_stays_small_whatever_a_line_holds() -> None:
    measure = runpy.run_path(str(ROOT / "benchmarks" / "hostile.py"))["measure"]
    _, memory, outcome = measure("a line of 2 GB in zstd", scale=0.06)
    assert outcome.startswith("2 calls, 1 rejected: longer than") and memory < 250


def test_a_stream_is_read_to_its_end_where_it_was_damaged(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb") as stream:
        stream.write(b"".join(line(n, noise=os.urandom(50).hex()) for n in range(1_000)))
    (tmp_path / "log.jsonl.gz").write_bytes(whole.getvalue()[:-3_000])
    log = read(tmp_path / "log.jsonl.gz")
    assert 500 < len(log.calls) < 1_000 and told(log)[0][1].startswith("cut off")
