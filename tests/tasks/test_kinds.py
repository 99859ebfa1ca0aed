"""What a call site does, told from the shape of its calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.real_data import path

from llmcost.answers import Answer, ToolCall
from llmcost.calls import Call
from llmcost.tasks.kinds import EVIDENCE, KINDS, SIGNALS, Shape, kind_of, signals_of
from llmcost.tasks.language import language_of

PLAIN = Shape(embeddings=0.0, answers=40, distinct_answers=40, labelled=0.5, answer_bytes=400.0, reasoning=0.0)
LABELS = Shape(embeddings=0.0, answers=400, distinct_answers=3, labelled=1.0, answer_bytes=8.0, reasoning=0.0)
ARTICLE = "The council met on Tuesday to talk about the new bridge, which is late and over budget again. " * 12
GERMAN = "Das ist nicht der Brief, den ich von dem Amt für meine Mutter haben wollte, und ich warte auf eine Antwort."
FIELD = {"type": "object", "properties": {"label": {"type": "string", "enum": ["a", "b"]}}}


def call(asked: str, said: str | None, *, turns: int = 0, tools: tuple[str, ...] = (), **request: Any) -> Call:
    before = [{"role": role, "content": "and then?"} for _ in range(turns) for role in ("user", "assistant")]
    answer = Answer(said, tuple(ToolCall(name, "{}") for name in tools))
    return Call(request={"messages": [*before, {"role": "user", "content": asked}], **request}, answer=answer)


def kind(sample: Call, shape: Shape = PLAIN, fixed: Mapping[str, Any] | None = None) -> str:
    return kind_of("site·abc123", "task", shape, [sample] * 5, fixed or {}).kind


TOOL = {"type": "function", "function": {"name": "search", "parameters": {}}}

CASES = {
    "classification": call("Is this review positive or negative? I liked it.", "positive"),
    "extraction": call("Extract the fields below: vendor. Invoice of Contoso", '{"vendor": "Contoso"}'),
    "summarization": call(f"Summarize:\n{ARTICLE}", "The council met to talk about the bridge, late and over budget."),
    "translation": call(f"Translate to English:\n{GERMAN}", "That is not the letter that I wanted for my mother."),
    "code": call("Write a function that adds numbers", "```python\ndef add(a, b):\n    return a + b\n```"),
    "agent step": call("Book it", None, turns=2, tools=("search",)),
    "chat": call("How do I reset my card?", "You can reset it in the app, under settings and then security.", turns=1),
    "reasoning": call("What is 3 + 4? Think step by step.", '{"reasoning": "3 and 4 are 7", "answer": "7"}'),
}


@pytest.mark.parametrize("wanted", CASES)
def test_a_plain_case_of_every_kind(wanted: str) -> None:
    assert kind(CASES[wanted], LABELS if wanted == "classification" else PLAIN) == wanted


def test_without_bodies_the_columns_tell() -> None:
    for shape, wanted in (
        (LABELS, "classification"),
        (Shape(1.0, 0, 0, 0.0, None, 0.0), "embedding"),
        (Shape(0.0, 40, 40, 0.5, 400.0, 0.8), "reasoning"),
        (PLAIN, "other"),
    ):
        assert kind_of("s", "t", shape, [], {}).kind == wanted


def test_a_few_answers_that_are_all_different_are_no_labels() -> None:
    varied = Shape(embeddings=0.0, answers=20, distinct_answers=20, labelled=1.0, answer_bytes=8.0, reasoning=0.0)
    rare = Shape(embeddings=0.0, answers=4, distinct_answers=1, labelled=1.0, answer_bytes=8.0, reasoning=0.0)
    assert signals_of(varied, [])["labels"] == signals_of(rare, [])["labels"] == 0.0


def test_a_word_in_the_instruction_alone_is_no_proof() -> None:
    for word in ("classify this", "extract that", "write a function"):
        assert kind(call(f"Please {word}", "Sure.")) == "other"


def test_a_result_that_is_marked_and_a_question_about_code() -> None:
    assert kind(call("3 trips at 4.00?", "3 times 4.00 is what the trips cost in all.\nAnswer: 12.00")) == "reasoning"
    assert kind(call("What does this print?\n```python\nprint(1)\n```", "1")) == "code"


def test_a_short_question_under_a_long_system_prompt_is_no_document() -> None:
    asked = [{"role": "system", "content": ARTICLE}, {"role": "user", "content": "May I?"}]
    answer = Answer("You may, as long as nobody else is on the bridge already.")
    assert kind(Call(request={"messages": asked}, answer=answer)) == "chat"


def test_a_closed_list_and_a_form_to_fill_in() -> None:
    listed = {"type": "json_schema", "json_schema": {"schema": FIELD}}
    assert kind(call("Label it", '{"label": "a"}', response_format=listed), LABELS) == "classification"
    form = call("Invoice of Contoso", None, tools=("search",))
    assert kind(Call(request={**form.request, "tools": [TOOL], "tool_choice": "required"}, answer=form.answer)) == (
        "extraction"
    )


def test_a_chat_in_one_foreign_language_is_no_translation() -> None:
    assert (
        kind(call(GERMAN, "Ich verstehe, dass das nicht der Brief ist, den Sie für die Mutter haben wollen."))
        == "other"
    )


def test_the_configuration_wins_by_name_by_glob_and_by_task() -> None:
    for pattern in ("site·abc123", "site", "si*", "task"):
        judged = kind_of("site·abc123", "task", LABELS, [], {pattern: "chat"})
        assert judged.kind == "chat"
        assert judged.evidence == (f"set in the configuration: {pattern}",)
    assert kind_of("site·abc123", "task", LABELS, [], {"other*": "chat"}).kind == "classification"


def test_the_evidence_is_a_table_without_gaps() -> None:
    assert {item.kind for item in EVIDENCE} == {*KINDS} - {"other"}
    assert {item.signal for item in EVIDENCE} <= {"embeddings", "labels", "reasoning", *SIGNALS}
    assert {*SIGNALS} <= {item.signal for item in EVIDENCE}


@pytest.mark.parametrize(
    "odd",
    [None, {}, {"messages": None}, {"messages": [1, {"content": [{"text": 3}, 4]}]}, {"tools": 3, "messages": []}],
)
def test_odd_bodies_are_no_error(odd: Any) -> None:
    assert (
        kind_of("s", "t", PLAIN, [Call(request=odd), Call(request=odd, answer=Answer("[" * 5_000))], {}).kind in KINDS
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the best way to get to the station with my bike?", "en"),
        (GERMAN, "de"),
        ("Je ne sais pas où est la gare, et vous ?", "fr"),
        ("No sé dónde está la tarjeta que me dieron por el banco", "es"),
        ("请把下面的客户留言翻译成英文", "zh"),
        ("カードをなくしました。どうすればいいですか", "ja"),
        ("Где моя карта?", "cyrillic"),
        ("OK", None),
        ("", None),
        ('{"a": 1}', None),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_real_trajectories_are_agent_steps() -> None:
    import gzip

    with gzip.open(path("tau_bench", "gpt-4o-airline.trajectories.jsonl.gz"), "rt", encoding="utf-8") as lines:
        messages = json.loads(next(lines))["messages"]
    steps = [
        Call(
            request={"messages": messages[:at]},
            answer=Answer(
                said.get("content"),
                tuple(
                    ToolCall(t["function"]["name"], t["function"]["arguments"]) for t in said.get("tool_calls") or ()
                ),
            ),
        )
        for at, said in enumerate(messages)
        if said["role"] == "assistant"
    ]
    assert kind_of("s", "t", PLAIN, steps, {}).kind == "agent step"
