"""What comes of every fault of an endpoint: `python benchmarks/faults.py [--passing]` prints the tables as Markdown.

Every row is injected by a server on this machine and met as in a replay, with two retries. The same tables stand in
docs/reliability.md, and `tests/faults` holds them against what is stated. Exit code 1 if a row is not as stated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import fault_run
from support.faults import FAULTS


def main() -> int:
    """The tables, and how long they took."""
    parser = argparse.ArgumentParser(description="inject every fault and print what came of it")
    parser.add_argument("--passing", action="store_true", help="faults that are there once, before an answer")
    once = parser.parse_args().passing
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        lasting, passed = fault_run.tried(FAULTS, Path(folder))
    shown = [fault for fault in FAULTS if fault.title in passed] if once else list(FAULTS)
    print(fault_run.tables(shown, [passed[fault.title] for fault in shown] if once else lasting))
    wrong = [
        fault.title
        for fault, found in zip(FAULTS, lasting, strict=True)
        if (found.status, found.seen, found.attempts, found.money, found.verdict)
        != (fault.status, fault.seen, fault.attempts, fault.money, fault.verdict)
    ]
    statuses = Counter(outcome.status for outcome in lasting)
    told = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    print(f"\n{len(FAULTS)} faults in {time.perf_counter() - started:.1f} s: {told}; {len(passed)} tried passing, too")
    for title in wrong:
        print(f"NOT AS STATED: {title}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
