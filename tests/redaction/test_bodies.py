"""Bodies and answers, part by part: what is looked into, what an API must find as it was, and the way back."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.answers import Answer, ToolCall
from llmcost.redaction import Finder, Found, Names, conceal, finder, hide, hide_json, hide_text, reveal
from llmcost.redaction.detectors import people

FINDER = finder()


def said(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content, **more}]}


def content_of(hidden: Any) -> Any:
    return hidden.body["messages"][0]["content"]


@pytest.mark.parametrize("held", ["email_1", "EMAIL_1", "[EMAIL_1]", "<EMAIL_1>", "`email_1`", r"EMAIL\_1"])
def test_a_placeholder_that_a_prompt_holds_in_any_form_is_not_given_out(held: str) -> None:
    hidden = hide(said(f"the column {held} of a@example.org"), FINDER)
    assert dict(hidden.names.values) == {"<EMAIL_2>": "a@example.org"}
    assert reveal(Answer(text=held), hidden.names).text == held


@pytest.mark.parametrize(
    "written", ["email_1 = 3", "SELECT email_1.x", '{"email_1": 3}', "def email_1(x)", "email_1: 3"]
)
def test_a_name_of_code_that_a_model_thought_of_is_no_placeholder(written: str) -> None:
    names = hide(said("a@example.org"), FINDER).names
    assert reveal(Answer(text=written), names).text == written


def test_what_stands_under_a_telling_key_is_what_the_key_says() -> None:
    record = {"password": "hunter2", "phone": ["4155550132"], "n": "4155550133", "headers": {"x-api-key": "q8Zk20vLm1"}}
    hidden = hide_json(record, FINDER, Names())
    assert hidden == {
        "password": "<SECRET_1>", "phone": ["<PHONE_1>"], "n": "4155550133", "headers": {"x-api-key": "<SECRET_2>"},
    }  # fmt: skip


def test_what_was_called_a_secret_once_is_one_wherever_it_stands() -> None:
    hidden = hide(
        said("is q8Zk20vLm right? my password is q8Zk20vLm. Not q8Zk20vLm1, nor sunshine: 'sunshine'"), FINDER
    )
    assert content_of(hidden).startswith("is <SECRET_1> right? my password is <SECRET_1>. Not q8Zk20vLm1, nor sunshine")


@pytest.mark.parametrize("text", ['{"a": "x@b.c", "b": "@b.co"}', """{"a": "token: 'q8Zk20vLm1", "b": "x' y"}"""])
def test_what_reaches_from_one_string_into_another_leaves_json_json(text: str) -> None:
    hidden = json.loads(hide_text(text, FINDER, Names()))
    assert hidden.keys() == {"a", "b"}


def test_a_thousand_values_are_found_again_in_time() -> None:
    addresses = [f"a{place}@example.org" for place in range(4_000)]
    hidden = hide(
        said([{"type": "text", "text": " ".join(addresses)}, {"type": "text", "text": " ".join(addresses)}]), FINDER
    )
    assert len(hidden.names.values) == 4_000


def test_a_number_of_json_becomes_a_text_of_json() -> None:
    hidden = hide_text('{"card": 4242424242424242, "sum": 12.5}', FINDER, Names())
    assert json.loads(hidden) == {"card": "<CARD_1>", "sum": 12.5}


def test_a_key_that_is_a_value_is_hidden_and_a_key_that_is_a_name_stays() -> None:
    hidden = hide_json({"a@example.org": 1, "plain.key": {"a@example.org": 2}}, FINDER, Names())
    assert hidden == {"<EMAIL_1>": 1, "plain.key": {"<EMAIL_1>": 2}}


def test_a_person_named_by_an_address_gets_a_name_that_an_api_takes() -> None:
    hidden = hide(said("I am a@example.org", name="a@example.org"), FINDER)
    assert hidden.body["messages"][0]["name"] == "EMAIL_1"
    assert content_of(hidden) == "I am <EMAIL_1>"


def test_names_of_files_and_texts_of_documents_are_looked_into() -> None:
    parts = [
        {"type": "file", "file": {"filename": "of a@example.org", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "document", "source": {"type": "text", "data": "write to a@example.org"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a@example.org.png"}},
    ]
    hidden = hide(said(parts), FINDER)
    assert content_of(hidden) == [
        {"type": "file", "file": {"filename": "of <EMAIL_1>", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "document", "source": {"type": "text", "data": "write to <EMAIL_1>"}},
        parts[2],
    ]
    assert hidden.unseen == 3


def test_tools_and_schemas_keep_what_an_api_reads() -> None:
    schema = {
        "type": "object", "required": ["to"], "additionalProperties": False,
        "properties": {"to": {"type": "string", "format": "email", "pattern": "^.+@$", "description": "a@example.org"}},
    }  # fmt: skip
    tool = {"type": "function", "function": {"name": "mail", "parameters": schema}}
    hidden = hide({**said("x"), "tools": [tool], "tool_choice": "auto"}, FINDER).body
    assert hidden["tools"] == json.loads(json.dumps([tool]).replace("a@example.org", "<EMAIL_1>"))


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=80), st.sampled_from(["<EMAIL_1>", "password: ", "4242424242424242", "a@example.org", ".", " "])
)
def test_a_hidden_body_is_hidden_for_good(text: str, piece: str) -> None:
    once = hide(said(f"{piece}{text}{piece}b@example.org{text}"), FINDER)
    assert hide(once.body, FINDER).body is once.body


@pytest.mark.parametrize("ascii_alone", [False, True])
def test_arguments_come_back_to_the_letter_however_they_were_escaped(ascii_alone: bool) -> None:
    names = hide(said("jürgen@example.org and password: 'a\"b7\\c'"), FINDER).names
    arguments = json.dumps({"to": "jürgen@example.org"}, ensure_ascii=ascii_alone)
    answer = Answer(text=arguments, tool_calls=(ToolCall("mail", arguments),))
    kept = conceal(answer, names)
    assert "rgen" not in f"{kept.text}{kept.tool_calls[0].arguments}"
    assert reveal(kept, names) == answer


def test_an_answer_in_json_stays_json() -> None:
    names = Names()
    names.placeholder("SECRET", 'say "x"')
    told = reveal(Answer(text='{"key": "<SECRET_1>"}'), names)
    assert json.loads(told.text or "") == {"key": 'say "x"'}
    assert conceal(told, names).text == '{"key": "<SECRET_1>"}'


def test_a_value_that_was_found_with_its_escapes_is_not_escaped_again() -> None:
    asked = said(None, tool_calls=[{"function": {"name": "f", "arguments": '{"to": "j\\u00fcrgen@example.org"}'}}])
    names = hide(asked, FINDER).names
    told = reveal(Answer(tool_calls=(ToolCall("f", '{"to": "<EMAIL_1>"}'),)), names)
    assert json.loads(told.tool_calls[0].arguments) == {"to": "jürgen@example.org"}


class Analyzer:
    """Knows Anna Schmidt, and takes no long texts."""

    def analyze(self, text: str, language: str, entities: list[str]) -> list[SimpleNamespace]:
        assert len(text) <= people.LONGEST
        found = re.finditer("Anna Schmidt", text)
        return [SimpleNamespace(start=at.start(), end=at.end(), entity_type="PERSON", score=0.9) for at in found]


@pytest.mark.parametrize("between", [" ", "x", "\n"])
def test_names_are_found_in_texts_of_any_length(between: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_analyzer", lambda languages: Analyzer())
    text = f"Anna Schmidt{between * 30_000} Anna Schmidt"
    assert hide_text(text, finder(languages=("en",)), Names()) == f"<PERSON_1>{between * 30_000} <PERSON_1>"


def test_what_overlaps_is_hidden_to_the_last_letter() -> None:
    class Of:
        def __init__(self, *spans: tuple[int, int]) -> None:
            self.spans = spans

        def find(self, text: str) -> list[Found]:
            return [Found(*span, "X") for span in self.spans if span[1] <= len(text)]

    found = Finder([Of((0, 4), (10, 12)), Of((2, 8), (10, 12))]).find("abcdefghijklmn")
    assert [(value.start, value.end) for value in found] == [(0, 4), (4, 8), (10, 12)]


def test_what_is_beside_a_placeholder_of_the_text_is_hidden_all_the_same() -> None:
    hidden = hide(said('password: "<X_1>hunter2hunter"'), FINDER)
    assert content_of(hidden) == 'password: "<X_1><SECRET_1>"'
