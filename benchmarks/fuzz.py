"""Mutated log lines in great number: no crash, no hang, nothing lost. `python benchmarks/fuzz.py --lines 200000`.

Lines of every format's fixture and of real samples are made odd (`tests/support/mutations.py`) and read in batches, as
files: every line that is not blank becomes calls, is passed over or rejected, and every body is found again. One batch
in some is also read in small fragments and as one JSON document, which must give the same calls, and goes through the
whole audit; one line in some is read alone; and at last all of it goes through the command line once.
What fails is cut down to the fewest lines and written to `--keep`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.accounting import Count, accounted, accounted_alone, same_as_document, same_in_pieces  # noqa: E402
from support.mutations import Mutator, corpus  # noqa: E402

from llmcost import audit, logs  # noqa: E402
from llmcost.errors import LLMCostError  # noqa: E402

BATCH = 500
HANG_S = 120
AUDITED, PROVED, ALONE = 10, 4, 100  # one batch in so many is audited, is read in other ways; one line by itself
LINE_LIMIT = 2_000_000  # bytes: longer ones are tried by themselves
GIANT = 100_000_000


# Ways to read the same lines, which must give the same calls.
LAWS: dict[str, Callable[[Sequence[bytes], Path], None]] = {
    "pieces": lambda lines, file: same_in_pieces(b"\n".join(lines), file, 50_021),
    "document": same_as_document,
}


class Hang(Exception):  # noqa: N818 - a finding
    """Raised in what does not end."""


def giants() -> Iterator[tuple[str, bytes]]:
    """Lines of 100 MB: one text, a prompt of many, an unfinished one, no JSON at all."""
    text = b"word \\u00e9 " * (GIANT // 12)
    ask = b'{"model":"gpt-4o","messages":[{"role":"user","content":"%b"}],"response":"ok","prompt_tokens":5}'
    yield "one text", ask.replace(b"%b", text)
    parts = b",".join([b'{"type":"text","text":"%d"}' % n for n in range(GIANT // 32)])
    yield "many parts", ask.replace(b'"%b"', b"[%b]").replace(b"%b", parts)
    yield "unfinished", ask.replace(b"%b", text)[: GIANT // 2]
    yield "no JSON", b"x" * GIANT
    yield "no token counts", b'{"model":"gpt-4o","prompt":"hi","response":"%b"}'.replace(b"%b", text)


def timed(job: Callable[[], object]) -> float:
    """Seconds of a job, which must end."""
    started = time.perf_counter()
    signal.alarm(HANG_S)
    try:
        job()
    finally:
        signal.alarm(0)
    return time.perf_counter() - started


def failure(job: Callable[[], object]) -> str | None:
    """What went wrong in a job, in a line; None for nothing."""
    try:
        timed(job)
    except Exception as error:  # noqa: BLE001 - any is a finding
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def smallest(lines: Sequence[bytes], fails: Callable[[Sequence[bytes]], bool]) -> Sequence[bytes]:
    """The fewest lines in a row that still fail."""
    while len(lines) > 1:
        half = len(lines) // 2
        if fails(lines[:half]):
            lines = lines[:half]
        elif fails(lines[half:]):
            lines = lines[half:]
        else:
            return lines
    return lines


class Fuzz:
    """The state of a run: what was read, what failed, what was slow."""

    def __init__(self, folder: Path, keep: Path) -> None:
        self._file, self._keep, self._folder = folder / "batch.jsonl", keep, folder
        self.failures: Counter[str] = Counter()
        self.total = Count(0, 0, 0, 0, 0, 0)
        self.slowest: tuple[float, bytes] = (0.0, b"")

    def batch(self, number: int, lines: list[bytes]) -> None:
        """Reads a batch, and audits it or its lines alone now and then."""
        content = b"\n".join(lines)
        started = time.perf_counter()
        wrong = failure(lambda: self._add(accounted(content, self._file)))
        seconds = time.perf_counter() - started
        if wrong:
            self._record("read", wrong, lines, lambda some: accounted(b"\n".join(some), self._file))
        for where, law in LAWS.items() if number % PROVED == 0 else ():
            job = partial(law, file=self._file)
            if wrong := failure(partial(job, lines)):
                self._record(where, wrong, lines, job)
        if number % AUDITED == 0 and (wrong := failure(lambda: self._audit(lines))):
            self._record("audit", wrong, lines, self._audit)
        for line in lines[::ALONE]:
            if wrong := failure(lambda line=line: accounted_alone(line, self._file)):
                self._record("alone", wrong, [line], lambda some: accounted_alone(some[0], self._file))
        if seconds / len(lines) > self.slowest[0] / 4:
            self._find_slowest(lines)

    def _add(self, count: Count) -> None:
        self.total = Count(*(a + b for a, b in zip(self.total, count, strict=True)))

    def _audit(self, lines: Sequence[bytes]) -> None:
        self._file.write_bytes(b"\n".join(lines))
        try:
            audit([str(self._file)], workspace=self._folder / "workspace")
        except LLMCostError as error:
            if "no call found" not in str(error):
                raise

    def _find_slowest(self, lines: list[bytes]) -> None:
        for line in lines:
            self._file.write_bytes(line)
            seconds = timed(lambda: logs.read([str(self._file)], call_site=lambda call: None))
            if seconds > self.slowest[0]:
                self.slowest = (seconds, line)

    def _record(self, where: str, wrong: str, lines: Sequence[bytes], job: Callable[[Sequence[bytes]], object]) -> None:
        kind = f"{where}: {wrong[:110]}"
        self.failures[kind] += 1
        if self.failures[kind] == 1:
            least = smallest(lines, lambda some: failure(lambda: job(some)) is not None)
            self._keep.mkdir(parents=True, exist_ok=True)
            kept = self._keep / f"{where}-{len(self.failures)}.jsonl"
            kept.write_bytes(b"\n".join(least))
            print(f"FAILED {kind}\n  {len(least)} line(s) in {kept}: {b' '.join(least)[:300]!r}", flush=True)

    def giant(self, name: str, line: bytes) -> None:
        """Reads a line of 100 MB between two small ones."""
        small = b'{"model":"gpt-4o","prompt":"hi","response":"ho"}'
        content = b"\n".join((small, line, small))
        started = time.perf_counter()
        wrong = failure(lambda: self._add(accounted(content, self._file)))
        print(f"100 MB line, {name}: {time.perf_counter() - started:.1f} s {wrong or ''}", flush=True)
        if wrong:
            self.failures[f"giant {name}: {wrong}"] += 1


def command_line(file: Path, folder: Path) -> str | None:
    """What is wrong with how the command line takes the file; None for nothing."""
    environment = dict(os.environ, LLMCOST_WORKSPACE=str(folder / "cli"))
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "llmcost", "audit", str(file), "--format", "json"], cwd=folder,
                          env=environment, capture_output=True, check=False, timeout=3_600)  # fmt: skip
    print(f"command line: {file.stat().st_size / 1e6:,.0f} MB in {time.perf_counter() - started:.1f} s, "
          f"exit code {done.returncode}")  # fmt: skip
    if done.returncode not in (0, 3) or b"Traceback" in done.stderr:
        return f"command line: exit code {done.returncode}, {done.stderr[-400:].decode(errors='replace')}"
    return None


def _out_of_time(*_: object) -> None:
    raise Hang(f"longer than {HANG_S} s")


def main() -> None:
    """Runs it all and says what failed; exit code 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, default=ROOT.parent / "shared" / "data" / "log_samples")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "llmcost-fuzz")
    parser.add_argument("--no-giants", action="store_true", help="leave out the lines of 100 MB")
    parser.add_argument("--no-cli", action="store_true", help="leave out the run of the command line")
    asked = parser.parse_args()
    signal.signal(signal.SIGALRM, _out_of_time)
    shapes = corpus(asked.samples)
    everything = [line for lines in shapes.values() for line in lines]
    names = sorted(shapes)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder, choose = Path(scratch), random.Random(asked.seed)
        fuzz, gathered = Fuzz(folder, asked.keep), folder / "all.jsonl"
        with gathered.open("wb") as out:
            for number in range(-(-asked.lines // BATCH)):
                name = names[number % len(names)]
                mutator = Mutator(choose.randrange(2**32), shapes[name], everything)
                lines = [line for line in mutator.lines(BATCH) if len(line) < LINE_LIMIT]
                fuzz.batch(number, lines)
                if number % 40 == 39:
                    print(f"{fuzz.total.lines:,} lines in {time.perf_counter() - started:.0f} s", file=sys.stderr)
                out.write(b"\n".join(lines) + b"\n")
        for name, line in () if asked.no_giants else giants():
            fuzz.giant(name, line)
        if not asked.no_cli and (wrong := command_line(gathered, folder)):
            fuzz.failures[wrong] += 1
    report(fuzz, time.perf_counter() - started)


def report(fuzz: Fuzz, seconds: float) -> None:
    """Says what became of the lines."""
    print(f"{fuzz.total.lines:,} lines in {seconds:,.0f} s: {fuzz.total}")
    print(f"slowest line: {1000 * fuzz.slowest[0]:,.0f} ms, {len(fuzz.slowest[1]):,} bytes: {fuzz.slowest[1][:120]!r}")
    for kind, count in fuzz.failures.most_common():
        print(f"{count:6,} × {kind}")
    sys.exit(1 if fuzz.failures else 0)


if __name__ == "__main__":
    main()
