"""Whatever a body holds: nothing planted is left in it, the rest stays as it was, and answers get all of it back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pii import FORMS, LANGUAGES

from llmcost.answers import Answer, ToolCall
from llmcost.errors import ConfigError
from llmcost.redaction import Names, conceal, finder, hide, hide_json, hide_text, reveal

FINDER = finder()
documents = st.builds(
    lambda form, language, seed: form(random.Random(seed), language),
    st.sampled_from(FORMS),
    st.sampled_from(LANGUAGES),
    st.integers(0, 10_000),
)
texts = st.text(max_size=200) | documents.map(lambda document: document.text)


def body(*contents: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content} for content in contents]}


def answer(text: str, arguments: str = "{}") -> Answer:
    return Answer(text=text, refusal=text, tool_calls=(ToolCall("send", arguments),))


@settings(max_examples=60, deadline=None)
@given(st.lists(documents, min_size=1, max_size=3))
def test_no_planted_value_is_left_and_an_echo_comes_back_whole(planted: list[Any]) -> None:
    hidden = hide(body(*(document.text for document in planted)), FINDER)
    sent = json.dumps(hidden.body, ensure_ascii=False)
    said = "\n".join(message["content"] for message in hidden.body["messages"])
    for document in planted:
        for value in document.planted:
            assert document.text[value.start : value.end] not in sent
    told = reveal(answer(said, json.dumps({"said": said}, ensure_ascii=False)), hidden.names)
    whole = "\n".join(document.text for document in planted)
    assert told.text == told.refusal == whole
    assert json.loads(told.tool_calls[0].arguments) == {"said": whole}


@settings(max_examples=60, deadline=None)
@given(texts, texts)
def test_what_is_concealed_is_revealed_again(question: str, said: str) -> None:
    names = hide(body(question), FINDER).names
    came = answer(f"{said} {question}", json.dumps({"a": said, "b": question}))
    kept = conceal(came, names)
    assert reveal(kept, names) == reveal(came, names)
    assert not [value for value in names.values.values() if value in (kept.text or "")]


@settings(max_examples=60, deadline=None)
@given(texts)
def test_the_same_body_is_hidden_alike_and_a_hidden_one_stays(text: str) -> None:
    once, again = hide(body(text), FINDER), hide(body(text), FINDER)
    assert once.body == again.body and dict(once.names.values) == dict(again.names.values)
    twice = hide(once.body, FINDER)
    assert twice.body == once.body


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
KEYS = st.sampled_from(["type", "role", "content", "messages", "model", "id", "text", "image_url"]) | st.text(
    max_size=8
)
anything = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=15
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, anything, max_size=4))
def test_whatever_a_body_is_made_of_it_keeps_its_form(asked: dict[str, Any]) -> None:
    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: form(item) for key, item in value.items()}
        return [form(item) for item in value] if isinstance(value, list) else type(value)

    assert form(hide(asked, FINDER).body) == form(asked)


@given(st.text(max_size=100).filter(lambda text: not FINDER.find(text)))
def test_where_nothing_is_found_the_body_is_the_same_object(text: str) -> None:
    asked = body(text)
    assert hide(asked, FINDER).body is asked


def test_a_value_has_one_placeholder_wherever_it_stands() -> None:
    tools = [{"type": "function", "function": {"name": "mail", "description": "Write to a@example.org"}}]
    asked: dict[str, Any] = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Reply to b@example.org."},
            {"role": "user", "content": [{"type": "text", "text": "I am a@example.org"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "mail", "arguments": '{"to": "a@example.org", "n": 1}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"sent": ["b@example.org"]}'},
        ],
        "tools": tools,
        "user": "c@example.org",
    }
    hidden = hide(asked, FINDER)
    assert dict(hidden.names.values) == {
        "<EMAIL_1>": "b@example.org", "<EMAIL_2>": "a@example.org", "<EMAIL_3>": "c@example.org",
    }  # fmt: skip
    sent = hidden.body["messages"]
    assert json.loads(sent[2]["tool_calls"][0]["function"]["arguments"]) == {"to": "<EMAIL_2>", "n": 1}
    assert json.loads(sent[3]["content"]) == {"sent": ["<EMAIL_1>"]}
    assert sent[3]["tool_call_id"] == "call_1"
    assert hidden.body["tools"][0]["function"]["description"] == "Write to <EMAIL_2>"
    assert hidden.names.counts == {"EMAIL": 3}


def test_placeholders_of_the_log_itself_are_not_ours() -> None:
    hidden = hide(body("<EMAIL_1> wrote to a@example.org"), FINDER)
    assert hidden.body["messages"][0]["content"] == "<EMAIL_1> wrote to <EMAIL_2>"
    told = reveal(answer("<EMAIL_1> and <EMAIL_2>"), hidden.names)
    assert told.text == "<EMAIL_1> and a@example.org"


@pytest.mark.parametrize(
    "written",
    ["<EMAIL_1>", "&lt;EMAIL_1&gt;", "[EMAIL_1]", "EMAIL_1", "<email_1>", "<Email_1>", r"<EMAIL\_1>",
     r"\u003cEMAIL_1\u003e"],
)  # fmt: skip
def test_models_write_placeholders_in_many_ways(written: str) -> None:
    names = hide(body("a@example.org"), FINDER).names
    assert reveal(answer(f"to {written}."), names).text == "to a@example.org."


@pytest.mark.parametrize("written", ["<EMAIL_2>", "<EMAIL_12>", "EMAIL_1X", "MYEMAIL_1", "EMAIL 1", "<PHONE_1>"])
def test_what_is_no_placeholder_of_ours_stays(written: str) -> None:
    names = hide(body("a@example.org"), FINDER).names
    assert reveal(answer(written), names).text == written


def test_a_link_of_markdown_stays_one() -> None:
    names = hide(body("a@example.org"), FINDER).names
    assert reveal(answer("[EMAIL_1](mailto:EMAIL_1)"), names).text == "[a@example.org](mailto:a@example.org)"


def test_values_are_escaped_inside_arguments() -> None:
    names = Names()
    names.placeholder("SECRET", 'say "x"\\n')
    told = reveal(answer("", '{"key": "<SECRET_1>"}'), names)
    assert json.loads(told.tool_calls[0].arguments) == {"key": 'say "x"\\n'}
    assert conceal(told, names).tool_calls[0].arguments == '{"key": "<SECRET_1>"}'


def test_pictures_stay_and_are_counted() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AKIAABCDEFGHIJKLMNOP"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    asked = body([{"type": "text", "text": "of a@example.org"}, picture, sound])
    hidden = hide(asked, FINDER)
    assert hidden.unseen == 2
    assert hidden.body["messages"][0]["content"][1:] == [picture, sound]


def test_a_part_of_no_known_type_is_no_attachment() -> None:
    assert hide(body([{"type": ["image"], "text": "x"}, {"type": None}]), FINDER).unseen == 0


def test_records_of_logs_keep_ids_times_and_models() -> None:
    record = {
        "id": "a@example.org", "timestamp": "2026-10-01T00:00:00Z", "model": "gpt-4o",
        "request": '{"messages": [{"content": "a@example.org, +49 30 901820"}]}', "user": "a@example.org",
        "n": [1, None],
    }  # fmt: skip
    hidden = hide_json(record, FINDER, Names())
    assert {name: hidden[name] for name in ("id", "timestamp", "model", "n")} == {
        "id": "a@example.org", "timestamp": "2026-10-01T00:00:00Z", "model": "gpt-4o", "n": [1, None],
    }  # fmt: skip
    assert json.loads(hidden["request"]) == {"messages": [{"content": "<EMAIL_1>, <PHONE_1>"}]}
    assert hidden["user"] == "<EMAIL_1>"


@pytest.mark.parametrize(
    "arguments",
    ['{"to": "a@example.org",  "sum": 12.50}', r'{"a": "x\na@example.org", "n": 1e3}', r'{"a": "\"a@example.org\""}',
     r'{"a": "j\u00fcrgen@example.org\u00fc"}', r'{"a": "{\"b\": \"a@example.org\\n\"}"}', r'["C:\\a@example.org"]'],
)  # fmt: skip
def test_a_text_that_is_json_stays_json_to_the_letter(arguments: str) -> None:
    names = Names()
    hidden = hide_text(arguments, FINDER, names)
    assert "example" not in hidden
    assert isinstance(json.loads(hidden), type(json.loads(arguments)))
    for name, value in names.values.items():
        hidden = hidden.replace(name, value)
    assert hidden == arguments


def test_own_patterns_come_first() -> None:
    own = finder(patterns={"EMPLOYEE": r"E-\d{6}", "DOMAIN": "example[.]org"})
    names = Names()
    assert hide_text("E-123456 at a@example.org", own, names) == "<EMPLOYEE_1> at <EMAIL_1>"


@pytest.mark.parametrize(
    ("patterns", "said"),
    [({"employee": "x"}, "no name"), ({"A": "("}, "cannot be used"), ({"A": "x*"}, "nothing at all"),
     ({"A": r"(?<=x)y"}, "cannot be used"), ({"A": r"(a)\1"}, "cannot be used")],
)  # fmt: skip
def test_patterns_that_cannot_be_used_are_named(patterns: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=r"\[redact\] patterns: \w+") as refused:
        finder(patterns=patterns)
    assert said in refused.value.message


def test_kinds_and_languages_that_cannot_be_had_are_named() -> None:
    with pytest.raises(ConfigError, match="'MAIL' is not known"):
        finder(("MAIL",))
    with pytest.raises(ConfigError, match=r"\[redact\] languages"):
        finder(languages=("xx",))


def test_the_room_is_light_until_it_is_used() -> None:
    heavy = "{'re2', 'phonenumbers', 'stdnum', 'presidio_analyzer', 'pyarrow', 'pandas', 'numpy'}"
    seen = f"import sys, llmcost.redaction; llmcost.redaction.finder(); print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_nothing_of_a_value_shows_in_a_repr() -> None:
    names = hide(body("a@example.org"), FINDER).names
    assert "example" not in repr(names)


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "@", "a@", "a@b.", "1.", "1:", ":", "f:", "-----BEGIN RSA PRIVATE KEY-----", "password: ", "key=",
     "eyJ", "sk-", "://a:", "+1", "(1)", "DE89 ", "a7" * 8, "<EMAIL_1>", "[at]", "4111 ", "bearer ", '{"a":', "["],
)  # fmt: skip
def test_no_text_takes_more_than_its_length(piece: str) -> None:
    """A quadratic detector would not come back from this in the time of a test run."""
    text = piece * (100_000 // len(piece))
    hide(body(text), finder())
