"""Damaged answers: the same ones for a seed, never the answer itself, one change where one is promised."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.answers import Answer, ToolCall
from llmcost.grading import alterations, opposites
from llmcost.grading.alterations import Surroundings
from llmcost.grading.attacks import ANSWER, FAMILIES, ORDERS_TO_JUDGES, with_note, without_notes
from llmcost.grading.canned import CONSTANTS
from llmcost.grading.damage import DAMAGES, Answered, Kind, Planted, plant
from llmcost.serving.reading import plain, whole_json
from llmcost.serving.rendering import answer_text, question_text
from llmcost.serving.validity import failure

PROSE = (
    "The capital of France is Paris. It has about 2,148,000 people. It must not be mixed up with Paris, Texas.\n\n"
    "1. Take the RER B from Charles de Gaulle airport.\n2. Change at Gare du Nord.\n3. Pay 11.45 EUR before boarding."
)
CODE = "def f(xs):\n    n = 0\n    for x in xs:\n        if x > 3 and x < 9:\n            n += x\n    return n"
FENCED = f"Use this:\n\n```python\n{CODE}\n```\n\nIt never changes the input."
SPEECH = "会议将在3月15日举行。所有员工必须参加。会议之前请阅读文件。预算增加了20%。"


def asked(text: str | None, number: int = 0, calls: tuple[ToolCall, ...] = (), **request: Any) -> Answered:
    messages = [{"role": "user", "content": f"Question {number}?"}]
    return Answered({"messages": messages, **request}, Answer(text, calls, finish_reason="stop"))


def alike(texts: Sequence[str], **request: Any) -> list[Answered]:
    return [asked(text, number, **request) for number, text in enumerate(texts)]


def names(kind: Kind) -> set[str]:
    return {damage.name for damage in DAMAGES if damage.kind == kind}


def ways(name: str, text: str, around: Surroundings | None = None) -> list[str]:
    alter = {
        "number": alterations.number,
        "entity": alterations.entity,
        "negation": alterations.negation,
        "dropped": alterations.dropped,
        "operator": alterations.operator,
    }[name]
    return list(alter(text, around or Surroundings(), Random(3)))


texts = st.text() | st.sampled_from([PROSE, CODE, FENCED, SPEECH, "bug", "question", "42", '{"a": 1, "b": "x"}'])
odd_texts = texts | st.text(st.characters(), max_size=60)  # lone surrogates, too
calls = st.lists(st.builds(ToolCall, st.text(max_size=5), texts), max_size=2).map(tuple)
answers = st.builds(
    Answer, st.none() | odd_texts, calls, st.none() | st.text(max_size=5), st.sampled_from([None, "stop"])
)
tasks = st.lists(st.builds(Answered, st.dictionaries(st.text(), odd_texts, max_size=2), answers), max_size=6)
kinds = st.sampled_from(["gross", "subtle"])


@settings(deadline=None)
@given(tasks, kinds, st.integers(0, 9))
def test_any_text_can_be_damaged_and_nothing_stays_as_it_was(task: list[Answered], kind: Kind, seed: int) -> None:
    planted = plant(task, kind, seed=seed)
    for item in planted:
        assert item.damage in names(kind)
        assert plain(answer_text(item.pair.left)) != plain(answer_text(item.pair.right))
        noted = item.attack is not None and item.attack.place == "request"
        assert any(item.pair.left is one.answer and (noted or item.pair.request is one.request) for one in task)
    assert len(planted) <= len(task)


@settings(deadline=None)
@given(tasks, kinds, st.integers(0, 9))
def test_the_same_seed_gives_the_same_answers(task: list[Answered], kind: Kind, seed: int) -> None:
    assert plant(task, kind, seed=seed) == plant(task, kind, seed=seed)


@settings(deadline=None)
@given(tasks)
def test_a_subtle_damage_never_fails_by_its_form_alone(task: list[Answered]) -> None:
    for item in plant(task, "subtle"):
        assert failure(item.pair.right, item.pair.request) is None


def test_another_seed_gives_other_answers() -> None:
    task = alike([PROSE.replace("Paris", name) for name in ("Rome", "Oslo", "Bern", "Kiev")])
    assert plant(task, "subtle", seed=1) != plant(task, "subtle", seed=2)


@pytest.mark.parametrize("kind", ["gross", "subtle"])
def test_every_damage_of_a_kind_is_used_about_equally(kind: Kind) -> None:
    task = alike(
        [f"{FENCED}\n\n{PROSE}\n\nTicket {number * 7} is closed, said Anna {number}." * 2 for number in range(90)]
    )
    used = Counter(item.damage for item in plant(task, kind, 60))
    assert used.keys() == names(kind)
    assert max(used.values()) - min(used.values()) <= 1


def test_at_most_so_many_are_planted() -> None:
    task = alike([f"The number is {number}." for number in range(20)])
    assert len(plant(task, "subtle", 7)) == 7
    assert plant(task, "subtle", 0) == []


@pytest.mark.parametrize(
    "useless",
    [
        asked(None),
        asked("  "),
        Answered({}, Answer(refusal="No.")),
        Answered({}, Answer("Half of 17", (), None, "length")),
    ],
)
def test_an_answer_that_failed_by_itself_is_passed_over(useless: Answered) -> None:
    assert plant([useless, asked("Pay 17 EUR.", 2)], "gross")[0].pair.left == Answer(
        "Pay 17 EUR.", finish_reason="stop"
    )


def test_an_answer_to_which_nothing_applies_is_passed_over() -> None:
    assert plant([asked("—")], "subtle") == []


# --- gross -----------------------------------------------------------------------------------------------------------


def gross(task: Sequence[Answered], name: str) -> list[Planted]:
    return [item for item in plant(task, "gross") if item.damage == name]


def test_gross_damages_are_what_they_are_called() -> None:
    task = alike([f"{PROSE} {number}" * 2 for number in range(40)])
    logged = {item.answer.text for item in task}
    for item in plant(task, "gross"):
        assert item.pair.right is not None and item.pair.left is not None
        bad, good = item.pair.right.text or "", item.pair.left.text or ""
        if item.attack is not None:
            continue
        assert {
            "other answer": bad in logged,
            "cut in half": good.startswith(bad) and len(bad) == len(good) // 2,
            "empty": not bad,
            "constant": bad in CONSTANTS,
        }[item.damage]


def test_another_prompts_answer_is_never_one_to_the_same_prompt() -> None:
    same = [asked("Once.", 1), asked("One time.", 1), asked("It was once.", 1)]
    assert gross(same, "other answer") == []
    assert gross([*same, asked("Never.", 2)], "other answer")[0].pair.right == Answer("Never.", finish_reason="stop")


def test_orders_to_the_judge_vary() -> None:
    task = alike([f"The number is {number}." for number in range(60)])
    said = [item.pair.right.text or "" for item in plant(task, "gross") if item.pair.right and item.attack]
    assert len({order for order in ORDERS_TO_JUDGES for text in said if order in text}) >= 25


def test_every_family_of_attacks_is_planted_in_a_wrong_answer_or_beside_one() -> None:
    task = alike([f"{PROSE} {number}" * 2 for number in range(60)])
    attacks = [item for item in plant(task, "gross") if item.attack is not None]
    assert set(Counter(item.attack for item in attacks).values()) == {3, 4}
    assert {item.attack for item in attacks} == set(FAMILIES)
    assert len(attacks) == 44
    for item in attacks:
        assert item.attack is not None
        shown = question_text(item.pair.request) if item.attack.place == "request" else answer_text(item.pair.right)
        assert any(all(part in shown for part in text.split(ANSWER)) for text in item.attack.texts)
        assert PROSE not in shown or answer_text(item.pair.right) != answer_text(item.pair.left)


def test_a_note_in_a_request_is_the_only_change_of_it() -> None:
    request = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}], "n": 1}
    for note in (text for family in FAMILIES if family.place == "request" for text in family.texts):
        noted = with_note(request, note)
        assert without_notes(question_text(noted)) == question_text(request)
        assert noted["messages"][0] is request["messages"][0]  # type: ignore[index]
    parts = with_note({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "Tie.")
    assert [message["role"] for message in parts["messages"]] == ["user", "user"]


def test_an_attack_beside_a_tool_call_stands_in_its_arguments_too() -> None:
    task = [asked(None, number, (ToolCall("find", f'{{"order": {number}}}'),)) for number in range(60)]
    found = [item for item in plant(task, "gross") if item.attack is not None and item.attack.place == "answer"]
    called = [call for item in found if item.pair.right for call in item.pair.right.tool_calls]
    assert 10 < len(called) < len(found)
    assert all(json.loads(call.arguments)["note"] in ORDERS_TO_JUDGES for call in called)


# --- subtle ----------------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
numbers = st.one_of(
    st.integers(0, 10**20).map(str),
    st.integers(0, 10**9).map("{:,}".format),
    st.decimals(0, 10**6, allow_nan=False, places=2).map(str),
    st.sampled_from(["0", "00", "08", "0.00", "1.50", "100", "2024", "007"]),
)


@given(numbers, st.sampled_from(["", "%", " EUR", "-04", ":30", "km"]), st.sampled_from(["", "in ", "$", "-", "约"]))
def test_one_number_changes_in_value_and_keeps_its_form(written: str, behind: str, before: str) -> None:
    text = f"{before}{written}{behind}"
    for new in ways("number", text):
        old_tokens, new_tokens = NUMBER.findall(text), NUMBER.findall(new)
        changed = [(a, b) for a, b in zip(old_tokens, new_tokens, strict=True) if a != b]
        assert len(changed) == 1
        one, other = changed[0]
        assert Decimal(one.replace(",", "")) != Decimal(other.replace(",", ""))
        assert one.partition(".")[2].isdigit() == other.partition(".")[2].isdigit()
        assert len(one.partition(".")[2]) == len(other.partition(".")[2])
        assert NUMBER.sub("", text) == NUMBER.sub("", new)
    assert ways("number", text)


@given(odd_texts)
def test_nothing_but_one_number_changes(text: str) -> None:
    for new in ways("number", text):
        digits = [re.sub("[0-9,.]+", "0", one) for one in (text, new)]
        assert digits[0] == digits[1]


def test_an_identifier_keeps_its_length() -> None:
    assert all(re.fullmatch(r"Order LF-\d{5}", new) for new in ways("number", "Order LF-92081"))
    assert len(ways("number", "card 4000000000000000123")[0]) == len("card 4000000000000000123")


@pytest.mark.parametrize("text", ["1. Cut\n2. Sew", "Step 1 and step 2", "the 1st", "sha 3f2a9c", "0xFF", "user_2"])
def test_what_only_counts_or_names_is_no_number(text: str) -> None:
    assert ways("number", text) == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("It always rains.", "It never rains."),
        ("You MUST NOT enter.", "You MUST enter."),
        ("It is safe here", "It is not safe here"),
        ("It is safe here", "It is unsafe here"),
        ("They don't eat it.", "They do eat it."),
        ("Prices increase.", "Prices decrease."),
        ('{"always": true}', '{"always": false}'),
        ("Er muss zahlen.", "Er darf nicht zahlen."),
        ("必须参加", "不得参加"),
        ("これは本です", "これは本ではありません"),
    ],
)
def test_a_statement_is_turned_around(text: str, other: str) -> None:
    assert other in ways("negation", text)


@pytest.mark.parametrize("text", ["Thanks, I hope it is fine.", "Is it so?", "alwayſ", "İ", "non-profit"])
def test_courtesies_questions_and_look_alikes_are_left_alone(text: str) -> None:
    assert ways("negation", text) == []


@pytest.mark.parametrize(
    ("text", "around", "others"),
    [
        ("bug", ("bug", "question"), {"question"}),
        (" bug\n", ("Bug.", "bug", "question"), {" question\n"}),
        ("Meet in Paris.", (), {f"Meet in {city}." for city in opposites.GROUPS[2]}),
    ],
)
def test_an_entity_is_replaced_by_one_of_its_kind(text: str, around: tuple[str, ...], others: set[str]) -> None:
    assert set(ways("entity", text, Surroundings(labels=around))) & others


def test_a_name_is_replaced_wherever_it_stands_by_one_of_another_answer() -> None:
    text = "It was painted by Rubens, and Rubens sold it."
    around = alterations.surroundings(["It was painted by Vermeer.", text])
    assert "It was painted by Vermeer, and Vermeer sold it." in ways("entity", text, around)


def test_a_json_value_is_replaced_by_one_that_the_task_has_in_that_field() -> None:
    task = alike(['{"label": "bug", "by": "Ada"}', '{"label": "question", "by": "Ada"}'])
    around = alterations.surroundings([item.answer.text or "" for item in task])
    assert ways("entity", '{"label": "bug", "by": "Ada"}', around)[0] == '{"label": "question", "by": "Ada"}'


json_values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.text(), json_values, min_size=1), min_size=1, max_size=4), st.booleans(), st.booleans()
)
def test_json_stays_json(values: list[dict[str, Any]], indented: bool, called: bool) -> None:
    written = [json.dumps(value, indent=2 if indented else None, ensure_ascii=indented) for value in values]
    task = [
        asked(None, number, (ToolCall("f", text),)) if called else asked(text, number, response_format=JSON_OBJECT)
        for number, text in enumerate(written)
    ]
    for item in plant(task, "subtle"):
        assert item.pair.right is not None and item.pair.left is not None
        text = item.pair.right.tool_calls[0].arguments if called else item.pair.right.text
        assert isinstance(whole_json(text or ""), dict)


JSON_OBJECT = {"type": "json_object"}
ENUM = {"enum": ["bug", "question"]}
SCHEMA = {"type": "object", "properties": {"label": ENUM, "note": {"type": "string"}}, "required": ["label"]}


def test_a_demanded_schema_is_still_kept() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    task = alike(
        ['{"label": "bug", "note": "Fix it on Monday."}', '{"label": "question", "note": "No."}'], response_format=form
    )
    for seed in range(9):
        for item in plant(task, "subtle", seed=seed):
            assert item.pair.right is not None
            assert json.loads(item.pair.right.text or "")["label"] in ENUM["enum"]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("First do this thing. Then do that thing.", "First do this thing. "),
        ("- wash your hands\n- dry your hands\n", "- wash your hands\n"),
        ('{"a": 1, "b": 2}', '{"a": 1}'),
        ('{"a": 1, "b": 2}', '{"b": 2}'),
        ('["x", "y", 3]', '["x", "y"]'),
        ("请先阅读文件。然后参加会议。", "然后参加会议。"),
        ("Take two tablets, and call me tomorrow", "Take two tablets, "),
        (CODE, CODE.replace("    n = 0\n", "")),
    ],
)
def test_one_part_is_left_out(text: str, other: str) -> None:
    assert other in ways("dropped", text)


@given(odd_texts)
def test_what_is_left_of_an_answer_was_in_it(text: str) -> None:
    for new in ways("dropped", text):
        rest = iter(text)
        assert all(sign in rest for sign in new)
        assert len(new) < len(text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (CODE, CODE.replace("x < 9", "x <= 9")),
        (CODE, CODE.replace(" and ", " or ")),
        (FENCED, FENCED.replace("x > 3", "x >= 3")),
        ("SELECT SUM(x)\nFROM t;", "SELECT COUNT(x)\nFROM t;"),
    ],
)
def test_an_operator_of_code_changes(text: str, other: str) -> None:
    assert other in ways("operator", text)


@pytest.mark.parametrize("text", [PROSE, "Salt and pepper < sugar", f"```python\n{CODE.splitlines()[0]}  # a < b\n```"])
def test_prose_and_comments_have_no_operators(text: str) -> None:
    assert ways("operator", text) == []


def test_only_one_argument_of_a_tool_call_changes() -> None:
    book = ToolCall("book", '{"city": "Rome", "nights": 3, "breakfast": true}')
    find = ToolCall("find", '{"name": "Ada", "age": 36}')
    for seed in range(12):
        for item in plant([asked(None, 1, (book, find)), asked(None, 2, (find, book))], "subtle", seed=seed):
            assert item.pair.left is not None and item.pair.right is not None
            pairs = zip(item.pair.left.tool_calls, item.pair.right.tool_calls, strict=True)
            [(one, other)] = [(a, b) for a, b in pairs if a != b]
            old, new = json.loads(one.arguments), json.loads(other.arguments)
            assert one.name == other.name
            assert sum(new.get(key) != value for key, value in old.items()) == 1
            assert new.keys() <= old.keys()


@pytest.mark.parametrize(
    "text", ["1 " * 40_000, '"\\' * 40_000, "```\n" * 20_000, "a." * 40_000, " " * 80_000, "{" * 80_000]
)
@pytest.mark.parametrize("kind", ["gross", "subtle"])
def test_a_long_and_odd_answer_is_damaged_as_any_other(text: str, kind: Kind) -> None:
    for planted in plant([asked(f"x{text}"), asked(f"{text}y", 2)], kind):
        assert planted.pair.right != planted.pair.left
