"""The same records as three files: nested JSON lines (with damage), flat JSON lines (gzip) and Parquet (zstd).

`python -m llmcost.demo.files --out DIR` writes the sample logs of the repository.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from llmcost.demo.texts import CONFIG, README
from llmcost.demo.traffic import Record, traffic
from llmcost.demo.wire import chunks, events

NESTED = "october.jsonl"
FLAT = "october-flat.jsonl.gz"
PARQUET = "october.parquet"
CORRUPT_LINES = 14
ROW_GROUP = 2048
ERROR_PAGE = (
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>"
    b"<hr><center>nginx</center></body></html>"
)
JUNK = bytes(byte for byte in range(255, 120, -1)) + b"\x00\x01\x02\x00PK\x03\x04\x00\x00"


def nested(record: Record) -> dict[str, Any]:
    """A record as request and response side by side."""
    return {
        "timestamp": _iso(record.time_us),
        "latency_ms": record.latency_ms,
        "status": record.status,
        "metadata": record.metadata,
        "request": record.request,
        "response": _logged(record),
    }


def flat(record: Record) -> dict[str, Any]:
    """A record as one flat row: the answer's text and the token counts stand beside the request's parameters."""
    row: dict[str, Any] = {"timestamp": record.time_us // 1000, **record.request, **record.metadata}
    row |= {"latency_s": record.latency_ms / 1000, "status_code": record.status}
    if "error" in record.response:
        return row | {"response": None, "error": record.response["error"]}
    (choice,) = record.response["choices"]
    row |= {"request_id": record.response["id"], "response_model": record.response["model"]}
    said = choice["message"]
    row |= {"response": said if "tool_calls" in said else said["content"], "finish_reason": choice["finish_reason"]}
    row["service_tier"] = record.response["service_tier"]
    return row | _counts(record) if record.metered else row


def write_nested(records: Sequence[Record], path: Path, *, corrupt: int = 0) -> Path:
    """Nested JSON lines at `path`, gzip if it ends in .gz; `corrupt` lines that are no JSON are strewn in."""
    lines = [msgspec.json.encode(nested(record)) for record in records]
    return _write_lines(_damaged(lines, corrupt), path)


def write_flat(records: Iterable[Record], path: Path) -> Path:
    """Flat JSON lines at `path`, gzip if it ends in .gz."""
    return _write_lines((msgspec.json.encode(flat(record)) for record in records), path)


def write_parquet(records: Sequence[Record], path: Path) -> Path:
    """A Parquet file: typed columns where there is a type, JSON text for request and response."""
    metadata = pa.struct([(name, pa.string()) for name in ("task", "channel", "session_id", "expected")])
    columns = {
        "timestamp": pa.array([record.time_us for record in records], pa.timestamp("us", tz="UTC")),
        "latency_ms": pa.array([record.latency_ms for record in records], pa.float64()),
        "status": pa.array([record.status for record in records], pa.int32()),
        "metadata": pa.array([dict(record.metadata) for record in records], metadata),
        "request": pa.array([_text(record.request) for record in records]),
        "response": pa.array([_text(_logged(record)) for record in records]),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=9, row_group_size=ROW_GROUP)
    return path


def write_all(records: Sequence[Record], directory: Path) -> Path:
    """All sample logs, their configuration and README in `directory`; gives the nested log."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "llmcost.toml").write_text(CONFIG, encoding="utf-8")
    (directory / "README.md").write_text(README, encoding="utf-8")
    write_flat(records, directory / FLAT)
    write_parquet(records, directory / PARQUET)
    return write_nested(records, directory / NESTED, corrupt=CORRUPT_LINES)


def _logged(record: Record) -> Any:
    if record.wire == "whole":
        return record.response
    sent = chunks(record.response, metered=record.metered)
    return sent if record.wire == "chunks" else events(sent)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _counts(record: Record) -> dict[str, Any]:
    used = record.response["usage"]
    return {
        "prompt_tokens": used["prompt_tokens"],
        "completion_tokens": used["completion_tokens"],
        "cached_tokens": used["prompt_tokens_details"]["cached_tokens"],
    }


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _damaged(lines: Sequence[bytes], corrupt: int) -> Iterator[bytes]:
    """The lines in order, with evenly strewn damage: a line cut off, an error page, bytes of something else."""
    spots = {(2 * index + 1) * len(lines) // (2 * corrupt): index for index in range(corrupt)}
    for number, line in enumerate(lines):
        if (index := spots.get(number)) is not None:
            yield (line[: len(line) * 2 // 3], ERROR_PAGE, JUNK)[index % 3]
        yield line


def _write_lines(lines: Iterable[bytes], path: Path) -> Path:
    content = b"".join(line + b"\n" for line in lines)
    if path.suffix == ".gz":
        buffer = BytesIO()
        # no name and no time in the header: the same rows give the same bytes
        with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as packed:
            packed.write(content)
        content = buffer.getvalue()
    path.write_bytes(content)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sample logs to a directory."""
    parser = argparse.ArgumentParser(description="Write the sample logs of October 2026.")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    write_all(traffic(), parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
