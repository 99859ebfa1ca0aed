"""A log in an object store is the log: the same audit, the same bodies, and no more read than is needed."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from support import shop
from support.object_store import Asked, S3Server

from llmcost import logs
from llmcost.errors import InputError
from llmcost.logs import files
from llmcost.logs.stores import FIRST_BLOCK, LARGEST_BLOCK

CALLS = 60
LINE = json.dumps({"model": "gpt-4o", "prompt": "Where is my order?", "response": "On its way."}).encode() + b"\n"


def lines() -> bytes:
    return b"".join(json.dumps(shop.record(number)).encode() + b"\n" for number in range(CALLS))


def parquet() -> bytes:
    rows = [{"model": "gpt-4o", "prompt": f"Ticket {n}?", "response": "x" * n, "n": n} for n in range(CALLS)]
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), written, row_group_size=20)
    return written.getvalue()


CONTENTS = {
    "log.jsonl": lines(),
    "log.jsonl.gz": gzip.compress(lines(), mtime=0),
    "log.jsonl.zst": zstandard.compress(lines()),
    "log.parquet": parquet(),
    "log.json": json.dumps([shop.record(number) for number in range(CALLS)]).encode(),
    "log.csv": b"model,prompt,response\n" + b"gpt-4o,Where?,Here.\n" * CALLS,
}


def audit(cwd: Path, *arguments: str) -> dict[str, Any]:
    cwd.mkdir(exist_ok=True)
    outcome = shop.run_here("audit", *arguments, "--format", "json", cwd=cwd)
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


@pytest.mark.parametrize("name", CONTENTS)
def test_the_audit_is_that_of_the_local_file(s3: S3Server, tmp_path: Path, name: str) -> None:
    content = CONTENTS[name]
    s3.put("logs", {name: content})
    (tmp_path / name).write_bytes(content)
    near = audit(tmp_path / "near", str(tmp_path / name))
    far = audit(tmp_path / "far", f"s3://logs/{name}")
    assert near["source"].pop("files") == [str(tmp_path / name)]
    assert far["source"].pop("files") == [f"s3://logs/{name}"]
    assert near == far
    assert near["totals"]["calls"] == CALLS


@pytest.mark.parametrize("name", CONTENTS)
def test_bodies_are_read_again(s3: S3Server, tmp_path: Path, name: str) -> None:
    s3.put("logs", {name: CONTENTS[name]})
    (tmp_path / name).write_bytes(CONTENTS[name])
    near, far = (
        logs.bodies(logs.read([path], call_site=lambda call: None).calls.take([41, 3, 3, 0, CALLS - 1]))
        for path in (str(tmp_path / name), f"s3://logs/{name}")
    )
    assert [(call.request, call.answer) for call in near] == [(call.request, call.answer) for call in far]


def test_a_replay_without_logs_reads_the_urls_that_were_audited(s3: S3Server, tmp_path: Path) -> None:
    s3.put("logs", {"2026/a.jsonl": lines(), "2026/b.jsonl.gz": gzip.compress(lines())})
    shop.write_config(tmp_path / "llmcost.toml")
    audit(tmp_path, "s3://logs/2026/")
    command = ["replay", "--models", "tiny", "--grader", "judge", "--base-url", "http://127.0.0.1:9", "--dry-run"]
    outcome = shop.run_here(*command, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "s3://logs/2026/" in outcome.stderr + outcome.stdout
    s3.send("DELETE", "/logs/2026/a.jsonl")
    s3.send("DELETE", "/logs/2026/b.jsonl.gz")
    gone = shop.run_here(*command, cwd=tmp_path)
    assert gone.returncode == 3
    assert "s3://logs/2026/" in gone.stderr


def gets(s3: S3Server) -> list[tuple[int, int]]:
    return [asked.range for asked in s3.asked if asked.method == "GET" and asked.range]


def test_a_line_far_into_an_object_costs_one_small_request(s3: S3Server) -> None:
    content = LINE * (6_000_000 // len(LINE))
    s3.put("logs", {"big.jsonl": content})
    with files.open_bytes("s3://logs/big.jsonl", None) as stream:
        stream.seek(len(LINE) * 50_000)
        assert stream.readline() == LINE
    [(first, last)] = gets(s3)
    assert (first, last - first + 1) == (len(LINE) * 50_000, FIRST_BLOCK)


def test_a_small_object_is_fetched_once_a_version(s3: S3Server) -> None:
    s3.put("logs", {"small.jsonl": LINE * 3})
    for _ in range(3):
        with files.open_bytes("s3://logs/small.jsonl", None) as stream:
            assert stream.read() == LINE * 3
    s3.put("logs", {"small.jsonl": LINE * 4})
    with files.open_bytes("s3://logs/small.jsonl", None) as stream:
        stream.seek(len(LINE))
        assert stream.read() == LINE * 3
    assert [last + 1 for _, last in gets(s3)] == [len(LINE) * 3, len(LINE) * 4]


def test_a_range_is_read_without_what_follows_it(s3: S3Server) -> None:
    content = LINE * (24_000_000 // len(LINE))
    s3.put("logs", {"big.jsonl": content})
    stop = 12_000_000
    with files.open_bytes("s3://logs/big.jsonl", None, stop) as stream:
        stream.seek(0)
        while stream.tell() < stop:
            assert stream.readline() == LINE
    assert max(last for _, last in gets(s3)) < stop + FIRST_BLOCK
    assert len(gets(s3)) < 12


def test_a_whole_object_is_read_once_in_growing_blocks(s3: S3Server) -> None:
    content = bytes(range(256)) * (20_000_000 // 256)
    s3.put("logs", {"big.jsonl": content})
    with files.open_bytes("s3://logs/big.jsonl", None) as stream:
        assert stream.read() == content
    sizes = [last - first + 1 for first, last in sorted(gets(s3))]
    assert sum(sizes) == len(content)
    assert sizes[:-1] == sorted(sizes[:-1])
    assert (sizes[0], max(sizes)) == (FIRST_BLOCK, LARGEST_BLOCK)


def test_parquet_reads_the_columns_and_row_groups_that_are_wanted(s3: S3Server) -> None:
    noise = pa.array([bytes([n % 251]) * 10 + n.to_bytes(8, "big") * 40 for n in range(20_000)])
    written = io.BytesIO()
    table = pa.table({"n": pa.array(range(20_000)), "noise": noise})
    pq.write_table(table, written, row_group_size=5_000, compression="none", use_dictionary=False)
    s3.put("logs", {"log.parquet": written.getvalue()})
    with files.open_parquet("s3://logs/log.parquet", None) as file:
        assert file.read_row_group(2, columns=["n"]).column("n")[0].as_py() == 10_000
    assert sum(last - first + 1 for first, last in gets(s3)) < len(written.getvalue()) / 10


def test_damaged_parquet_is_an_input_error(s3: S3Server) -> None:
    s3.put("logs", {"cut.parquet": parquet()[:-50], "none.parquet": b"PAR1 nonsense"})
    for name in ("cut", "none"):
        with pytest.raises(InputError, match=rf"s3://logs/{name}\.parquet as Parquet"):
            files.open_parquet(f"s3://logs/{name}.parquet", None)


def test_the_version_is_that_of_the_content(s3: S3Server) -> None:
    s3.put("logs", {"a.jsonl": LINE, "b.jsonl": LINE.replace(b"order", b"money")})
    one, other = (files.identity(f"s3://logs/{name}.jsonl") for name in "ab")
    assert one.size == other.size == len(LINE)
    assert one.version != other.version
    s3.put("logs", {"b.jsonl": LINE})
    assert files.identity("s3://logs/b.jsonl").version == one.version


def test_an_object_replaced_before_its_bodies_are_read_has_changed(s3: S3Server) -> None:
    s3.put("logs", {"log.jsonl": LINE * 3})
    calls = logs.read(["s3://logs/log.jsonl"], call_site=lambda call: None).calls
    for change in (LINE, b"", LINE.replace(b"order", b"money") * 3, b"oops\n" * 99):
        s3.put("logs", {"log.jsonl": change})
        with pytest.raises(InputError, match=r"s3://logs/log\.jsonl has changed"):
            logs.bodies(calls)


@pytest.mark.parametrize("after", [b"y" * 3_000_000, b"y" * 400_000, b"", b"y" * 9_000_000])
def test_an_object_replaced_while_it_is_read_is_no_mixture(s3: S3Server, after: bytes) -> None:
    s3.put("logs", {"log.jsonl": b"x" * 3_000_000})

    def replace(asked: Asked) -> None:
        if asked.range and asked.range[0] > 0:
            s3.before = lambda asked: None
            s3.put("logs", {"log.jsonl": after})

    s3.before = replace
    with pytest.raises(InputError, match="has changed"), files.open_bytes("s3://logs/log.jsonl", None) as stream:
        stream.read()


def test_a_process_that_read_from_a_store_ends_in_peace(s3: S3Server) -> None:
    s3.put("logs", {"log.jsonl": lines(), "log.parquet": parquet()})
    code = (
        "import sys; from llmcost.cli import main; sys.argv[1:] = ['audit', 's3://logs/', '--format', 'json']; main()"
    )
    outcome = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert "Traceback" not in outcome.stderr and "Warning" not in outcome.stderr
