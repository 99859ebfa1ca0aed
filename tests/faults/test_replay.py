"""Whole replays at an endpoint that fails: what passes changes nothing, what lasts is left out, what is own counts."""

from __future__ import annotations

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support import faults, shop
from support.faults import completion
from support.loopback import Body, Loopback, Reply, error, prompt

from llmcost.endpoint import client

TICKETS = range(0, 400, 2)
MODEL, OTHER = "gpt-4.1-nano", "gpt-4o-mini"
BROKEN = frozenset(random.Random(1).sample(TICKETS, len(TICKETS) // 50))  # what the endpoint fails at, for one model
WRONG = 64  # every so many tickets the candidate is wrong about
CONFIG = """
[replay]
strategies = ["map"]
retries = 3
margin = 0.08
aa = 30
"""
MIXED = (
    error(429, "slow down", retry_after="0.01"),
    error(500),
    Reply(status=502, raw=faults.PAGE),
    Reply(drop="before"),
    Reply(drop="middle"),
    Reply(raw=b'{"choices": []}'),
    Reply(raw=b'{"error": {"code": 502, "message": "upstream died"}}'),
    Reply(raw=b"not gzip", headers={"content-encoding": "gzip"}),
)


def ticket(body: Body) -> int:
    return int(re.findall(r"Ticket (\d+)", prompt(body))[0])


def answer(body: Body) -> Reply:
    """The label; the candidate's is wrong on some tickets."""
    said = shop.answer(body)
    wrong = body["model"] == MODEL and ticket(body) % (2 * WRONG) == 0
    return Reply(text="label-none" if wrong else said.text, headers=said.headers)


class Flaky:
    """An endpoint that fails at the first asking of one question in twenty, each time in another way."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: Body) -> Reply:
        key = json.dumps(body, sort_keys=True)
        with self._lock:
            self.seen[key] += 1
        number = ticket(body) // 2
        return MIXED[number // 20 % len(MIXED)] if number % 20 == 7 and self.seen[key] == 1 else answer(body)


def broken(body: Body) -> bool:
    return body["model"] == MODEL and ticket(body) in BROKEN


def failing(body: Body) -> Reply:
    return error(500, "internal") if broken(body) else answer(body)


def refusing(body: Body) -> Reply:
    return Reply(text=None, refusal="no") if broken(body) else answer(body)


def falling_back(body: Body) -> Reply:
    said = completion("label-none", model=OTHER)
    return Reply(raw=json.dumps(said).encode()) if broken(body) else answer(body)


def somebody_else(body: Body) -> Reply:
    if body["model"] != MODEL:
        return answer(body)
    return Reply(raw=json.dumps(completion(answer(body).text, model=OTHER)).encode())


@dataclass
class Replays:
    """Replays of one log at one address, each with its own workspace."""

    folder: Path
    server: Loopback

    def __call__(self, name: str, answerer: Any) -> CompletedProcess[str]:
        self.server.answer = answerer
        self.server.requests.clear()
        arguments = ("log.jsonl", "--models", MODEL, "--base-url", self.server.base_url, "--yes", "--format", "json")
        return shop.run_here("replay", *arguments, cwd=self.folder, env={"LLMCOST_WORKSPACE": str(self.folder / name)})


def candidate(outcome: CompletedProcess[str]) -> dict[str, Any]:
    assert outcome.returncode == 0, outcome.stderr
    [task] = json.loads(outcome.stdout)["tasks"]
    [found] = task["candidates"]
    return dict(found)


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replays]:
    folder = tmp_path_factory.mktemp("replays")
    records = [shop.record(number) for number in TICKETS]
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    (folder / "llmcost.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch, Loopback(answer) as server:
        patch.setattr(client, "LONGEST_BACKOFF_S", 0.01)
        yield Replays(folder, server)


@pytest.fixture(scope="module")
def whole(replays: Replays) -> CompletedProcess[str]:
    """The replay of an endpoint without a fault."""
    return replays("whole", answer)


def asked(replays: Replays) -> set[int]:
    """The tickets that the candidate was asked about."""
    return {ticket(request.body) for request in replays.server.requests if request.model == MODEL}


def outcomes(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["wins"], found["ties"], found["losses"]


def test_faults_that_pass_leave_no_trace_in_the_report(replays: Replays, whole: CompletedProcess[str]) -> None:
    flaky = Flaky()
    outcome = replays("flaky", flaky)
    assert sum(count > 1 for count in flaky.seen.values()) >= len(MIXED)
    assert max(flaky.seen.values()) == 2
    assert outcome.stdout == whole.stdout
    assert candidate(whole)["verdict"] == "SWITCH"


def test_what_nobody_can_be_asked_is_left_out_and_reported_and_the_rest_decides(replays: Replays) -> None:
    outcome = replays("failing", failing)
    found, tickets = candidate(outcome), asked(replays)
    lost = {number for number in tickets if number in BROKEN}
    wrong = {number for number in tickets - lost if number % (2 * WRONG) == 0}
    assert lost and wrong
    assert (found["unreachable"], found["n"]) == (len(lost), len(tickets - lost))
    assert outcomes(found) == (0, len(tickets - lost - wrong), len(wrong))
    assert (found["verdict"], found["failures"]) == ("SWITCH", 0)
    assert f"{len(lost)} requests got no answer from the endpoint: in no figure above" in shown(replays, "failing")


def test_refusals_of_the_same_prompts_are_its_own(replays: Replays) -> None:
    found, tickets = candidate(replays("refusing", refusing)), asked(replays)
    refused = {number for number in tickets if number in BROKEN}
    wrong = {number for number in tickets - refused if number % (2 * WRONG) == 0}
    assert (found["unreachable"], found["n"], found["failures"]) == (0, len(tickets), len(refused))
    assert outcomes(found) == (0, len(tickets - refused - wrong), len(refused | wrong))


def test_what_another_model_answers_is_paid_and_kept_but_nobodys(replays: Replays) -> None:
    """Each of these answers is wrong: as the candidate's own they would be losses."""
    found, tickets = candidate(replays("falling-back", falling_back)), asked(replays)
    others = {number for number in tickets if number in BROKEN}
    wrong = {number for number in tickets - others if number % (2 * WRONG) == 0}
    assert found["substitutes"] == {OTHER: len(others)}
    assert (found["unreachable"], found["n"]) == (0, len(tickets - others))
    assert outcomes(found) == (0, len(tickets - others - wrong), len(wrong))
    told = f"{len(others)} requests to {MODEL} were answered by another model ({OTHER}): in no figure above"
    assert told in shown(replays, "falling-back")
    replays("falling-back", falling_back)
    assert not replays.server.requests, "they are paid once"


def test_a_candidate_that_another_model_answers_for_is_not_judged(replays: Replays) -> None:
    outcome = replays("somebody-else", somebody_else)
    found, tickets = candidate(outcome), asked(replays)
    assert found["verdict"] == "CANNOT_JUDGE"
    told = f"{len(tickets)} of {len(tickets)} prompts were answered by another model ({OTHER}): switch the fallback off"
    assert found["reason"] == told
    assert (found["n"], found["wins"], found["losses"]) == (0, 0, 0)


def shown(replays: Replays, name: str) -> str:
    """The report of a replay as a terminal shows it, its lines in one."""
    place = {"LLMCOST_WORKSPACE": str(replays.folder / name), "COLUMNS": "120"}
    outcome = shop.run_here("report", cwd=replays.folder, env=place)
    assert outcome.returncode == 0, outcome.stderr
    return " ".join(outcome.stdout.split())
