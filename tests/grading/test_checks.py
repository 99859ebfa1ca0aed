"""Checks against a known answer, on hand-made shapes and on recorded answers that carry a ground truth."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import real_data

from llmcost.config import CheckSettings
from llmcost.grading.checks import CHECKS, choose
from llmcost.serving.reading import MISSING, any_json, claim, field_value, last_number, literal, objects, only_number


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("18", "numeric"),
        ("# 18", "numeric"),
        ("#### 1,018.50", "numeric"),
        ("$18", "numeric"),
        ("15%", "numeric"),
        ("-3.5e2", "numeric"),
        ('{"a": 1}', "json"),
        ("[(4, 1)]", "literal"),
        ("'quoted'", "literal"),
        ("billing", "exact"),
        ("Refund request", "exact"),
        ("True", "exact"),
        ("Paris is the capital of France, and has been since the tenth century, with interruptions.", None),
        ("first line\nsecond line", None),
        ("", None),
    ],
)
def test_the_shape_of_the_expected_answer_chooses_the_check(expected: str, name: str | None) -> None:
    chosen = choose(expected)
    assert (chosen.name if chosen else None) == name


def test_a_check_that_is_set_wins() -> None:
    chosen = choose("18", CheckSettings(kind="contains"))
    assert chosen is CHECKS["contains"]
    assert choose("18", CheckSettings(kind="judge")) is None


NUMERIC = [
    ("18", "18", True),
    ("18.0", "18", True),
    ("The total is 18.", "18", True),
    ("She makes $18 per day", "# 18", True),
    ("16 - 3 - 4 = 9, so 9 * 2 = **18**", "#### 18", True),
    ("1,234,567", "1234567", True),
    ("1234567", "1,234,567", True),
    ("15 %", "15%", True),
    ("18 eggs", "18", True),
    ("−5", "-5", True),
    ("$-5", "-5", True),
    ("range 3-5", "5", True),
    (r"\boxed{\$18}", "18", True),
    ("Steps 1, 2.\nAnswer: 18\nThis took 3 steps.", "18", True),
    ("we get\n#### 18", "18", True),
    ('{"reasoning": "3 * 6", "answer": "18"}', "18", True),
    ('{"reasoning": "3 * 6", "answer": 18.0}', "# 18", True),
    ('So:\n```json\n{"answer": "18 dollars", "steps": 2}\n```', "18", True),
    ('{"reasoning": "say 17", "answer": "18", "note": "cut', "18", True),
    ('{"reasoning": "say 18", "answer": "1', "18", False),
    ('{"answer": "180"}', "18", False),
    ("80", "18", False),
    ("1.8", "18", False),
    ("H2O", "2", False),
    ("no idea", "0", False),
    ("0", "0", True),
]


@pytest.mark.parametrize(("text", "expected", "right"), NUMERIC)
def test_numbers(text: str, expected: str, right: bool) -> None:
    assert CHECKS["numeric"].passes(text, expected, None) is right


EXACT = [
    ("Billing.", "billing", True),
    (" “BILLING” ", "billing", True),
    ("**billing**", "Billing", True),
    ('{"label": "billing", "confidence": 0.9}', "billing", True),
    ('{"intent": "billing"}', "billing", True),
    ("Answer: billing", "billing", True),
    ("The final answer is: **billing**.", "billing", True),
    ("shipping", "billing", False),
    ("billing shipping", "billing", False),
    ("The customer asks about an invoice that was charged twice, so that this belongs to billing.", "billing", None),
]


@pytest.mark.parametrize(("text", "expected", "right"), EXACT)
def test_labels(text: str, expected: str, right: bool | None) -> None:
    assert CHECKS["exact"].passes(text, expected, None) is right


LITERALS = [
    ("[(4,1)]", "[(4, 1)]", True),
    ("[[4,1]]", "[(4, 1)]", False),
    ('{"answer": [[4, 1]]}', "[(4, 1)]", True),
    ('{"answer": "{}"}', "{}", True),
    ('{"answer": ""}', "''", True),
    ('{"answer": "ABC"}', "'abc'", False),
    ("'abc'", "'abc'", True),
    ("abc", "'abc'", True),
    ("[1, True]", "[1, 1]", False),
    ("{'b': 2, 'a': 1.0}", "{'a': 1, 'b': 2}", True),
    ("__import__('os').getcwd()", "[1]", False),
    ("[" * 5_000 + "]" * 5_000, "[1]", False),
    ("9" * 100_000, "[1]", False),
    ("-" * 9_000 + "1", "[1]", False),
    (r"'\d'", "[1]", False),
]


@pytest.mark.parametrize(("text", "expected", "right"), LITERALS)
def test_literals(text: str, expected: str, right: bool) -> None:
    assert CHECKS["literal"].passes(text, expected, None) is right


@pytest.mark.parametrize(
    ("kind", "field", "text", "expected", "right"),
    [
        ("json", None, '{"b": [1, 2.0], "a": 10.0}', '{"a": 10, "b": [1, 2]}', True),
        ("json", None, 'Sure:\n```json\n{"a": 10}\n```', '{"a": 10}', True),
        ("json", None, '{"a": 10, "b": 1}', '{"a": 10}', False),
        ("json", None, '{"a": true}', '{"a": 1}', False),
        ("json", None, "a: 10", '{"a": 10}', False),
        ("json", "a", '{"a": 10, "b": 1}', '{"a": 10.0, "c": 2}', True),
        ("json_field", "order.id", '{"order": {"id": "A-1"}, "x": 2}', "a-1", True),
        ("json_field", "order.id", '{"order": {"id": "A-2"}, "x": 2}', "a-1", False),
        ("json_field", "total", '{"total": "$1,200.00"}', "1200", True),
        ("json_field", "label", '{"label": "refund"}', '{"label": "Refund", "confidence": 1}', True),
        ("json_field", "items", '{"items": ["a", "b"]}', "['a', 'b']", True),
        ("json_field", "label", "refund", "refund", False),
        ("contains", None, "You can return it within 30 days.", "30 days", True),
        ("contains", None, "You can return it within 130 days.", "30 days", False),
        ("contains", "reply", '{"reply": "yes, 30 days", "note": "60 days"}', "60 days", False),
        ("exact", "kind", '{"kind": "Bug", "label": "other"}', "bug", True),
    ],
)
def test_set_kinds_and_fields(kind: str, field: str | None, text: str, expected: str, right: bool) -> None:
    assert CHECKS[kind].passes(text, expected, field) is right


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{}.", "{} km", "about\n{}", "x = {}", "**{}**"]))
def test_a_number_is_found_in_any_dress(number: int, dress: str) -> None:
    assert last_number(dress.format(number)) == number
    assert last_number(dress.format(f"{number:,}")) == number
    assert only_number(f"#### {number:,}") == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6))
def test_decimals_are_exact(number: Decimal) -> None:
    assert CHECKS["numeric"].passes(f"It is {number:,}", str(number), None)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(values, st.sampled_from(["{}", "```json\n{}\n```", "Here it is: {} I hope that helps."]))
def test_an_answer_field_is_read_wherever_the_object_stands(value: object, dress: str) -> None:
    text = dress.replace("{}", json.dumps({"reasoning": "because {", "answer": value}))
    assert field_value(text) == value


@given(st.text(), st.text())
def test_a_torn_object_is_read_only_where_its_field_is_whole(reasoning: str, answer: str) -> None:
    whole = json.dumps({"reasoning": reasoning, "answer": answer})
    quoted = whole.rindex(json.dumps(answer))
    for end in range(quoted, quoted + len(json.dumps(answer))):
        assert claim(whole[:end]).value != answer or not claim(whole[:end]).marked
    assert field_value(whole[:-1]) == answer


@given(st.text(max_size=400))
def test_no_text_breaks_a_reader(text: str) -> None:
    for check in CHECKS.values():
        assert check.passes(text, text, None) in (True, False, None)
        assert check.passes(text, "18", "a.b") in (True, False, None)
    assert all(isinstance(found, dict) for found in objects(text))
    assert any_json(text) is MISSING or isinstance(any_json(text), dict | list | str | int | float | None)


def test_huge_and_deep_answers_are_read_or_left_alone() -> None:
    texts = [
        "{" * 100_000,
        '{"a":' * 100_000,
        '{"{' * 60_000,
        "[" * 300_000,
        '{"answer": "' + "x" * 300_000,
        "=" * 300_000,
    ]
    for text in texts:
        for check in CHECKS.values():
            assert not check.passes(text, "18", None)
    assert literal("(" * 300 + "1" + ")" * 300) is MISSING


# share of recorded answers on which the check must agree with the published ground truth
AGREEMENT = {"gsm": 0.985, "crux": 0.955}


@pytest.mark.parametrize("task", ["gsm", "crux"])
@pytest.mark.parametrize("strip", [False, True])
def test_checks_agree_with_a_published_ground_truth(task: str, strip: bool) -> None:
    gold = {row["prompt_id"]: row["gold"] for row in rows(f"{task}.prompts.jsonl.gz")}
    agrees: dict[str, list[bool]] = defaultdict(list)
    for row in rows(f"{task}.answers.jsonl.gz"):
        expected = gold[row["prompt_id"]].removeprefix("# " if strip else "")
        check = choose(expected)
        assert check is not None
        right = bool(check.passes(row["output"], expected, None))
        agrees[row["model"]].append(right == row["correct"])
        # The published flag compares the text of literals, so it calls some right ones wrong; never the reverse.
        assert right or not row["correct"], row
    assert len(agrees) == 9
    for model, flags in agrees.items():
        assert sum(flags) / len(flags) >= AGREEMENT[task], model
    assert sum(agrees["gpt-4o-2024-08-06"]) == len(agrees["gpt-4o-2024-08-06"])


def rows(name: str) -> list[dict[str, object]]:
    with gzip.open(real_data.path("zeroeval", name), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
