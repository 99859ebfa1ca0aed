"""llmcost baseline and check on the sample month: unchanged, one task on a dearer model, another mix of tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import results, shop

import llmcost.api
from llmcost.demo import files, traffic
from llmcost.errors import ConfigError, InputError
from llmcost.gate import CheckResult

DEAR = "gpt-4-turbo"
replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def month() -> list[traffic.Record]:
    return traffic.traffic()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, month: Sequence[traffic.Record]) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    files.write_nested(month, folder / "october.jsonl")
    made = shop.run_here("baseline", "october.jsonl", "-o", "baseline.json", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


def check(folder: Path, records: Sequence[traffic.Record], name: str, *more: str) -> tuple[int, str]:
    files.write_nested(records, folder / f"{name}.jsonl")
    outcome = shop.run_here(
        "check", f"{name}.jsonl", "--baseline", "baseline.json", "--max-increase", "5%", *more, cwd=folder
    )
    return outcome.returncode, outcome.stdout


def test_unchanged_traffic_passes(folder: Path, month: Sequence[traffic.Record]) -> None:
    code, said = check(folder, month, "unchanged", "--format", "json")
    assert code == 0
    result = json.loads(said)
    assert result["schema"] == "llmcost.check/1"
    assert result["passed"] and result["reasons"] == []
    assert result["diff"]["change"] == 0


def test_a_task_on_a_dearer_model_fails_and_is_named(folder: Path, month: Sequence[traffic.Record]) -> None:
    dearer = traffic.variant(month, "classify", DEAR)
    code, said = check(folder, dearer, "dearer", "--format", "json", "--markdown", str(folder / "comment.md"))
    assert code == 1
    result = json.loads(said)
    assert not result["passed"]
    assert [task["task"] for task in result["tasks"] if task["regressed"]] == ["classify"]
    assert any("classify" in reason for reason in result["reasons"])
    comment = (folder / "comment.md").read_text()
    assert "FAIL" in comment and "classify" in comment and DEAR in comment


def test_another_mix_of_tasks_alone_passes(folder: Path, month: Sequence[traffic.Record]) -> None:
    remixed = traffic.remix(month, {"summarize": 3.0, "classify": 0.5})
    before = sum(1 for record in month)
    assert len(remixed) != before
    code, said = check(folder, remixed, "remixed", "--format", "json")
    result = json.loads(said)
    assert code == 0, result["reasons"]
    assert abs(result["diff"]["change"]) < 0.05


def test_the_baseline_holds_no_text_of_the_log(folder: Path, month: Sequence[traffic.Record]) -> None:
    text = (folder / "baseline.json").read_text()
    assert json.loads(text)["schema"] == "llmcost.baseline/2"
    assert len(text) < 20_000
    assert "call site " in text and "larkfield" not in text, "its name is made of words of a system prompt"
    for record in month[:200]:
        for message in record.request["messages"]:
            assert str(message["content"])[:60] not in text


# Small logs, in this process

MARKER = "xyzzyplugh"


def record(case: int, tokens: int, *, task: str | None = None, model: str = "gpt-4o", system: str = "") -> str:
    asked = [{"role": "system", "content": system}] if system else []
    return json.dumps(
        {
            "request": {"model": model, "messages": [*asked, {"role": "user", "content": f"{MARKER} {case}"}],
                        "metadata": {"task": task, "case": f"c{case}"} if task else {"case": f"c{case}"},
                        "tools": [{"type": "function", "function": {"name": f"{MARKER}_tool"}}]},
            "response": {"model": model, "choices": [{"message": {"role": "assistant", "content": f"{MARKER} too"}}],
                         "usage": {"prompt_tokens": tokens, "completion_tokens": 20 + case % 7}},
        }
    )  # fmt: skip


def suite(path: Path, rise: float = 1.0, cases: range = range(60), **more: str) -> str:
    """Prompts of very different length, and how much longer they have become."""
    sizes = {case: 200 * (1 + case % 13) ** 2 for case in cases}
    path.write_text("\n".join(record(case, round(size * rise), **more) for case, size in sizes.items()), "utf-8")
    return str(path)


def held(folder: Path, log: str, before: str, **more: Any) -> CheckResult:
    return llmcost.api.check(log, baseline=folder / before, workspace=folder / "w", **more).result


def written(folder: Path, log: str, name: str, **more: Any) -> str:
    text = llmcost.api.baseline(log, workspace=folder / "w", **more)
    (folder / name).write_text(text)
    return text


@pytest.mark.parametrize("paired", [False, True])
def test_no_word_of_a_prompt_reaches_the_baseline(tmp_path: Path, paired: bool) -> None:
    log = suite(tmp_path / "log.jsonl", system=f"You rewrite {MARKER} letters for our customers.")
    text = written(tmp_path, log, "b.json", paired=paired)
    assert MARKER not in text and "rewrite" not in text
    assert held(tmp_path, log, "b.json", paired=paired).diff.change == 0.0


def test_a_site_is_found_again_and_shown_by_the_name_that_the_log_has(tmp_path: Path) -> None:
    log = suite(tmp_path / "log.jsonl", system="You rewrite letters for our customers.")
    written(tmp_path, log, "b.json")
    [task] = held(tmp_path, log, "b.json").tasks
    assert task.task.startswith("rewrite letters customers·")
    assert (task.past_calls, task.current_calls) == (60, 60)


def test_what_the_baseline_had_is_shown_without_a_word_of_it(tmp_path: Path) -> None:
    before = suite(tmp_path / "before.jsonl", system=f"You rewrite {MARKER} letters.")
    written(tmp_path, before, "b.json")
    after = suite(tmp_path / "after.jsonl", system="You answer questions.")
    found = msgspec.json.encode(held(tmp_path, after, "b.json")).decode()
    assert "call site " in found and MARKER not in found and "rewrite" not in found


@pytest.mark.parametrize("paired", [False, True])
def test_the_same_log_in_other_files_and_order_has_not_changed(tmp_path: Path, paired: bool) -> None:
    log = Path(suite(tmp_path / "log.jsonl", task="letters"))
    text = written(tmp_path, str(log), "b.json", paired=paired)
    lines = log.read_text().splitlines()
    (tmp_path / "parts").mkdir()
    for part in range(3):
        (tmp_path / "parts" / f"{part}.jsonl").write_text("\n".join(reversed(lines[part::3])))
    assert written(tmp_path, str(tmp_path / "parts"), "p.json", paired=paired) == text
    found = held(tmp_path, str(tmp_path / "parts"), "b.json", paired=paired)
    assert found.passed and not found.changed and not found.notes
    assert {rule.change for rule in found.rules if rule.unit == "usd"} == {0.0}
    assert {factor.usd for factor in found.decomposition} == {0.0}


def test_a_log_without_cases_is_no_suite(tmp_path: Path) -> None:
    (tmp_path / "counts.jsonl").write_text('{"model": "gpt-4o", "prompt_tokens": 9, "completion_tokens": 9}\n' * 20)
    with pytest.raises(InputError, match="tells which case"):
        written(tmp_path, str(tmp_path / "counts.jsonl"), "b.json", paired=True)
    with pytest.raises(ConfigError, match="no call carries the tag"):
        written(tmp_path, str(tmp_path / "counts.jsonl"), "b.json", pair_by="case")


def test_an_agent_that_takes_more_steps_for_a_case_is_dearer(tmp_path: Path) -> None:
    """Each step is as cheap as before, so that the cost per call says nothing."""

    def agent(path: Path, steps: int) -> str:
        lines = []
        for case in range(12):
            line = json.loads(record(case, 500, task="agent"))
            messages = line["request"]["messages"]
            for _ in range(steps):
                lines.append(json.dumps(line))
                line["request"]["messages"] = messages = [
                    *messages,
                    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function",
                     "function": {"name": f"{MARKER}_tool", "arguments": "{}"}}]},
                    {"role": "tool", "tool_call_id": "1", "content": "found nothing"},
                ]  # fmt: skip
        path.write_text("\n".join(lines))
        return str(path)

    written(tmp_path, agent(tmp_path / "two.jsonl", 2), "b.json", paired=True)
    assert held(tmp_path, agent(tmp_path / "again.jsonl", 2), "b.json", paired=True).diff.change == 0
    found = held(tmp_path, agent(tmp_path / "three.jsonl", 3), "b.json", paired=True)
    assert not found.passed and found.diff.change == pytest.approx(0.5)
    assert held(tmp_path, str(tmp_path / "three.jsonl"), "b.json").passed


@pytest.mark.parametrize("by", [None, "metadata.case"])
def test_a_suite_shows_a_rise_that_two_logs_cannot_and_survives_another_system_prompt(
    tmp_path: Path, by: str | None
) -> None:
    before = suite(tmp_path / "before.jsonl", system="You rewrite letters.")
    after = suite(tmp_path / "after.jsonl", 1.12, system="You rewrite letters. Be brief, and kind, always.")
    written(tmp_path, before, "b.json", paired=True, pair_by=by)
    found = held(tmp_path, after, "b.json", paired=True, pair_by=by)
    assert not found.passed and found.paired
    assert found.rules[0].lower_bound is not None and found.rules[0].lower_bound > 0.05
    assert found.reasons[0].startswith("cost per case +") and "over the same cases" in found.reasons[0]

    tagged = [suite(tmp_path / f"t{rise}.jsonl", rise, task="letters") for rise in (1.0, 1.12)]
    written(tmp_path, tagged[0], "t.json")
    apart = held(tmp_path, tagged[1], "t.json")
    assert apart.passed and apart.rules[0].outcome == "unsure"


def test_half_of_a_suite_must_be_found_again(tmp_path: Path) -> None:
    written(tmp_path, suite(tmp_path / "before.jsonl"), "b.json", paired=True)
    most = held(tmp_path, suite(tmp_path / "most.jsonl", cases=range(10, 70)), "b.json", paired=True)
    assert most.passed and any(rule.said == "50 cases before and after, 20 on one side alone" for rule in most.rules)
    few = held(tmp_path, suite(tmp_path / "few.jsonl", cases=range(50, 90)), "b.json", paired=True)
    assert not few.passed and "is it the same suite" in few.reasons[0]
    none = written(tmp_path, suite(tmp_path / "before.jsonl"), "n.json")
    assert '"cases": {}' in none
    assert "write it with --paired" in held(tmp_path, suite(tmp_path / "l.jsonl"), "n.json", paired=True).reasons[0]


LIMITS = [
    ("max_increase_usd = 0.0001", "cost_usd"),
    ("max_tokens_increase = 0.1", "tokens_per_call"),
    ('new_models = "fail"', "new_model"),
    ("tasks = {letters = 0.01}", "task_cost_per_call"),
]


@pytest.mark.parametrize(("line", "rule"), LIMITS)
def test_every_limit_of_the_configuration_is_held(tmp_path: Path, line: str, rule: str) -> None:
    """Longer by 30 %, and for some calls another model: nothing fails by the other limits if 50 % are allowed."""
    log = suite(tmp_path / "before.jsonl", task="letters", cases=range(900))
    written(tmp_path, log, "b.json")
    after = Path(suite(tmp_path / "after.jsonl", 1.3, task="letters", cases=range(900)))
    after.write_text(after.read_text().replace('"gpt-4o"', '"gpt-4o-2024-11-20"', 8))
    (tmp_path / "loose.toml").write_text("[gate]\nmax_increase = 0.5\n")
    (tmp_path / "held.toml").write_text(f"[gate]\nmax_increase = 0.5\n{line}\n")
    assert held(tmp_path, str(after), "b.json", config=tmp_path / "loose.toml").passed
    found = held(tmp_path, str(after), "b.json", config=tmp_path / "held.toml")
    assert [each.rule for each in found.rules if each.outcome == "failed"] == [rule]


@pytest.mark.parametrize(("verdict", "certified", "passes"), [("SWITCH", 0.018, True), ("INCONCLUSIVE", None, False)])
def test_a_model_that_answers_now_must_have_been_shown_to_be_good_enough(
    tmp_path: Path, verdict: Any, certified: float | None, passes: bool
) -> None:
    written(tmp_path, suite(tmp_path / "before.jsonl", task="letters"), "b.json")
    after = suite(tmp_path / "after.jsonl", task="letters", model="gpt-4o-mini")
    assert held(tmp_path, after, "b.json").passed
    report = results.replay()
    candidate = replace(report.tasks[0].candidates[0], model="gpt-4o-mini", verdict=verdict, certified_margin=certified)
    task = replace(report.tasks[0], task="letters", margin=0.02, candidates=[candidate])
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(replace(report, tasks=[task])))
    found = held(tmp_path, after, "b.json", run=str(tmp_path / "run.json"))
    assert found.passed is passes
    [rule] = [each for each in found.rules if each.rule == "quality"]
    assert ("loses at most 1.8 %" if passes else "does not show that it is not worse by more than 2 %") in rule.said
    with pytest.raises(InputError):
        held(tmp_path, after, "b.json", run=str(tmp_path / "none.json"))
