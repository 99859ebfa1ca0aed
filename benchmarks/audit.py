"""`llmcost audit` on a large log, beside what else could read it: `python benchmarks/audit.py LOG.jsonl`.

One run, one table: wall and CPU time, speed in MB and records a second, peak memory summed over the process tree (PSS),
and how many times faster or slower than the audit. Beside it: `wc -l`, msgspec decoding into typed records and nothing
else, a plain pandas script, and two tools from PyPI, each in a virtual environment of its own that is made for the run.
Then a second audit of the same file, one after 1 % was appended, and gzip, zstd and Parquet. The log is one of
`benchmarks/logs_generator.py`. What cannot stand a damaged line gets the readable ones, and what is slow a slice.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from logs_generator import FORMS

PEERS = {"inferopt analyze": "inferopt", "llm-route-audit analyze": "llm-route-audit"}
SAMPLE_EVERY_S = 0.05
MB = 1e6


class Message(msgspec.Struct):
    role: str
    content: str | None = None


class Request(msgspec.Struct):
    model: str
    messages: list[Message]
    tools: msgspec.Raw = msgspec.Raw(b"null")
    stream: bool = False
    max_tokens: int | None = None


class Details(msgspec.Struct):
    cached_tokens: int = 0


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: Details | None = None


class Said(msgspec.Struct):
    content: str | None = None
    tool_calls: msgspec.Raw = msgspec.Raw(b"null")


class Choice(msgspec.Struct):
    message: Said
    finish_reason: str | None = None


class Response(msgspec.Struct):
    model: str | None = None
    choices: list[Choice] = []
    usage: Usage | None = None


class Record(msgspec.Struct):
    """What an audit needs of a record, and nothing else."""

    id: str
    timestamp: str
    request: Request
    response: Response
    latency_ms: float | None = None
    status: int | None = None
    metadata: dict[str, str] = {}


@dataclass
class Run:
    """A command that ran: seconds by the clock and of CPU, peak MB of its tree, how it ended, and what it said."""

    seconds: float
    cpu: float
    peak_mb: float
    code: int
    stdout: bytes
    stderr: bytes


@dataclass
class Row:
    """A line of the table."""

    name: str
    run: Run
    size: int
    records: int
    note: str = ""

    @property
    def speed(self) -> float:
        return self.records / self.run.seconds


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def memory_mb(pid: int) -> float:
    """Proportional set size of a process; its resident size where the kernel does not tell."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/{name}").read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024 / MB
    return 0.0


def cpu_of_children() -> float:
    """Seconds of CPU of all that ran below this process and has ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def measured(*commands: Sequence[str | Path], **environment: str) -> Run:
    """Runs commands side by side and watches them."""
    started, before, peak = time.perf_counter(), cpu_of_children(), 0.0
    running = [
        subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=os.environ | environment)
        for command in commands
    ]  # fmt: skip
    outputs: list[tuple[bytes, bytes]] = [(b"", b"")] * len(running)

    def collect(number: int) -> None:
        outputs[number] = running[number].communicate()

    readers = [threading.Thread(target=collect, args=(number,)) for number in range(len(running))]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        peak = max(peak, sum(memory_mb(pid) for process in running for pid in descendants(process.pid)))
        readers[0].join(SAMPLE_EVERY_S)
    seconds, cpu = time.perf_counter() - started, cpu_of_children() - before
    code = max(process.returncode for process in running)
    return Run(seconds, cpu, peak, code, *map(b"".join, zip(*outputs, strict=True)))


@dataclass
class Bench:
    """The rows so far, and where to work."""

    folder: Path
    rounds: int
    rows: list[Row] = field(default_factory=list)
    totals: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, size: int, records: int, run: Callable[[], Run], note: str = "") -> Row | None:
        """The quickest of the rounds as a row, unless it failed."""
        runs = [run() for _ in range(self.rounds)]
        best = min(runs, key=lambda one: one.seconds)
        if best.code != 0:
            print(f"{name} failed (exit code {best.code}): {best.stderr[-300:].decode(errors='replace')}", flush=True)
            return None
        row = Row(name, best, size, records, note)
        self.rows.append(row)
        print(f"  {name}: {best.seconds:.2f} s", file=sys.stderr, flush=True)
        return row

    def audit(
        self, name: str, file: Path, records: int, *flags: str, size: int = 0, fresh: bool = True, **more: str
    ) -> Row | None:
        """A row of `llmcost audit`, in a workspace that is empty, or as the last audit of this name left it."""
        workspace, out = self.folder / "workspace", self.folder / "audit.json"

        def run() -> Run:
            if fresh:
                shutil.rmtree(workspace, ignore_errors=True)
            command = (sys.executable, "-m", "llmcost", "audit", file, "--format", "json", "-o", out, *flags)
            return measured(command, LLMCOST_WORKSPACE=str(workspace))

        row = self.add(name, size or file.stat().st_size, records, run, **more)
        if row is not None:
            self.totals[name] = json.loads(out.read_bytes())["totals"]
        return row


def job(name: str, *arguments: str | Path) -> list[str | Path]:
    """The command that runs a job of this file in a process of its own."""
    return [sys.executable, __file__, "--job", name, *arguments]


def decode(path: str, start: str = "0", end: str = "") -> int:
    """Decodes the lines that begin in a range of bytes; how many could be."""
    decoder, count = msgspec.json.Decoder(Record), 0
    with Path(path).open("rb", buffering=1 << 20) as stream:
        at, last = int(start), int(end or Path(path).stat().st_size)
        if at:
            stream.seek(at - 1)
            at += len(stream.readline()) - 1
        for line in stream:
            if at >= last:
                break
            at += len(line)
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                decoder.decode(line)
                count += 1
    return count


def pandas_script(path: str) -> int:
    """What one writes in a notebook: tokens and calls by model."""
    import pandas as pd

    parts = []
    for chunk in pd.read_json(path, lines=True, chunksize=10_000):
        usage = chunk["response"].map(lambda response: response.get("usage") or {})
        frame = pd.DataFrame({
            "model": chunk["request"].map(lambda request: request["model"]),
            "task": chunk["metadata"].map(lambda metadata: metadata.get("task")),
            "input": usage.map(lambda tokens: tokens.get("prompt_tokens")),
            "output": usage.map(lambda tokens: tokens.get("completion_tokens")),
            "latency_ms": chunk["latency_ms"],
        })  # fmt: skip
        grouped = frame.groupby(["model", "task"], dropna=False)
        parts.append(grouped.agg(calls=("model", "size"), input=("input", "sum"), output=("output", "sum")))
    return int(pd.concat(parts).groupby(level=[0, 1], dropna=False).sum()["calls"].sum())


JOBS: dict[str, Callable[..., int]] = {"decode": decode, "pandas": pandas_script}


def readable(source: Path, target: Path, limit: int) -> int:
    """Copies the readable lines of the first `limit` bytes; how many."""
    count = 0
    with source.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            if out.tell() >= limit:
                break
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                msgspec.json.decode(line)
                if line.strip():
                    out.write(line)
                    count += 1
    return count


def for_route_audit(source: Path, target: Path) -> int:
    """The answered calls in the flat shape that llm-route-audit reads; how many."""
    count = 0
    with source.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            record = msgspec.json.decode(line)
            if record["response"].get("usage"):
                out.write(msgspec.json.encode(_flat(record)) + b"\n")
                count += 1
    return count


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    request, response = record["request"], record["response"]
    usage, message = response["usage"], response["choices"][0]["message"]
    tools = [tool["function"] for tool in request.get("tools", ())]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    flat = {
        "id": record["id"], "timestamp": record["timestamp"], "model": request["model"],
        "messages": [{"role": item["role"], "content": item["content"] or ""} for item in request["messages"]],
        "response": message.get("content") or "", "input_tokens": usage["prompt_tokens"] - cached,
        "output_tokens": usage["completion_tokens"], "latency_ms": record["latency_ms"],
        "cache_read_tokens": cached,
        "task_type": record["metadata"].get("task"), "metadata": record["metadata"],
    }  # fmt: skip
    return flat | ({"tools": tools} if tools else {})


def peer(name: str, package: str, folder: Path) -> Path | None:
    """The command of a peer, installed in an environment of its own; None where it cannot be."""
    home = folder / f"venv-{package}"
    command = home / "bin" / package
    made = subprocess.run([sys.executable, "-m", "venv", home], capture_output=True, check=False)
    if made.returncode == 0:
        made = subprocess.run([home / "bin" / "pip", "install", "-q", package], capture_output=True, check=False)
    if made.returncode != 0:
        print(f"{name}: not installed: {made.stderr[-200:].decode(errors='replace')}")
        return None
    return command


def references(bench: Bench, log: Path, records: int) -> None:
    """`wc -l`, and decoding alone in one process and in two."""
    size = log.stat().st_size
    bench.add("wc -l", size, records, lambda: measured(("wc", "-l", log)))
    bench.add("msgspec decoding, 1 process", size, records, lambda: measured(job("decode", log)))
    half = str(size // 2)
    bench.add("msgspec decoding, 2 processes", size, records,
              lambda: measured(job("decode", log, "0", half), job("decode", log, half)))  # fmt: skip


def audits(bench: Bench, log: Path, records: int) -> None:
    """The audit with each number of workers it can be told, again, and after the log has grown by 1 %."""
    told = b"--workers" in subprocess.run([sys.executable, "-m", "llmcost", "audit", "--help"],
                                          capture_output=True, check=True).stdout  # fmt: skip
    for workers in ("1", "2") if told else ():
        bench.audit(f"llmcost audit --workers {workers}", log, records, "--workers", workers)
    bench.audit("llmcost audit", log, records)
    bench.audit("llmcost audit, again", log, records, fresh=False)
    grown = bench.folder / "grown.jsonl"
    shutil.copyfile(log, grown)
    bench.audit("llmcost audit, a copy", grown, records)
    with log.open("rb") as source, grown.open("ab") as out:
        more = list(itertools.islice(source, records // 100))
        out.writelines(more)
    before = bench.rounds
    bench.rounds = 1  # a second round would find it unchanged
    bench.audit("llmcost audit, 1 % appended", grown, records + len(more), fresh=False)
    bench.rounds = before
    grown.unlink()


def forms(bench: Bench, log: Path, records: int) -> None:
    """The audit of the same records compressed, and as Parquet."""
    for form, write in FORMS.items():
        target = bench.folder / ("log.parquet" if form == "parquet" else f"log.jsonl.{form}")
        write(log, target)
        bench.audit(f"llmcost audit, {form}", target, records, size=log.stat().st_size,
                    note=f"{target.stat().st_size / MB:,.0f} MB stored")  # fmt: skip
        target.unlink()


def others(bench: Bench, log: Path, limit: int, *, peers: bool) -> None:
    """pandas and the peers, on the readable lines of a slice."""
    part, flat = bench.folder / "slice.jsonl", bench.folder / "flat.jsonl"
    records = readable(log, part, limit)
    note = f"on {part.stat().st_size / MB:,.0f} MB"
    bench.add("pandas script", part.stat().st_size, records, lambda: measured(job("pandas", part)), note)
    answered = for_route_audit(part, flat)
    for name, package in PEERS.items() if peers else ():
        command = peer(name, package, bench.folder)
        if command is not None:
            file, count = (part, records) if package == "inferopt" else (flat, answered)
            bench.add(name, file.stat().st_size, count, lambda c=command, f=file: measured((c, "analyze", f)), note)


def table(bench: Bench) -> Iterator[str]:
    """The lines of the result; the last column is against the audit with its own choice of workers, by records."""
    audits = [row for row in bench.rows if row.name.startswith("llmcost")]
    ours = next((row.speed for row in audits if row.name == "llmcost audit"), (audits or bench.rows)[0].speed)
    yield f"{'':32} {'seconds':>8} {'CPU s':>7} {'MB/s':>7} {'records/s':>10} {'peak MB':>8} {'× audit':>8}"
    for row in bench.rows:
        numbers = f"{row.run.seconds:8.2f} {row.run.cpu:7.2f} {row.size / row.run.seconds / MB:7.0f} {row.speed:10,.0f}"
        yield f"{row.name:32} {numbers} {row.run.peak_mb:8.0f} {row.speed / ours:8.2f}  {row.note}".rstrip()
    same = {name: totals for name, totals in bench.totals.items() if "appended" not in name}
    differing = [name for name, totals in same.items() if totals != next(iter(same.values()))]
    yield f"totals: {'differ in ' + ', '.join(differing) if differing else f'the same in all {len(same)} audits'}"


def main() -> None:
    """Runs a job of this file, or all of them beside the audit."""
    if sys.argv[1:2] == ["--job"]:
        print(JOBS[sys.argv[2]](*sys.argv[3:]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--slice-mb", type=float, default=100, help="how much pandas and the peers get")
    parser.add_argument("--rounds", type=int, default=1, help="the quickest of so many counts")
    parser.add_argument("--only", default="references,audits,forms,others", help="parts, comma-separated")
    parser.add_argument("--no-peers", action="store_true", help="leave out what is installed from PyPI")
    asked = parser.parse_args()
    log, parts = asked.log.resolve(), asked.only.split(",")
    records = int(subprocess.run(["wc", "-l", log], capture_output=True, check=True).stdout.split()[0])
    with tempfile.TemporaryDirectory(dir=log.parent) as scratch:
        bench = Bench(Path(scratch), asked.rounds)
        if "references" in parts:
            references(bench, log, records)
        if "audits" in parts:
            audits(bench, log, records)
        if "forms" in parts:
            forms(bench, log, records)
        if "others" in parts:
            others(bench, log, int(asked.slice_mb * MB), peers=not asked.no_peers)
        print(f"{log.name}: {log.stat().st_size / MB:,.0f} MB, {records:,} lines, {os.cpu_count()} cores")
        print("\n".join(table(bench)))


if __name__ == "__main__":
    main()
