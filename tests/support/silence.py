"""Every command of the command line, one after the other in this process, and whom each one tried to talk to.

    python -m support.silence FOLDER        prints a JSON list of `Ran`

Started without a network where that can be had (`unshare -n`): then what is not seen here cannot get out either.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# What Python says before it connects, looks a name up, listens or starts another program.
WATCHED = {
    "socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.bind": 1, "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0, "socket.gethostbyaddr": 0, "socket.getnameinfo": 0, "subprocess.Popen": 1,
}  # fmt: skip
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass
class Ran:
    """One command, how it ended, and every attempt as "event address"."""

    name: str
    line: str
    code: int
    attempts: list[str]
    said: str


class Ear:
    """Hears of every attempt, and stops those that lead away from this machine."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.on = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in WATCHED:
            return
        where = arguments[WATCHED[event]]
        host = where[0] if isinstance(where, tuple | list) and where else where
        host = host.decode() if isinstance(host, bytes) else str(host)
        self.heard.append(f"{event} {Path(host).name if event == 'subprocess.Popen' else host}")
        if event != "subprocess.Popen" and host not in THIS_MACHINE:
            raise OSError("no network here")


def commands(base_url: str) -> list[tuple[str, str]]:
    """Name → line of every command, in an order in which each finds what it needs."""
    replay = f"replay log.jsonl --models tiny --grader judge --margin 20% --aa 0 --base-url {base_url}"
    return [
        ("--help", "--help"),
        ("--version", "--version"),
        ("init", "init log.jsonl -o made.toml"),
        ("audit", "audit log.jsonl"),
        ("audit", "audit log.jsonl --format html -o audit.html"),
        ("audit --name-with", f"audit log.jsonl --name-with tiny --base-url {base_url} --yes"),
        ("explain", "explain"),
        ("explain", "explain retired-models"),
        ("simulate", "simulate log.jsonl --cache 1h"),
        ("baseline", "baseline log.jsonl -o base.json"),
        ("check", "check log.jsonl --baseline base.json"),
        ("replay --dry-run", f"replay log.jsonl --models tiny --base-url {ELSEWHERE} --dry-run"),
        ("replay", f"{replay} --yes"),
        ("report", "report"),
        ("report", "report --show-text --format html -o report.html"),
        ("export", "export --to plan"),
        ("label", "label --export packet --count 5"),
        ("monitor --dry-run", f"monitor newer.jsonl --base-url {ELSEWHERE} --dry-run"),
        ("monitor", f"monitor newer.jsonl --base-url {base_url} --yes"),
        ("prices", "prices gpt-4o"),
        ("prices update", "prices update"),
        ("schema", "schema audit"),
        ("redact", "redact log.jsonl -o redacted.jsonl"),
        ("purge", "purge --dry-run"),
        ("demo", "demo --dir demo"),
    ]


ELSEWHERE = "https://api.openai.com/v1"
COMMAND_NAMES = {line.split()[0] for _, line in commands("")} - {"--help", "--version"}


def here(folder: Path) -> list[Ran]:
    """What came of every command, run in this folder."""
    from llmcost import cli, demo
    from support import shop
    from support.loopback import Loopback

    os.chdir(folder)
    write(folder)
    demo.write_logs = write_again  # type: ignore[assignment]  a small month
    ear, found = Ear(), []
    sys.addaudithook(ear)
    with Loopback(shop.answer) as server:
        for name, line in commands(server.base_url):
            out, err = io.StringIO(), io.StringIO()
            ear.heard, ear.on = [], True
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = cli.run(shlex.split(line))
            ear.on = False
            found.append(Ran(name, line, code, list(dict.fromkeys(ear.heard)), err.getvalue()))
    return found


def write(folder: Path) -> Path:
    """The shop's logs and its configuration."""
    from support import shop

    folder.mkdir(exist_ok=True)
    shop.write_config(folder / "llmcost.toml")
    records = [shop.record(number) for number in range(2_000, 2_040)]
    (folder / "newer.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return shop.write_log(folder / "log.jsonl", 200)


def write_again(folder: Path) -> Path:
    """The same for the demo, which names its candidates in its configuration."""
    log = write(folder)
    with (folder / "llmcost.toml").open("a", encoding="utf-8") as file:
        file.write('models = ["tiny"]\nretries = 0\nsample = 5\naa = 0\n')
    return log


def run(folder: Path) -> tuple[list[Ran], bool]:
    """The same in a process of its own; and whether it had no network at all."""
    from support import shop

    env = {name: value for name, value in shop.environment().items() if "proxy" not in name.lower()}
    env |= {"HOME": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "support.silence", str(folder)]
    cut_off = _unshare()
    done = subprocess.run([*cut_off, *command], env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Ran(**each) for each in json.loads(done.stdout)], bool(cut_off)


def _unshare() -> Sequence[str]:
    """The beginning of a command that runs without a network; empty where this machine does not do that."""
    prefix = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None:
        return ()
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()


def _loopback_up() -> None:
    """In a network of its own, the loopback device is down at first. No rights for that: it is up already."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running


if __name__ == "__main__":
    _loopback_up()
    print(json.dumps([asdict(each) for each in here(Path(sys.argv[1]))]))
