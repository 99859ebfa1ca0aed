"""Where prompts part: planted differences are found at the very byte, and what stands there is told by its kind."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.audit.prompt_text import align, parts, size

SECOND = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
VALUES = {
    "time": lambda n: (SECOND + timedelta(seconds=7919 * n)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "id": lambda n: str(uuid.UUID(int=(n + 1) * 7**40 % 2**128)),
    "number": lambda n: str(48_213 + 7919 * n),
    "email": lambda n: f"jane.doe{n}@mail.example.com",
    "url": lambda n: f"https://shop.example/orders/{n}?from=mail",
    "name": lambda n: ("Jane Doe", "Ömer Çelik", "Ana María López")[n % 3],
}
# Sentences without anything that looks filled in, in several scripts.
WORDS = st.lists(
    st.text("abcdefgh äöüßéñ 漢字かな 😀 жизнь", min_size=1, max_size=9).map(str.strip).filter(bool), max_size=40
).map(" ".join)
TAIL = "Answer in three sentences and never promise a refund. " * 4


def chat(system: str, user: str = "hello", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}], **more}


@given(WORDS, st.sampled_from(sorted(VALUES)), st.integers(0, 40), st.integers(1, 40), st.booleans())
def test_what_is_planted_at_a_byte_is_found_at_this_byte(before, kind, n, step, with_tool):
    before += "\nUser name: " if kind == "name" else " \n"
    values = [VALUES[kind](n), VALUES[kind](n + (step if kind != "name" or step % 3 else 1))]
    tools = [{"type": "function", "function": {"name": "find", "description": "Öffnet"}}] if with_tool else []
    one, two = (parts(chat(f"{before}{value} is set. {TAIL}", tools=tools)) for value in values)
    found = align(one, two)
    tool_bytes = size(one[:-2])
    assert found.at is not None
    assert (found.at.place, found.at.kind) == ("system prompt", kind)
    assert found.at.byte_in_place == len(before.encode())
    assert found.at.character == len(before)
    assert found.at.byte == found.shared == tool_bytes + len(before.encode())
    assert found.static == size(one) - len(values[0].encode())


@given(WORDS, WORDS, WORDS)
def test_static_bytes_lie_between_the_shared_ones_and_the_shorter_prompt(shared, one, two):
    prompts = [parts(chat(shared + one, two)), parts(chat(shared + two, one))]
    found = align(*prompts)
    assert 0 <= found.shared <= found.static <= min(map(size, prompts))
    again = align(prompts[0], prompts[0])
    assert (again.shared, again.static, again.at) == (size(prompts[0]), size(prompts[0]), None)


def test_several_values_are_skipped_and_the_first_is_named():
    text = "Today is {}. You serve {}. Ticket {} of 12. " + TAIL
    one = text.format("2026-10-01", "cus_9s6XKzkNRiz8i3", 7)
    two = text.format("2026-10-02", "cus_Ab12Cd34Ef56Gh", 11)
    found = align(parts(chat(one)), parts(chat(two)))
    assert (found.at.kind, found.at.character) == ("time", 9)
    assert found.static == len(one) - len("2026-10-01" + "cus_9s6XKzkNRiz8i3" + "7") + len("hello")


def test_unknown_text_is_skipped_in_a_system_prompt_and_ends_the_comparison_in_a_message():
    one, two = ("You help " + who + ". " + TAIL for who in ("a florist in Ghent", "two bakers"))
    system = align(parts(chat(one)), parts(chat(two)))
    assert (system.at.kind, system.at.character) == ("text", 9)
    assert system.static == len("You help ") + len(". " + TAIL) + len("hello")
    message = align(parts(chat("Help.", one)), parts(chat("Help.", two)))
    assert (message.at.place, message.static) == ("first user message", len("Help.") + len("You help "))


def test_tools_come_first_and_a_picture_counts_no_byte():
    tools = [{"type": "function", "function": {"name": name, "description": text}} for name, text in ("ab", "cd")]
    other = [tools[0], {"type": "function", "function": {"name": "c", "description": "e"}}]
    found = align(parts(chat("s", tools=tools)), parts(chat("s", tools=other)))
    assert found.at.place == "tool 2"
    look = [{"type": "text", "text": "Look: "}, {"type": "image_url", "image_url": {"url": "data:1"}}]
    there = [look[0], {"type": "image_url", "image_url": {"url": "data:2"}}]
    seen = align(*(parts({"messages": [{"role": "user", "content": content}]}) for content in (look, there)))
    assert (seen.shared, seen.at.kind, seen.at.place) == (6, "text", "first user message")


def test_a_conversation_that_goes_on_begins_with_all_that_was_said():
    begun = chat("Help.", "Where is it?")
    asked = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
    on = {"messages": [*begun["messages"], asked, {"role": "tool", "content": "In Ghent."}]}
    found = align(parts(begun), parts(on))
    assert (found.at, found.shared) == (None, size(parts(begun)))
    assert [part.place for part in parts(on)][2:] == ["message 3 (assistant)", "message 4 (tool)"]


ODD: list[dict[str, Any]] = [
    {},
    {"messages": None},
    {"messages": "x"},
    {"messages": [None, 3, {"role": 1, "content": [None, {"text": 5}, "x"]}]},
    {"tools": {"a": 1}, "messages": [{"content": "\ud800"}]},
    {"messages": [{"tool_calls": 4, "content": 7}]},
]


@pytest.mark.parametrize("request_", ODD)
def test_odd_requests_have_a_prompt_too(request_):
    assert align(parts(request_), parts(request_)).at is None
