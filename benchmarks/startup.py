"""CPU seconds of `llmcost --help` and of what an audit imports, beside a bare interpreter in the same run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 7
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "llmcost --help": [sys.executable, "-m", "llmcost", "--help"],
    "llmcost audit --help": [sys.executable, "-m", "llmcost", "audit", "--help"],
    "import llmcost.api": [sys.executable, "-c", "import llmcost.api"],
    "import pandas": [sys.executable, "-c", "import pandas"],
}


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run of the command."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main() -> None:
    """The median of each command and its ratio to the bare interpreter."""
    rounds = [{name: cpu_seconds(command) for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(round_[name] for round_ in rounds) for name in COMMANDS}
    bare = medians["python -c pass"]
    for name, seconds in medians.items():
        print(f"{name:24} {1000 * seconds:7.0f} ms CPU  {seconds / bare:5.1f} × bare Python")


if __name__ == "__main__":
    main()
