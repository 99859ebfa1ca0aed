"""Files that are made to fill a memory or to take for ever: what each costs. `python benchmarks/hostile.py`.

Each is read in a process of its own, whose memory above that of an interpreter with everything imported is told, with
the seconds that it took and what became of it. `--only NAME` reads one, `--scale 0.1` makes all of them smaller.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

GOOD = b'{"model":"gpt-4o","prompt":"hi","response":"ho","prompt_tokens":1,"completion_tokens":1}\n'
MB = 1 << 20
READER = """
import re, sys, time
from pathlib import Path
from llmcost import logs
from llmcost.errors import LLMCostError
def peak():  # of this program alone: what `getrusage` tells includes the one that started it
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
before, began = peak(), time.perf_counter()
try:
    log = logs.read([sys.argv[1]], call_site=lambda call: None)
    said = f"{len(log.calls):,} calls, {log.rejected:,} rejected" + "".join(f": {r.reason}" for r in log.rejects[:1])
except LLMCostError as error:
    said = f"refused: {error.message.rpartition('/')[2]}"
grown = (peak() - before) // 1024
print(f"{time.perf_counter() - began:.1f} s", f"{grown} MB", said, sep="\\t")
"""


def times(content: bytes, size: float) -> Iterator[bytes]:
    """The content again and again, about so many bytes."""
    block = content * max(1, MB // len(content))
    for _ in range(max(1, int(size) // len(block))):
        yield block


def members(file: Path, size: float, content: bytes = bytes(MB)) -> None:
    """A gzip file that unpacks to so many bytes: one member again and again, as gzip allows."""
    member = gzip.compress(b"".join(times(content, 16 * MB)))
    file.write_bytes(gzip.compress(GOOD) + member * max(1, int(size) // (16 * MB)) + gzip.compress(b"\n" + GOOD))


def zstd(file: Path, size: float) -> None:
    with zstandard.open(file, "wb") as stream:
        for block in (GOOD, *times(bytes(MB), size), b"\n", GOOD):
            stream.write(block)


def sparse(file: Path, size: float, before: bytes = GOOD, after: bytes = b"\n" + GOOD) -> None:
    with file.open("wb") as stream:
        stream.write(before)
        stream.seek(int(size))
        stream.write(after)


def line(file: Path, size: float, first: str = "") -> None:
    ask = b'{"model":"gpt-4o","prompt":"%s","response":"x"}\n'
    file.write_bytes(GOOD + ask.replace(b"%s", first.encode() + b"a" * int(size)) + GOOD)


def lines(file: Path, size: float) -> None:
    with file.open("wb") as stream:
        for _ in range(8):
            stream.write(b'{"model":"gpt-4o","messages":[{"role":"user","content":"%s"}]}\n' % (b"a" * int(size)))


def values(file: Path, size: float) -> None:
    file.write_bytes(GOOD + b'{"model":"m","a":[' + b"[]," * int(size // 3) + b"[]]}\n" + GOOD)


def array(file: Path, size: float) -> None:
    with file.open("wb") as stream:
        stream.write(b"[")
        for block in times(GOOD.strip().replace(b"hi", b"hi" * 8_000) + b",", size):
            stream.write(block)
        stream.write(GOOD + b"]")


def repeated(file: Path, size: float) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * int(size // MB), pa.int32()), pa.array(["a" * MB]))
    pq.write_table(pa.table({"model": ["m"] * len(texts), "prompt": texts}), file, compression="zstd")


def page(file: Path, size: float) -> None:
    pq.write_table(
        pa.table({"model": ["m"], "prompt": ["a" * int(size)]}), file, compression="zstd", use_dictionary=False
    )


def nothing(file: Path, size: float) -> None:
    rows = pa.nulls(int(size), pa.string())
    pq.write_table(pa.table({"model": rows, "prompt": rows}), file, compression="zstd")


def cases(scale: float) -> dict[str, tuple[str, Callable[[Path], None]]]:
    """Name → extension, and what makes the file."""
    return {
        "a line of 10 GB": ("jsonl", lambda file: sparse(file, scale * 10_000 * MB)),
        "a line of 2 GB in gzip": ("jsonl.gz", lambda file: members(file, scale * 2_048 * MB)),
        "a line of 2 GB in zstd": ("jsonl.zst", lambda file: zstd(file, scale * 2_048 * MB)),
        "blank lines in gzip": ("jsonl.gz", lambda file: members(file, scale * 2_048 * MB, b"\n")),
        "lines of one letter in gzip": ("jsonl.gz", lambda file: members(file, scale * 2_048 * MB, b"x\n")),
        "empty objects in gzip": ("jsonl.gz", lambda file: members(file, scale * 2_048 * MB, b"{}\n")),
        "the longest line": ("jsonl", lambda file: line(file, scale * 66_000_000)),
        "the longest line, four bytes a character": (
            "jsonl",
            lambda file: line(file, scale * 66_000_000, "\U0001f600"),
        ),
        "eight lines of 60 MB": ("jsonl", lambda file: lines(file, scale * 60_000_000)),
        "20 million values in a line": ("jsonl", lambda file: values(file, scale * 60_000_000)),
        "values up to the limit": ("jsonl", lambda file: values(file, scale * 5_900_000)),
        "100,000 levels": ("jsonl", lambda file: file.write_bytes(GOOD + b"[" * 100_000 + b"\n" + GOOD) and None),
        "an array of 1 GB": ("json", lambda file: array(file, scale * 1_024 * MB)),
        "a document of 3 GB": ("json", lambda file: sparse(file, scale * 3_072 * MB, b'{"x":[', b"]}")),
        "a CSV row of 3 GB": ("csv", lambda file: sparse(file, scale * 3_072 * MB, b"model,prompt\nm,p\n", b"\nm,p\n")),
        "a Parquet page of 1.2 GB": ("parquet", lambda file: page(file, scale * 1_200 * MB)),
        "one text for 200,000 rows": ("parquet", lambda file: repeated(file, scale * 200_000 * MB)),
        "100 million rows of nothing": ("parquet", lambda file: nothing(file, scale * 100_000_000)),
    }


def measured(file: Path) -> tuple[float, int, str]:
    """Seconds, MB of memory, and what became of a file."""
    said = subprocess.run([sys.executable, "-c", READER, str(file)], capture_output=True, text=True, check=True).stdout
    seconds, memory, outcome = said.strip().split("\t")
    return float(seconds.split()[0]), int(memory.split()[0]), outcome


def measure(name: str, scale: float = 1.0) -> tuple[float, int, str]:
    """Seconds, MB of memory, and what became of the file of this name."""
    suffix, make = cases(scale)[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"log.{suffix}"
        make(file)
        return measured(file)


def main() -> None:
    """Reads what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append")
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args()
    for name in asked.only or cases(asked.scale):
        seconds, memory, outcome = measure(name, asked.scale)
        print(f"{name:42} {seconds:6.1f} s {memory:6,} MB  {outcome}", flush=True)


if __name__ == "__main__":
    main()
