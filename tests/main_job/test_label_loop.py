"""People's word, all the way: replay, export, compare, import; and the same command again decides by their verdicts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Body, Loopback, Reply

from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text

TICKETS = 450
LABELS = 240
ENOUGH = 200  # for grade A


def luck(*parts: object) -> float:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=6).digest()) / 2.0**48


def padding(*parts: object) -> str:
    """Words between courtesy and number: neither side is the longer one as a rule."""
    return " We look into it." * int(4 * luck(*parts))


def worth(text: str, number: int) -> int:
    """2: the ticket's own number; 1: the next one, which is what models say when they are wrong; 0: anything else."""
    said = set(re.findall(r"\d+", text))
    return 2 if str(number) in said else int(str(number + 1) in said)


def ticket(text: str) -> int:
    return int(re.findall(r"Ticket (\d+)", text)[-1])


def honest(pair: JudgedPair) -> Winner:
    first, second = (worth(text, ticket(pair.question)) for text in (pair.first, pair.second))
    return "tie" if first == second else "A" if first > second else "B"


def fond(pair: JudgedPair) -> Winner:
    """Honest about errors; but of answers that are equally good it often prefers the candidate's tone."""
    said, fondly = honest(pair), [text.startswith("So sorry") for text in (pair.first, pair.second)]
    if said == "tie" and fondly[0] != fondly[1] and luck(pair.question, "fond") < 0.4:
        return "A" if fondly[0] else "B"
    return said


Judge = Callable[[JudgedPair], Winner]


class Shop:
    """A log of chat, a candidate that is wrong as often as a test says, and a judge; commands run in its folder."""

    def __init__(self, folder: Path, judge: Judge, wins: float, losses: float) -> None:
        self.folder, self.judge, self.wins, self.losses = folder, judge, wins, losses
        records = [shop.record(number) for number in range(1, 2 * TICKETS, 2)]
        for record in records:
            record["response"]["choices"][0]["message"]["content"] = self.logged(ticket(json.dumps(record)))
        (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        shop.write_config(folder / "llmcost.toml")

    def logged(self, number: int) -> str:
        return f"Sorry!{padding(number, 'logged')} {number + (luck(number) < self.wins)}"

    def answer(self, body: Body) -> Reply:
        pair = read_prompt(body)
        if pair is not None:
            return Reply(text=verdict_text(self.judge(pair), "so it seems"))
        number = ticket(str(body["messages"]))
        wrong = luck(number) >= 1 - self.losses
        said = (
            self.logged(number) if body["model"] == "gpt-4o" else f"So sorry about {number + wrong}! It is on its way."
        )
        return Reply(text=said)

    def replay(self, base_url: str, *arguments: str) -> dict[str, Any]:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--margin", "10%", "--aa", "40",
            "--base-url", base_url, "--yes", "--format", "json", *arguments, cwd=self.folder,
        )  # fmt: skip
        assert outcome.returncode == 0, outcome.stderr
        [task] = json.loads(outcome.stdout)["tasks"]
        assert isinstance(task, dict)
        return task

    def ask_people(self) -> int:
        """A packet out, filled in by who knows the truth, and back in; gives the number of labels."""
        export = shop.run_here("label", "--export", "packet", "--count", f"{LABELS}", cwd=self.folder)
        assert export.returncode == 0, export.stderr
        text = (self.folder / "packet" / "labels.csv").read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert ENOUGH <= len(rows) <= LABELS
        said = "".join(f"{row['item']},{person(row)}\r\n" for row in rows)
        (self.folder / "labels.csv").write_text(f"item,verdict\r\n{said}", newline="")
        back = shop.run_here("label", "--import", "labels.csv", cwd=self.folder)
        assert back.returncode == 0 and back.stdout.startswith(f"{len(rows)} labels"), back.stderr
        return len(rows)


def person(row: dict[str, str]) -> str:
    first, second = (worth(row[name], ticket(row["question"])) for name in ("answer_1", "answer_2"))
    return "tie" if first == second else "1" if first > second else "2"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[Judge, float, float], tuple[Shop, Loopback]]]:
    servers: list[Loopback] = []

    def start(judge: Judge, wins: float, losses: float) -> tuple[Shop, Loopback]:
        place = Shop(tmp_path, judge, wins, losses)
        servers.append(Loopback(place.answer).__enter__())
        return place, servers[-1]

    yield start
    for server in servers:
        server.__exit__()


Served = Callable[[Judge, float, float], tuple[Shop, Loopback]]


def test_people_who_agree_lift_the_judge_and_make_the_evidence_grade_a(served: Served) -> None:
    place, server = served(honest, 0.14, 0.08)
    before = place.replay(server.base_url, "--looks", "1")
    [candidate], [grader] = before["candidates"], before["controls"]["graders"]
    assert candidate["grade"] == "B" and grader["kappa_from"] == "planted errors" and grader["kappa_lower"] <= 0.5
    asked = server.count()
    labels = place.ask_people()
    after = place.replay(server.base_url, "--looks", "1")
    assert server.count() == asked  # every answer and every verdict is in the store
    [candidate], [grader] = after["candidates"], after["controls"]["graders"]
    assert grader["kappa_from"] == "human labels" and grader["kappa_lower"] > 0.8
    assert candidate["grade"] == "A" and candidate["human_labels"] == labels
    assert candidate["verdict"] == "SWITCH" and candidate["human_lower"] > -0.10
    outcome = shop.run_here("report", cwd=place.folder)
    assert "human labels" in " ".join(outcome.stdout.split())


def test_people_veto_a_judge_that_is_fond_of_the_candidate(served: Served) -> None:
    """18 points worse; the judge sees all of it, and more wins that nobody else sees."""
    place, server = served(fond, 0.0, 0.18)
    before = place.replay(server.base_url)
    [candidate] = before["candidates"]
    assert candidate["verdict"] == "SWITCH" and before["choice"]["model"] == "tiny"
    bodies = [json.dumps(request.body, sort_keys=True) for request in server.requests]
    labels = place.ask_people()
    after = place.replay(server.base_url)
    [candidate] = after["candidates"]
    assert candidate["verdict"] in ("KEEP", "INCONCLUSIVE") and after["choice"]["model"] == "gpt-4o"
    assert candidate["grade"] == "A" and candidate["human_labels"] == labels
    assert after["controls"]["graders"][0]["kappa_from"] == "human labels"
    more = [json.dumps(request.body, sort_keys=True) for request in server.requests[len(bodies) :]]
    assert not set(more) & set(bodies)  # it may go on to further prompts, but asks nothing twice
