import gzip
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import real_data

from llmcost.call_site import normalise, volatile
from llmcost.calls import Call
from llmcost.tasks import call_site


def site(system: object = None, *, role: str = "system", **request: object) -> str | None:
    messages = [{"role": "user", "content": "hello"}]
    if system is not None:
        messages.insert(0, {"role": role, "content": system})
    return call_site(Call(request={"model": "m", "messages": messages, **request}))


def tool(name: str, **properties: object) -> dict[str, object]:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "…", "parameters": parameters}}


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("Summarize support tickets.", "summarize support tickets"),
        ("You are a helpful assistant that translates product pages into French.", "translates product pages french"),
        ("You are a helpful assistant. Classify the intent of the message.", "classify intent message"),
        ("You are a helpful assistant.", "assistant"),
        ("Today is Monday, January 5, 2026.\nYou write SQL for our analysts.", "write sql analysts"),
        ("# Airline Agent Policy\n\nThe current time is 2024-05-15 15:00:00 EST.", "airline agent policy"),
        ("Extract " + "x" * 90, "extract"),
        ("y" * 90, "y" * 40),
    ],
)
def test_a_call_site_is_named_after_what_the_prompt_is_about(system, name):
    found = site(system)
    assert found is not None
    readable, fingerprint = found.split("·")
    assert readable == name
    assert len(fingerprint) == 6


PROMPT = "You are the support agent of Acme. {} Answer in three sentences."
VOLATILE = [
    ("Today is {}.", ["2026-10-01", "2025-01-31", "2026-11-23T10:11:12.123Z", "2026-01-02 10:00:00 +01:00"]),
    ("Today is {}.", ["1 October 2026", "October 2nd, 2025", "31.12.2026", "12/31/25"]),
    ("It is {} now.", ["10:02", "9:14:59", "11:59 pm", "08:00 UTC"]),
    ("Request {}.", [str(uuid.UUID(int=n * 7**40)) for n in range(1, 4)]),
    ("Trace {}.", ["4f9a21bc77d0", "0123456789abcdef0123456789abcdef"]),
    ("Customer {}.", ["cus_9s6XKzkNRiz8i3", "cus_Ab12Cd34Ef56Gh"]),
    ("Write to {}.", ["jane@example.com", "j.doe+x@mail.example.org"]),
    ("See {} for more.", ["https://a.example/x?y=1", "http://b.example"]),
    ("Order {} is late.", ["1234567", "99812"]),
    ("Balance {} is due.", ["$1,234.56", "$98,765.43"]),
    ("Customer name: {}.", ["Jane Doe", "Ömer", "Mary-Ann O'Neil Smith"]),
    ("<context>{}</context>", ["All about cats. 12 of them", "Dogs\n\nare different"]),
]


@pytest.mark.parametrize(("sentence", "values"), VOLATILE)
def test_what_a_program_fills_in_does_not_make_a_new_call_site(sentence, values):
    assert len({site(PROMPT.format(sentence.format(value))) for value in values}) == 1


@pytest.mark.parametrize("other", ["Answer in two sentences.", "Answer in 3 words.", "Reply with yes or no.", ""])
def test_other_instructions_are_another_call_site(other):
    assert site("Classify the ticket. Answer in 5 words.") != site(f"Classify the ticket. {other}")


@given(st.integers(1, 10**12), st.datetimes(), st.uuids())
def test_any_number_date_and_id(number, moment, identifier):
    filled = f"You help customers. Now: {moment.isoformat()}. Session {identifier}. Order #{number + 9999}."
    assert site(filled) == site(
        "You help customers. Now: 2026-10-01T00:00:00. Session 12345678-1234-1234-1234-123456789012. Order #10000."
    )


def test_system_developer_and_text_parts_say_the_same():
    parts = [{"type": "text", "text": "Classify the ticket."}]
    assert site("Classify the ticket.") == site("Classify the ticket.", role="developer") == site(parts)


def test_tools_tell_call_sites_apart_but_their_order_does_not():
    search, book = tool("search_flights", city={"type": "string"}), tool("book_flight")
    assert site("You book.", tools=[search, book]) == site("You book.", tools=[book, search])
    assert site("You book.", tools=[search]) != site("You book.", tools=[book]) != site("You book.")
    assert site(tools=[search]) != site(tools=[tool("search_flights", day={"type": "string"})])


def test_without_a_system_prompt_the_tools_give_the_name():
    named = site(tools=[tool("search_flights"), tool("book_flight")])
    assert named is not None
    assert named.startswith("book_flight, search_flights·")
    legacy = {"name": "search_flights", "parameters": {"type": "object", "properties": {}}}
    assert site(functions=[legacy]) == site(tools=[tool("search_flights")])


def test_many_tools_make_no_long_name():
    named = site(tools=[tool(f"tool_number_{n}") for n in range(50)])
    assert named is not None
    assert len(named) <= 40 + 1 + 6


def test_nothing_to_go_by():
    assert site() is None
    assert call_site(Call(body_state="absent")) is None


@pytest.mark.parametrize(
    "request_body",
    [
        {"messages": "text"},
        {"messages": [None, 3, "x"]},
        {"messages": [{"role": "system"}]},
        {"messages": [{"role": "system", "content": [None, {"text": 3}]}]},
        {"tools": "x"},
        {"tools": [None, {}], "messages": None},
    ],
)
def test_no_shape_of_body_is_an_error(request_body):
    assert call_site(Call(request=request_body)) is None or request_body["tools"] == [None, {}]


def test_two_hundred_real_agent_conversations_are_one_call_site():
    with gzip.open(real_data.path("tau_bench", "gpt-4o-airline.trajectories.jsonl.gz"), "rt") as lines:
        sites = {call_site(Call(request={"messages": json.loads(line)["messages"]})) for line in lines}
    assert len(sites) == 1
    assert str(sites.pop()).startswith("airline agent policy·")


@pytest.mark.parametrize(("sentence", "values"), VOLATILE)
def test_what_was_filled_in_is_found_at_its_place(sentence, values):
    for value in values:
        text = sentence.format(value)
        spans = volatile(text)
        for start, end, kind in reversed(spans):
            text = f"{text[:start]} <{kind}> {text[end:]}"
        assert "".join(text.split()) == "".join(normalise(sentence.format(value)).split())
        if "context" not in sentence:
            assert sentence.format(value)[spans[0][0] :].startswith(value[:1])
