"""kill −9 at random, again and again, over one replay at an unsteady endpoint. `python benchmarks/kills.py`.

A replay of a log of `--calls` calls is killed `--kills` times at random moments: after some more requests, or while it
starts. Then it may finish, and what the server saw, what the store held after each kill, and the report are compared
with each other and with a replay that nobody killed. One request in twenty is refused, fails, hangs or is cut off.
`--walk` kills a small replay at its every n-th write instead, beginning with the first, and finishes it each time.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import shop  # noqa: E402
from support.killing import Copy, die_at_write, files  # noqa: E402
from support.loopback import Loopback, LoopbackProcess  # noqa: E402

from llmcost.endpoint import ChatRequest  # noqa: E402
from llmcost.recommend.result import ReplayReport  # noqa: E402
from llmcost.replay import open_store  # noqa: E402
from llmcost.workspace import Workspace  # noqa: E402

CONCURRENCY = 16
WHILE_STARTING = 0.1  # of the kills
STARTS_S = 2.0


def arguments(base_url: str) -> list[str]:
    return ["replay", "log.jsonl", "--models", "tiny,small", "--grader", "judge", "--base-url", base_url,
            "--concurrency", str(CONCURRENCY), "--strategies", "map", "--yes", "--format", "json"]  # fmt: skip


def prepared(folder: Path, calls: int) -> Path:
    folder.mkdir()
    shop.write_log(folder / "log.jsonl", calls)
    shop.write_config(folder / "llmcost.toml")
    return folder


def finished(folder: Path, base_url: str) -> str:
    """The report of a replay that nobody kills."""
    command = [sys.executable, "-m", "llmcost", *arguments(base_url)]
    done = subprocess.run(command, cwd=folder, env=shop.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the replay ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


@dataclass
class Kills:
    """What was in the store after each kill, and how many requests the server had seen by then."""

    stored: list[tuple[int, set[bytes]]] = field(default_factory=list)

    def kill(self, folder: Path, server: LoopbackProcess, dice: random.Random, most: int) -> bool:
        """Starts the replay and kills it: False if it was through before."""
        before = server.asked()
        process = shop.start(*arguments(server.base_url), cwd=folder)
        if dice.random() < WHILE_STARTING:
            time.sleep(dice.uniform(0, STARTS_S))
        else:
            until = before + dice.randint(1, most)
            while process.poll() is None and server.asked() < until:
                time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        through = process.wait() == 0
        self.stored.append((server.asked(), keys_in(folder)))
        return not through

    def asked_again(self, asked: list[bytes]) -> int:
        """Answers that were stored at a kill, and asked for after it."""
        return sum(len(set(asked[seen:]) & stored) for seen, stored in self.stored)

    def lost(self, at_the_end: set[bytes]) -> int:
        """Answers that were stored at a kill, and are not there at the end."""
        return len(set().union(*(stored for _, stored in self.stored)) - at_the_end)


def keys_in(folder: Path) -> set[bytes]:
    if not (folder / ".llmcost" / "answers.sqlite").exists():
        return set()
    with open_store(Workspace(folder / ".llmcost")) as store:
        return {row[0] for row in store._read("SELECT key FROM answers")}


def verdicts(report: str) -> list[tuple[str, str, str]]:
    found = msgspec.json.decode(report, type=ReplayReport)
    return [(task.task, option.model, option.verdict) for task in found.tasks for option in task.candidates]


def random_kills(folder: Path, calls: int, kills: int, seed: int) -> None:
    dice, began = random.Random(seed), time.monotonic()
    with LoopbackProcess("support.unsteady:answer") as server:
        whole = finished(prepared(folder / "whole", calls), server.base_url)
        first = server.asked()
        questions = len({ChatRequest(request.body).key("") for request in server.requests()})
        print(f"{questions:,} questions; uninterrupted in {time.monotonic() - began:.0f} s", flush=True)
        killed, work = Kills(), prepared(folder / "killed", calls)
        for number in range(kills):
            left = questions - len(killed.stored[-1][1] if killed.stored else ())
            if not killed.kill(work, server, dice, max(1, round(1.4 * left / (kills - number)))):
                print(f"it was through before kill {number + 1}")
                break
            if number % 10 == 9:
                print(f"{number + 1} kills, {len(killed.stored[-1][1]):,} answers stored", flush=True)
        report = finished(work, server.base_url)
        requests = server.requests()
    asked = [ChatRequest(request.body).key(server.base_url) for request in requests]
    paid = Counter(key for key, request in zip(asked[first:], requests[first:], strict=True) if request.delivered)
    twice = sum(times - 1 for times in paid.values())
    bound = CONCURRENCY * len(killed.stored)
    print(
        f"kills {len(killed.stored)} · requests seen by the server {len(requests) - first:,} · answered {len(paid):,}\n"
        f"answered calls lost: {killed.lost(keys_in(work))} · stored answers asked again: {killed.asked_again(asked)}\n"
        f"paid twice: {twice} (in flight at a kill: at most {CONCURRENCY} × {len(killed.stored)} = {bound})\n"
        f"verdicts {'identical' if verdicts(report) == verdicts(whole) else 'DIFFERENT'} to the uninterrupted run's;"
        f" report {'byte-identical' if report == whole else 'NOT byte-identical'}\n"
        f"temporary files left: {len(left_over(work, folder / 'whole'))} · {time.monotonic() - began:.0f} s"
    )


def left_over(killed: Path, whole: Path) -> set[str]:
    return {name for name in files(killed / ".llmcost") ^ files(whole / ".llmcost") if "index/" not in name}


def walk(folder: Path, calls: int, step: int) -> None:
    """Kills the whole command at write 1, 1 + step, 1 + 2 × step … and lets it finish each time."""
    with Loopback(shop.answer) as server:
        whole = walked(prepared(folder / "whole", calls), server, None)
        for number in count(1, step):
            before, place = server.count(), prepared(folder / f"w{number}", calls)
            through = walked(place, server, number)
            seen, stored = server.count(), keys_in(place)
            report = through or walked(place, server, None)
            again = {ChatRequest(r.body).key(server.base_url) for r in server.requests[seen:]} & stored
            asked = Counter(ChatRequest(r.body).key("") for r in server.requests[before:])
            twice = sum(times - 1 for times in asked.values())
            wrong = [what for what, is_wrong in {
                "another report": report != whole, "stored answers asked again": again,
                "more than was in flight asked twice": twice > CONCURRENCY,
                "files left": left_over(place, folder / "whole"),
            }.items() if is_wrong]  # fmt: skip
            if wrong or through:
                print(
                    f"write {number}: {', '.join(wrong) or 'the command was through: every kill before was recovered'}"
                )
            if through:
                return


def walked(folder: Path, server: Loopback, die_at: int | None) -> str:
    """The report; nothing if the command was killed."""
    before = (lambda: None) if die_at is None else (lambda: die_at_write(die_at))
    with Copy(*arguments(server.base_url), cwd=folder, before=before) as command:
        code = command.wait(300)
        if code not in (0, -signal.SIGKILL):
            sys.exit(f"the replay ended with {code}:\n{command.err}")
        return command.out if code == 0 else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description="kill −9 at random over one replay; prints what was lost and paid twice"
    )
    parser.add_argument("--calls", type=int, default=1270, help="of the log: 1270 make some 4,500 questions")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--walk", type=int, metavar="STEP", help="kill a small replay at every n-th write instead")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.walk:
            walk(Path(folder), min(chosen.calls, 24), chosen.walk)
        else:
            random_kills(Path(folder), chosen.calls, chosen.kills, chosen.seed)


if __name__ == "__main__":
    main()
