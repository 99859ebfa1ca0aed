"""A replay of a log with planted personal data: none of it leaves or stays, and verdicts are those of real texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import shop
from support.loopback import Body, Loopback, Reply, prompt

from llmcost.grading.judge import read_prompt, verdict_text

CALLS = 120
PLANTED = re.compile(r"[a-z]+\d+@customers\.example")


def mail(number: int) -> str:
    return f"customer{number}@customers.example"


def record(number: int) -> dict[str, Any]:
    """Half of the calls have to name the address of a ticket, the others answer it."""
    said = shop.record(number)
    said["request"]["messages"][1]["content"] += f" Customer: {mail(number)}"
    if "expected" in said["metadata"]:
        said["request"]["messages"][0]["content"] = "You name the address of the customer."
        said["metadata"]["expected"] = mail(number)
        said["response"]["choices"][0]["message"]["content"] = mail(number)
    else:
        said["response"]["choices"][0]["message"]["content"] = f"Sorry! We write to {mail(number)}."
    return said


def answer(body: Body) -> Reply:
    """A model that reads what it is given, and a judge that looks for the address in the answers."""
    judged = read_prompt(body)
    if judged is not None:
        wanted = re.findall(r"Customer: (\S+)", judged.question)[-1]
        good = re.compile(rf"Sorry! We (will )?write to {re.escape(wanted)}\.")
        first, second = (good.fullmatch(said.strip()) is not None for said in (judged.first, judged.second))
        return Reply(text=verdict_text("tie" if first == second else "A" if first else "B", "address"))
    address = re.findall(r"Customer: (\S+)", prompt(body))[-1]
    named = "name the address" in str(body["messages"][0]["content"])
    return Reply(text=address if named else f"Sorry! We will write to {address}.")


def replay(folder: Path, *flags: str) -> tuple[dict[str, Any], list[Body], str]:
    """The report, what the endpoint was sent, and what was said before."""
    folder.mkdir()
    log = "".join(json.dumps(record(number)) + "\n" for number in range(CALLS))
    (folder / "log.jsonl").write_text(log, encoding="utf-8")
    shop.write_config(folder / "llmcost.toml")
    with Loopback(answer) as server:
        outcome = shop.run_here(
            "replay", "log.jsonl", "--models", "tiny", "--grader", "judge", "--base-url", server.base_url, "--yes",
            "--margin", "20%", "--format", "json", *flags, cwd=folder,
        )  # fmt: skip
        assert outcome.returncode == 0, outcome.stderr
        return json.loads(outcome.stdout), [request.body for request in server.requests], outcome.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], list[Body], str, Path]]:
    base = tmp_path_factory.mktemp("redacted")
    return {
        flag: (*replay(base / flag.strip("-"), flag), base / flag.strip("-")) for flag in ("--redact", "--no-redact")
    }


def test_nothing_planted_leaves(runs: dict[str, Any]) -> None:
    sent = json.dumps(runs["--redact"][1])
    assert PLANTED.search(sent) is None and "<EMAIL_1>" in sent
    assert PLANTED.search(json.dumps(runs["--no-redact"][1])) is not None


def test_nothing_planted_stays_in_the_workspace(runs: dict[str, Any]) -> None:
    for _, _, _, folder in runs.values():
        kept = b"".join(file.read_bytes() for file in (folder / ".llmcost").rglob("*") if file.is_file())
        assert re.search(PLANTED.pattern.encode(), kept) is None


def verdicts(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (task["task"], *(found[key] for key in ("model", "verdict", "n", "wins", "ties", "losses", "difference")))
        for task in report["tasks"]
        for found in task["candidates"]
    ]


def test_verdicts_are_those_of_the_texts_as_they_were_logged(runs: dict[str, Any]) -> None:
    hidden, plain = (verdicts(runs[flag][0]) for flag in ("--redact", "--no-redact"))
    assert hidden == plain
    assert {task for task, *_ in hidden} == {"chat", "label"} and all(ties > 0 for *_, ties, _, _ in hidden)


def test_it_is_said_before_anything_is_sent(runs: dict[str, Any]) -> None:
    said = runs["--redact"][2]
    assert f"Redaction on: {CALLS} e-mail addresses become placeholders in {CALLS} of {CALLS} prompts" in " ".join(
        said.split()
    )
    assert runs["--redact"][0]["redaction"]["found"] == {"EMAIL": CALLS}


def test_to_send_them_as_they_are_is_said_loudly(runs: dict[str, Any], tmp_path: Path) -> None:
    folder = runs["--no-redact"][3]
    outcome = shop.run_here(
        "replay", "log.jsonl", "--models", "tiny", "--base-url", "https://models.example/v1", "--no-redact",
        "--dry-run", cwd=folder,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    assert f"NOT REDACTED (--no-redact): {CALLS} e-mail addresses leave as they were logged" in " ".join(
        outcome.stdout.split()
    )


def test_elsewhere_it_is_on_by_itself(runs: dict[str, Any]) -> None:
    folder = runs["--redact"][3]
    outcome = shop.run_here(
        "replay", "log.jsonl", "--models", "tiny", "--base-url", "https://models.example/v1", "--dry-run",
        "--format", "json", cwd=folder,
    )  # fmt: skip
    redaction = json.loads(outcome.stdout)["redaction"]
    assert redaction == {
        "on": True, "hosts": ["models.example"], "found": {"EMAIL": CALLS}, "prompts": CALLS, "sampled": CALLS,
        "unseen": 0,
    }  # fmt: skip


def test_what_is_shown_holds_placeholders_unless_asked_otherwise(runs: dict[str, Any]) -> None:
    folder = runs["--no-redact"][3]
    shown, plain = (
        shop.run_here("report", "--show-text", "--examples", "5", "--format", "json", *flags, cwd=folder).stdout
        for flags in ((), ("--no-redact",))
    )
    assert PLANTED.search(shown) is None
    for name, flags in (("hidden", ()), ("plain", ("--no-redact",))):
        outcome = shop.run_here("label", "--export", name, "--all", "--count", "10", *flags, cwd=folder)
        assert outcome.returncode == 0, outcome.stderr
    pages = {name: (folder / name / "labels.html").read_text(encoding="utf-8") for name in ("hidden", "plain")}
    assert PLANTED.search(pages["hidden"]) is None and "EMAIL_1" in pages["hidden"]
    assert PLANTED.search(pages["plain"]) is not None
    assert "EMAIL_1" not in pages["plain"] and "EMAIL_1" not in plain


def test_exported_prompts_hold_placeholders_unless_asked_otherwise(runs: dict[str, Any]) -> None:
    folder = runs["--no-redact"][3]
    hidden, plain = (
        shop.run_here("export", "--to", "promptfoo", "--show-text", *flags, cwd=folder).stdout
        for flags in ((), ("--no-redact",))
    )
    assert PLANTED.search(hidden) is None and "EMAIL_1" in hidden
    assert PLANTED.search(plain) is not None and "EMAIL_1" not in plain


def test_a_report_says_what_left_as_placeholders(runs: dict[str, Any]) -> None:
    for flag, said in (("--redact", "left as placeholders"), ("--no-redact", None)):
        page = shop.run_here("report", "--format", "html", cwd=runs[flag][3]).stdout
        assert (f"{CALLS} e-mail addresses" in page and "left as placeholders" in page) is (said is not None)
