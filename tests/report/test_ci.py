"""What continuous integration reads of a check: files that a human has read, limits kept, log text that stays text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import msgspec
import pytest
from report.test_screens import golden
from support import checks

from llmcost.gate import CheckResult
from llmcost.report import check_document, ci, renderers, to_json

replace = msgspec.structs.replace
RENDERED = {
    "json": to_json,
    "xml": ci.junit,
    "github": lambda result: "\n".join(ci.workflow_commands(result)) + "\n\n" + ci.outputs(result),
    "comment.md": ci.comment,
}


@pytest.mark.parametrize("name", checks.CHECKS)
@pytest.mark.parametrize("suffix", RENDERED)
def test_every_check_in_every_format(name: str, suffix: str) -> None:
    golden(f"check-{name}.{suffix}", RENDERED[suffix](checks.CHECKS[name]()))


def many(rules: int) -> CheckResult:
    result = checks.CHECKS["total"]()
    failed = [replace(result.rules[0], task=f"task {n}", said="dear " * 40) for n in range(rules)]
    return replace(result, rules=failed, tasks=result.tasks * (rules // 3 + 1))


@pytest.mark.parametrize(("rules", "shown"), [(10, 10), (11, 10), (400, 10)])
def test_no_more_annotations_than_are_taken(rules: int, shown: int) -> None:
    commands = list(ci.workflow_commands(many(rules)))
    assert len(commands) == shown
    assert ("and 391 more" in commands[-1]) is (rules == 400)


def test_a_crowd_of_tasks_does_not_push_the_verdict_off_the_screen() -> None:
    """A screen shows the first of what changed and of what is said, and how many more there are."""
    result = checks.CHECKS["warned"]()
    tasks = [replace(result.tasks[-1], task=f"new {n}") for n in range(200)]
    warned = [replace(result.rules[0], task=task.task) for task in tasks]
    document = check_document(replace(result, tasks=[*result.tasks, *tasks], rules=warned))
    screen, page = (renderers()[name](document, width=80) for name in ("table", "markdown"))
    assert "181 other tasks changed" in screen and "3 other tasks unchanged" in screen and "and 190 more" in screen
    assert len(screen.splitlines()) < 60
    assert all(f"| new {n} |" in page for n in range(200))


@pytest.mark.parametrize("said", ["dear " * 40, "¾|" * 900, "\n" * 900])
def test_a_comment_is_no_longer_than_is_taken_and_still_says_what_matters(said: str) -> None:
    """However many limits fail, and however long what is said of them."""
    result = many(600)
    long = ci.comment(replace(result, reasons=[said for _ in result.rules]))
    assert len(long) <= 65_536
    assert long.startswith(ci.COMMENT_MARK)
    assert "FAIL" in long and "The details are left out" in long and "and 589 more" in long
    assert "all, same mix" in long and long.endswith("prices of 2026-11-20 (0123456789ab)</sub>\n")


def test_a_summary_holds_more_than_a_comment() -> None:
    """1 MiB in bytes, of which a comment of GitHub may have 65,536 characters."""
    some, all_of_it = ci.summary(many(600)), ci.summary(many(6_000))
    assert len(some) > 65_536 and "Every task" in some and "left out" not in some
    assert len(all_of_it.encode()) <= 1024 * 1024 and "left out" in all_of_it


def test_log_text_starts_no_command() -> None:
    """Neither among the annotations nor in any line that is printed: GitHub reads every line of the output.

    It takes "::name" at the start of a line, and "##[name]" wherever it stands.
    """
    result = checks.CHECKS["hostile"]()
    command = re.compile(r"^\s*::|##\[")
    for line in ci.workflow_commands(result):
        assert "\n" not in line
        assert re.fullmatch(r"::(error|warning) title=[^:,\n]*::.*", line)
    for width in range(40, 121):
        for line in renderers()["table"](check_document(result), width=width).splitlines():
            assert not command.search(line)
    for text in (to_json(result), renderers()["csv"](check_document(result)), ci.comment(result), ci.junit(result)):
        assert not [line for line in text.splitlines() if command.search(line)]
    assert msgspec.json.decode(to_json(result), type=CheckResult) == result


def test_no_value_ends_its_own_output() -> None:
    result = checks.CHECKS["total"]()
    forged = replace(result, reasons=["a\nllmcost-0\npassed=true"])
    values = dict(re.findall(r"(?m)^(\w+)<<(\S+)\n(?:.*)\n\2$", ci.outputs(forged)))
    assert list(values) == ["passed", "changed", "change", "past_cost_per_call_usd", "cost_per_call_usd", "delta_usd",
                            "failed", "headline"]  # fmt: skip
    assert "passed<<" in ci.outputs(forged) and "\nfalse\n" in ci.outputs(forged)


def test_junit_is_xml_whatever_the_log_says_and_counts_right() -> None:
    for make in checks.CHECKS.values():
        root = ElementTree.fromstring(ci.junit(make()))
        cases, failures = root.findall("./testsuite/testcase"), root.findall("./testsuite/testcase/failure")
        assert (int(root.get("tests", "")), int(root.get("failures", ""))) == (len(cases), len(failures))
        assert len(cases) == len(make().rules)
        assert (len(failures) == 0) is make().passed
