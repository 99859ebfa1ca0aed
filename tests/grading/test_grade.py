"""Pairs to grades: failures, checks, what is plainly the same, the panel of judges, and what the statistics get."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from llmcost.answers import Answer, ToolCall
from llmcost.config import CheckSettings
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.grading import (
    CHECKS_ALONE,
    Grade,
    Judge,
    Pair,
    excluded,
    grade,
    grader,
    may_need_judge,
    to_outcomes,
)
from llmcost.grading.panel import VACUOUS

TIE, WIN, LOSS = 0.0, 1.0, -1.0
OPEN = Grade(None, "ungraded")

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["bug", "question"]}, "score": {"type": "number"}},
    "required": ["label"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
JSON_OBJECT = {"response_format": {"type": "json_object"}}
TOOLS = {"tools": [{"type": "function", "function": {"name": name}} for name in ("find", "book")]}


class Always:
    """A grader that gives every pair the same difference and remembers what it saw."""

    def __init__(self, name: str, difference: float) -> None:
        self.name = name
        self.difference = difference
        self.seen: list[Pair] = []

    async def grade(self, pairs: Sequence[Pair]) -> list[Grade]:
        self.seen.extend(pairs)
        return [Grade(self.difference, "judge") for _ in pairs]


def text(said: str | None, finish: str = "stop") -> Answer:
    return Answer(said, finish_reason=finish)


def call(name: str, arguments: str) -> Answer:
    return Answer(None, (ToolCall(name, arguments),), finish_reason="tool_calls")


def one(
    left: Answer | None,
    right: Answer | None,
    request: dict[str, Any] | None = None,
    expected: str | None = None,
    check: CheckSettings | None = None,
) -> Grade:
    graded = asyncio.run(grade([Pair(request or {}, left, right, expected)], check, []))
    return graded.by_judge[CHECKS_ALONE][0]


GOOD = text("Paris.")

USELESS = [
    (None, {}),
    (text(None), {}),
    (text(" \n"), {}),
    (Answer(refusal="I cannot help with that."), {}),
    (text("Par", "length"), {}),
    (text("Par", "MAX_TOKENS"), {}),
    (text("Par", "content_filter"), {}),
    (text("label: bug"), JSON_OBJECT),
    (text('```json\n{"label": "bug"}\n```'), JSON_OBJECT),
    (text('["bug"]'), JSON_OBJECT),
    (text('{"label": "feature"}'), JSON_SCHEMA),
    (text('{"label": "bug", "x": 1}'), JSON_SCHEMA),
    (call("hack", "{}"), TOOLS),
    (call("find", "{id: 1}"), TOOLS),
    (call("find", "[1]"), TOOLS),
]


@pytest.mark.parametrize(("bad", "request_"), USELESS)
def test_an_answer_that_failed_alone_is_a_loss(bad: Answer | None, request_: dict[str, Any]) -> None:
    good = call("find", '{"id": 1}') if request_ is TOOLS else text('{"label": "bug"}') if request_ else GOOD
    assert one(good, bad, request_) == Grade(LOSS, "failure", failed=True)
    assert one(good, bad, request_, expected="Paris") == Grade(LOSS, "failure", failed=True)


@pytest.mark.parametrize(("bad", "request_"), USELESS)
def test_where_both_failed_nobody_lost(bad: Answer | None, request_: dict[str, Any]) -> None:
    assert one(bad, text("cut", "length"), request_) == Grade(TIE, "failure")


@pytest.mark.parametrize(("bad", "request_"), USELESS)
def test_a_logged_failure_is_no_win_without_more_evidence(bad: Answer | None, request_: dict[str, Any]) -> None:
    good = call("find", '{"id": 1}') if request_ is TOOLS else text('{"label": "bug"}') if request_ else GOOD
    assert one(bad, good, request_) == OPEN


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [("18", "18.0", TIE), ("18", "17", LOSS), ("17", "18", WIN), ("17", "16", TIE)],
)
def test_both_sides_are_scored_by_the_same_check(left: str, right: str, difference: float) -> None:
    assert one(text(left), text(right), expected="#### 18") == Grade(difference, "numeric")


def test_a_logged_answer_cut_off_scores_nothing_against_the_truth() -> None:
    assert one(text("18", "length"), text("18"), expected="18") == Grade(WIN, "numeric")
    assert one(text("18", "length"), text("17"), expected="18") == Grade(TIE, "numeric")


def test_prose_is_no_label_and_is_left_to_a_judge() -> None:
    prose = text("The customer writes about an invoice that was charged twice, which makes this a matter of billing.")
    assert one(prose, text("billing"), expected="billing") == OPEN
    assert one(text("billing"), prose, expected="billing") == Grade(LOSS, "exact")


def test_a_model_answer_is_not_matched_word_for_word() -> None:
    expected = "You can return any item within thirty days, as long as it is unused and in its original packaging."
    assert one(text("Within 30 days, unused."), text("No returns."), expected=expected) == OPEN


JSON_PAIRS = [
    ('{"label": "bug", "score": 1}', '{"score": 1.0, "label": "bug"}', Grade(TIE, "json")),
    ('{"label": "bug"}', '{"label": "question"}', OPEN),
    ('{"label": "bug"}', '{"label": "bug"}', Grade(TIE, "identical")),
]


@pytest.mark.parametrize(("left", "right", "wanted"), JSON_PAIRS)
def test_valid_json_is_compared_by_value(left: str, right: str, wanted: Grade) -> None:
    assert one(text(left), text(right), JSON_SCHEMA) == wanted
    assert one(text(left), text(right), JSON_OBJECT) == wanted


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/never-fetched.json"},
        {"$ref": "#/$defs/missing"},
        {"type": "no such type"},
        {"$ref": "#"},
    ],
)
def test_a_schema_that_cannot_be_used_demands_nothing(schema: dict[str, Any]) -> None:
    request = {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    assert one(text('{"a": 1}'), text('{"a": 1.0}'), request) == Grade(TIE, "json")


TOOL_PAIRS = [
    (call("find", '{"id": 1, "x": [2]}'), call("find", '{"x":[2.0],"id":1}'), Grade(TIE, "tool_calls")),
    (call("find", ""), call("find", "{}"), Grade(TIE, "tool_calls")),
    (call("find", '{"id": 1}'), call("find", '{"id": 2}'), Grade(LOSS, "tool_calls")),
    (call("find", '{"id": 1}'), call("book", '{"id": 1}'), Grade(LOSS, "tool_calls")),
    (call("find", '{"id": 1}'), text("I will now look for 1."), Grade(LOSS, "tool_calls", failed=True)),
    (text("Which order?"), call("find", "{}"), Grade(LOSS, "tool_calls")),
]


@pytest.mark.parametrize(("left", "right", "wanted"), TOOL_PAIRS)
def test_the_next_step_is_compared_field_by_field(left: Answer, right: Answer, wanted: Grade) -> None:
    assert one(left, right, TOOLS) == wanted


def test_parallel_calls_may_come_in_any_order_but_not_in_another_number() -> None:
    first, second = ToolCall("find", '{"id": 1}'), ToolCall("find", '{"id": 2}')
    both, turned, double = Answer(None, (first, second)), Answer(None, (second, first)), Answer(None, (first, first))
    assert one(both, turned, TOOLS) == Grade(TIE, "tool_calls")
    assert one(both, double, TOOLS) == Grade(LOSS, "tool_calls")
    assert one(both, Answer(None, (first,)), TOOLS) == Grade(LOSS, "tool_calls")


def test_a_different_call_is_the_judges_to_tell_and_narrating_is_not() -> None:
    judge = Always("j", WIN)
    pairs = [Pair(TOOLS, left, right) for left, right, _ in TOOL_PAIRS]
    graded = asyncio.run(grade(pairs, None, [judge]))
    assert [item.difference for item in graded.by_judge["j"]] == [TIE, TIE, WIN, WIN, LOSS, WIN]
    assert graded.judged == len(judge.seen) == 3
    assert graded.basis() == {"tool_calls": 3, "judge": 3}


def test_space_and_case_matter_in_code_but_not_in_labels() -> None:
    code = "def total(prices):\n    result = 0\n    for price in prices:\n        result += price\n    return result\n"
    assert one(text(code), text(code + "\n")) == Grade(TIE, "identical")
    assert one(text(code), text(code.replace("    return", "        return"))) == OPEN
    assert one(text("Refund"), text(" refund.")) == Grade(TIE, "identical")
    assert one(text("refund"), text("exchange")) == OPEN


@pytest.mark.parametrize(
    ("check", "left", "right", "wanted"),
    [
        (
            CheckSettings(kind="json_field", field="label"),
            '{"label": "a", "why": "x"}',
            '{"label": "A", "why": "y"}',
            TIE,
        ),
        (
            CheckSettings(kind="json_field", field="label"),
            '{"label": "a", "why": "x"}',
            '{"label": "b", "why": "y"}',
            None,
        ),
        (CheckSettings(kind="numeric"), "It is 5 km from here to there.", "5.0", TIE),
        (CheckSettings(kind="json"), '{"answer": 1, "b": 2}', '{"answer": 1, "b": 3}', None),
        (CheckSettings(kind="json"), '{"answer": 1, "b": 2}', '{"b": 2, "answer": 1.0}', TIE),
        (CheckSettings(kind="judge"), "same words", "same words", TIE),
    ],
)
def test_without_a_truth_only_agreement_is_settled(
    check: CheckSettings, left: str, right: str, wanted: float | None
) -> None:
    assert one(text(left), text(right), check=check).difference == wanted


def test_a_judge_that_is_set_outranks_the_expected_answer() -> None:
    assert one(text("18"), text("17"), expected="18", check=CheckSettings(kind="judge")) == OPEN


def test_a_check_that_fails_the_logged_answers_proves_nothing() -> None:
    pairs = [Pair({}, text("Category: payments"), text("Category: nonsense"), "billing") for _ in range(30)]
    (grades,) = asyncio.run(grade(pairs, None, [])).by_judge.values()
    assert grades == [VACUOUS] * 30
    assert asyncio.run(grade(pairs, None, [Always("j", LOSS)])).judged == 30


def test_a_hard_task_is_still_checked() -> None:
    pairs = [Pair({}, text("18" if number < 3 else "1"), text("17"), "18") for number in range(30)]
    (grades,) = asyncio.run(grade(pairs, None, [])).by_judge.values()
    assert [item.difference for item in grades] == [LOSS] * 3 + [TIE] * 27


def test_every_judge_gives_its_own_grades_and_sees_only_what_is_open() -> None:
    pairs = [Pair({}, text("a"), text("b")), Pair({}, text("a"), text("a")), Pair({}, text("c"), None)]
    judges = [Always("one", WIN), Always("two", LOSS)]
    graded = asyncio.run(grade(pairs, None, judges))
    assert {name: [item.difference for item in grades] for name, grades in graded.by_judge.items()} == {
        "one": [WIN, TIE, LOSS],
        "two": [LOSS, TIE, LOSS],
    }
    assert [len(judge.seen) for judge in judges] == [1, 1]


def test_judges_are_not_bothered_when_checks_tell_all() -> None:
    judge = Always("one", WIN)
    graded = asyncio.run(grade([Pair({}, GOOD, GOOD)], None, [judge]))
    assert graded.by_judge == {"one": [Grade(TIE, "identical")]}
    assert asyncio.run(grade([], None, [judge])).by_judge == {"one": []}
    assert judge.seen == []


@pytest.mark.parametrize(
    ("left", "expected", "needed"),
    [("18", "18", False), ("x" * 200, "billing", True), ("a", None, True), ("billing", "billing", False)],
)
def test_what_may_need_a_judge_is_known_before_the_replay(left: str, expected: str | None, needed: bool) -> None:
    assert may_need_judge(Pair({}, text(left), None, expected)) is needed


def test_outcomes_leave_out_and_count_what_has_no_difference() -> None:
    grades = [
        Grade(WIN, "judge"),
        Grade(None, "unreachable"),
        Grade(LOSS, "failure", failed=True),
        Grade(-0.5, "judge", unparsed=True),
        OPEN,
    ]
    outcomes = to_outcomes(grades, np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert outcomes.differences.tolist() == [WIN, LOSS, -0.5]
    assert outcomes.weights.tolist() == [1.0, 3.0, 4.0]
    assert (outcomes.failures, outcomes.unparsed) == (1, 1)
    assert excluded(grades) == {"unreachable": 1, "ungraded": 1}


def test_outcomes_of_nothing_are_empty() -> None:
    assert to_outcomes([], np.array([])).differences.shape == (0,)


async def nobody(requests: Sequence[ChatRequest], purpose: str) -> list[Completion]:
    return []


@pytest.mark.parametrize(
    ("spec", "model"), [("gpt-4o", "gpt-4o"), ("judge:x/y:free", "x/y:free"), ("a:free", "a:free")]
)
def test_a_grader_is_a_registered_plugin_or_a_judge_model(spec: str, model: str) -> None:
    made = grader(spec, nobody)
    assert isinstance(made, Judge)
    assert made.name == model
