"""No telemetry, no check for updates: every command of the command line, and whom it tries to talk to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import silence
from support.silence import Ran

from llmcost.cli import app

PACKAGE = Path(__file__).parents[2] / "llmcost"
TALKS = {"audit --name-with", "replay", "monitor", "prices update", "demo"}
NOT_FINE = {"prices update": 4, "demo": 4}  # there is no network, and the demo's endpoint has not recorded the shop


OPENS = re.compile(
    r"(?m)^\s*(import|from) (socket|ssl|httpx|aiohttp|urllib\.request|http\.client|requests|ftplib|smtplib)\b"
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    found, cut_off = silence.run(tmp_path_factory.mktemp("silence"))
    print("without a network" if cut_off else "heard only: this machine has no unshare")
    return found


def test_every_command_is_listed() -> None:
    """A new command has to say here whom it talks to."""
    assert {str(command.name) for command in app.registered_commands} == silence.COMMAND_NAMES


def test_what_needs_no_network_tries_none(ran: list[Ran]) -> None:
    silent = [each for each in ran if each.name not in TALKS]
    assert len({each.name for each in silent}) >= 17
    for each in silent:
        assert each.code == 0, (each.line, each.said)
        assert each.attempts == [], each.line


def test_what_needs_one_talks_to_this_machine_where_that_is_named(ran: list[Ran]) -> None:
    for each in ran:
        if each.name in TALKS - {"prices update"}:
            assert each.code == NOT_FINE.get(each.name, 0), (each.line, each.said)
            started = [attempt for attempt in each.attempts if attempt.startswith("subprocess.Popen")]
            assert len(started) == (each.name == "demo")
            talked = set(each.attempts) - set(started)
            assert "socket.connect 127.0.0.1" in talked
            assert all(attempt.split()[1] in silence.THIS_MACHINE for attempt in talked)


def test_new_prices_are_asked_of_one_host(ran: list[Ran]) -> None:
    [update] = [each for each in ran if each.name == "prices update"]
    assert update.code == 4 and "cannot download" in update.said
    assert update.attempts == ["socket.getaddrinfo raw.githubusercontent.com"]


def test_the_ear_hears(ran: list[Ran]) -> None:
    """A command that talked would be seen: those that do were."""
    assert {each.name for each in ran if each.attempts} == TALKS


def test_a_dry_run_needs_no_key_and_says_where_it_would_go(ran: list[Ran]) -> None:
    for name in ("replay --dry-run", "monitor --dry-run"):
        [dry] = [each for each in ran if each.name == name]
        assert dry.code == 0 and "api.openai.com" in dry.line


def test_only_one_room_can_talk() -> None:
    """What opens connections stands in `endpoint`, the readers of stores, the cluster and the cache of the runtime."""
    files = [file for file in PACKAGE.rglob("*.py") if OPENS.search(file.read_text("utf-8"))]
    rooms = {file.relative_to(PACKAGE).parts[0] for file in files}
    assert rooms <= {"endpoint", "demo"}
    assert {file.name for file in files if file.parent.name == "demo"} <= {"server.py", "process.py"}
