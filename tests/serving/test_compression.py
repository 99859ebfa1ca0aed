"""Compression: what may be shortened is, nothing else is, and where a compressor fails the original goes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.answers import Answer, ToolCall
from llmcost.endpoint import ChatRequest, Completion
from llmcost.grading.attacks import ORDERS_TO_JUDGES
from llmcost.grading.canned import CONSTANTS
from llmcost.serving.compression import (
    SHORTEN,
    Compressed,
    ReadBack,
    Templates,
    compressed,
    difference,
    read_compressor_prompt,
    shortened_templates,
    template_key,
)
from llmcost.serving.extractive import libraries
from llmcost.serving.plan import Compression
from llmcost.serving.protected import size, words
from llmcost.serving.steps import ask_now

RULE = Compression("small", ratio=0.5, min_tokens=50)
EXTRACTIVE = Compression("extractive", ratio=0.5, min_tokens=50)

LEASE = """The tenant rents flat A-12 from 2024-05-01 on. The weather was mild that spring and the harbour smelled.
The deposit is 1,200 EUR and must be paid before the key is handed over. Many visitors came to see the boats and the
old town, and some of them stayed for the whole of the summer. The tenant must not keep dogs in the flat. The deposit
is paid back within 30 days, unless rent is owed. A band played by the water, and the people of the town listened."""
SHORT_LEASE = """The tenant rents flat A-12 from 2024-05-01 on. The deposit is 1,200 EUR and must be paid before the key
is handed over. The tenant must not keep dogs in the flat. The deposit is paid back within 30 days, unless rent is
owed."""
QUESTION = "What is the deposit for flat A-12?"


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    libraries()


def asking(*messages: Mapping[str, Any], **params: Any) -> ChatRequest:
    return ChatRequest({"model": "large", "messages": list(messages), **params})


def said(role: str, content: Any, **rest: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **rest}


WITH_TOOL = asking(said("user", QUESTION), said("tool", LEASE, tool_call_id="c1"))


def reply(text: str | None, **answer: Any) -> Completion:
    return Completion("small", "answered", Answer(text, **{"finish_reason": "stop", **answer}), latency_ms=7.0)


Compressor = Callable[[ReadBack], Completion]


def run(request: ChatRequest, rule: Compression, compressor: Compressor) -> Compressed:
    """The steps driven by a compressor that reads its prompt back; it is asked once at most."""
    rounds = []

    def ask(requests: list[ChatRequest]) -> list[Completion]:
        rounds.append(len(requests))
        return [compressor(read(asked)) for asked in requests]

    result = ask_now(compressed(request, rule), ask)
    assert rounds == [len(result.attempts)] * bool(result.attempts)
    return result


def read(request: ChatRequest) -> ReadBack:
    found = read_compressor_prompt(request.body)
    assert found is not None
    return found


def drops_every_other_line(asked: ReadBack) -> Completion:
    return reply("".join(asked.text.splitlines(keepends=True)[::2]))


def always(text: str | None, **answer: Any) -> Compressor:
    return lambda _: reply(text, **answer)


# Messages as they come, the odd ones included.
TEXTS = st.sampled_from((LEASE, LEASE[::-1], "Yes.", "", "\n".join(CONSTANTS * 2), "中文。" * 90)) | st.text(
    max_size=300
)
PARTS = st.lists(
    TEXTS.map(lambda text: {"type": "text", "text": text})
    | st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
    | st.just({"type": "text"}),
    max_size=3,
)
MESSAGES = st.lists(
    st.builds(
        said,
        st.sampled_from(("system", "developer", "user", "assistant", "tool", "function")),
        TEXTS | PARTS | st.none() | st.just(3),
    )
    | st.sampled_from(({"role": ["user"]}, {}, "no message")),
    max_size=6,
)
PARAMS = st.fixed_dictionaries(
    {}, optional={"tools": st.just([{"type": "function", "function": {"name": "f", "description": LEASE}}]),
                  "response_format": st.just({"type": "json_schema", "json_schema": {"description": LEASE}})}
)  # fmt: skip
REQUESTS = st.builds(
    lambda messages, params: ChatRequest({"model": "large", "messages": messages, **params}, replicate=2),
    MESSAGES, PARAMS,
)  # fmt: skip
COMPRESSORS = st.sampled_from(
    (
        drops_every_other_line,
        lambda asked: reply(asked.text[: len(asked.text) // 2]),
        lambda asked: reply(asked.text * 2),
        lambda asked: reply("```text\n" + asked.text[::2] + "\n```"),
        always("Sure!"),
        always(None),
        lambda _: Completion("small", "unreachable"),
    )
)
RULES = st.builds(
    Compression,
    st.sampled_from(("small", "extractive")),
    ratio=st.sampled_from((0.2, 0.5, 0.8)),
    min_tokens=st.sampled_from((1, 50, 500)),
    last_user_turn=st.booleans(),
)


def skeleton(request: ChatRequest) -> Any:
    """A body without the texts of its messages."""
    body = copy.deepcopy(dict(request.body))
    for message in body["messages"]:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            message["content"] = "text"
        for part in content if isinstance(content, list) else ():
            part["text"] = "text" if "text" in part else None
    return body


def texts(request: ChatRequest, *roles: str) -> list[str]:
    """The texts of the messages of these roles, in order; of all, if none is named."""
    found = []
    for message in request.body["messages"]:
        if isinstance(message, dict) and (not roles or message.get("role") in roles):
            content = message.get("content")
            found += [content] if isinstance(content, str) else []
            found += [part["text"] for part in content if "text" in part] if isinstance(content, list) else []
    return found


@given(REQUESTS, RULES, COMPRESSORS)
def test_nothing_but_texts_is_changed_and_none_grows(request: ChatRequest, rule: Compression, by: Compressor) -> None:
    before = copy.deepcopy(request)
    result = run(request, rule, by)
    assert request == before
    assert skeleton(result.request) == skeleton(request)
    assert result.request.replicate == request.replicate
    assert all(size(new) <= size(old) for old, new in zip(texts(request), texts(result.request), strict=True))
    assert result.tokens_after <= result.tokens_before == sum(map(size, texts(request))) // 4


@given(REQUESTS, RULES, COMPRESSORS)
def test_system_prompts_and_the_models_own_turns_stay(request: ChatRequest, rule: Compression, by: Compressor) -> None:
    stay = ("system", "developer", "assistant")
    assert texts(run(request, rule, by).request, *stay) == texts(request, *stay)


@given(REQUESTS, RULES, COMPRESSORS)
def test_the_last_user_turn_stays_unless_the_rule_says_so(
    request: ChatRequest, rule: Compression, by: Compressor
) -> None:
    asked = asking(*request.body["messages"], said("user", LEASE), said("assistant", "Let me see."))
    rule = Compression(rule.by, rule.ratio, rule.min_tokens, last_user_turn=False)
    assert run(asked, rule, by).request.body["messages"][-2] == said("user", LEASE)


@given(REQUESTS, RULES, COMPRESSORS)
def test_shorter_texts_are_neither_touched_nor_asked_about(
    request: ChatRequest, rule: Compression, by: Compressor
) -> None:
    result = run(request, rule, by)
    assert all(size(read(attempt.request).text) >= 4 * rule.min_tokens for attempt in result.attempts)
    for old, new in zip(texts(request), texts(result.request), strict=True):
        assert size(old) >= 4 * rule.min_tokens or new == old


@given(REQUESTS, COMPRESSORS)
def test_a_request_without_long_texts_is_the_very_same(request: ChatRequest, by: Compressor) -> None:
    result = run(request, Compression("small", min_tokens=10_000), by)
    assert result.request is request
    assert (result.attempts, result.latency_ms, result.passed) == ((), 0.0, {})


@given(REQUESTS, RULES, COMPRESSORS)
def test_the_same_request_is_shortened_the_same(request: ChatRequest, rule: Compression, by: Compressor) -> None:
    assert run(request, rule, by) == run(request, rule, by)


@given(REQUESTS, RULES)
def test_sentences_are_chosen_without_asking_anybody(request: ChatRequest, rule: Compression) -> None:
    result = run(request, Compression("extractive", rule.ratio, rule.min_tokens, rule.last_user_turn), always("?"))
    assert (result.attempts, result.latency_ms) == ((), 0.0)


@pytest.mark.parametrize("rule", [RULE, EXTRACTIVE], ids=["model", "extractive"])
@pytest.mark.parametrize("role", ["tool", "function", "user"])
def test_tool_results_and_earlier_turns_are_shortened(role: str, rule: Compression) -> None:
    request = asking(said(role, LEASE), said("assistant", "Noted."), said("user", QUESTION))
    result = run(request, rule, always(SHORT_LEASE))
    [short, *rest] = texts(result.request)
    assert size(short) < 0.7 * size(LEASE)
    assert "1,200 EUR" in short and "A-12" in short
    assert rest == ["Noted.", QUESTION]
    assert result.passed == {}


def test_text_parts_are_shortened_and_pictures_stay() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [picture, {"type": "text", "text": LEASE, "cache_control": {"type": "ephemeral"}}, picture]
    result = run(asking(said("user", parts), said("user", QUESTION)), RULE, always(SHORT_LEASE))
    assert result.request.body["messages"][0]["content"] == [picture, {**parts[1], "text": SHORT_LEASE}, picture]


def test_all_texts_are_asked_for_at_once_and_equal_ones_once() -> None:
    other = LEASE.replace("A-12", "B-7")
    request = asking(said("tool", LEASE), said("tool", other), said("tool", LEASE), said("user", "And?"))
    result = run(
        request, RULE, lambda asked: reply(SHORT_LEASE.replace("A-12", "B-7" if "B-7" in asked.text else "A-12"))
    )
    assert [read(attempt.request).text for attempt in result.attempts] == [LEASE, other]
    assert {attempt.role for attempt in result.attempts} == {"compressor"}
    assert texts(result.request, "tool") == [SHORT_LEASE, SHORT_LEASE.replace("A-12", "B-7"), SHORT_LEASE]
    assert result.latency_ms == 7.0


def test_of_a_last_turn_that_may_be_shortened_the_question_before_and_behind_the_document_stays() -> None:
    rule = Compression("small", min_tokens=50, last_user_turn=True)
    turn = f"Read this lease.\n\n{LEASE}\n\n{QUESTION}"
    result = run(asking(said("user", turn)), rule, always(SHORT_LEASE))
    assert texts(result.request) == [f"Read this lease.\n\n{SHORT_LEASE}\n\n{QUESTION}"]
    forgot = SHORT_LEASE.replace("flat A-12", "a flat")
    assert run(asking(said("user", turn)), rule, always(forgot)).passed == {"loses what the question names": 1}


@pytest.mark.parametrize("turn", [f"{LEASE}\n\n{QUESTION}", f"{QUESTION}\n\n{LEASE}"])
def test_the_question_may_stand_on_either_side(turn: str) -> None:
    rule = Compression("small", min_tokens=50, last_user_turn=True)
    [sent] = texts(run(asking(said("user", turn)), rule, always(SHORT_LEASE)).request)
    assert sent == turn.replace(LEASE, SHORT_LEASE)


FAILING: dict[str, tuple[Completion, str]] = {
    "unreachable": (Completion("small", "unreachable"), "unreachable"),
    "rejected": (Completion("small", "rejected", error="too long"), "rejected"),
    "no answer": (Completion("small", "answered"), "no answer"),
    "empty": (reply(""), "empty"),
    "only thoughts": (reply("<think>The text is about a lease."), "empty"),
    "calls a tool": (reply(None, tool_calls=(ToolCall("shorten", "{}"),)), "empty"),
    "refusal": (reply(None, refusal="I cannot do that."), "refused"),
    "refusal in words": (reply("I'm sorry, but I can't help with that."), "too short"),
    "cut off": (reply(SHORT_LEASE, finish_reason="length"), "cut off"),
    "the same": (reply(LEASE), "no shorter"),
    "longer": (reply(LEASE + LEASE), "no shorter"),
    "answers the question": (reply("The deposit for flat A-12 is 1,200 EUR."), "too short"),
    "answers it at length": (
        reply("Based on this contract, your landlord wants 1,200 EUR as security for A-12. I would recommend a bank "
              "transfer well ahead of moving day, together with written confirmation. Should anything remain unclear, "
              "feel free to ask me another question!"),
        "in other words",
    ),
    "translates": (
        reply("Der Mieter mietet die Wohnung A-12 ab dem 2024-05-01. Die Kaution beträgt 1,200 EUR und ist vor der "
              "Übergabe des Schlüssels zu zahlen. Hunde sind verboten. Die Kaution wird binnen 30 Tagen erstattet."),
        "in other words",
    ),
    "drops the id": (reply(SHORT_LEASE.replace("flat A-12", "the flat")), "loses what the question names"),
    "changes a number": (reply(SHORT_LEASE.replace("1,200", "2,100")), "adds a figure"),
}  # fmt: skip


@pytest.mark.parametrize(("completion", "reason"), FAILING.values(), ids=FAILING)
def test_whatever_a_compressor_does_wrong_the_original_goes(completion: Completion, reason: str) -> None:
    result = run(WITH_TOOL, RULE, lambda _: completion)
    assert result.passed == {reason: 1}
    assert result.request is WITH_TOOL
    assert result.tokens_after == result.tokens_before
    assert [attempt.completion for attempt in result.attempts] == [completion]


DUTIES = "\n".join(
    f"Room {room}: guests must leave by {room} o'clock and may not smoke there." for room in range(1, 21)
)


@pytest.mark.parametrize(
    ("short", "reason"),
    [
        ("\n".join(f"Room {room}: guests leave by {room} o'clock, smoke there." for room in range(1, 21)),
         "loses requirements"),
        ("Room 1: guests must leave by 1 o'clock and may not smoke there.\n" * 10, "loses figures"),
        ("\n".join(DUTIES.splitlines()[:12]), None),
    ],
)  # fmt: skip
def test_figures_and_duties_may_go_with_their_text_but_not_out_of_it(short: str, reason: str | None) -> None:
    request = asking(said("tool", DUTIES), said("user", "And smoking?"))
    result = run(request, RULE, always(short))
    assert result.passed == ({reason: 1} if reason else {})


def test_json_stays_json() -> None:
    table = json.dumps([{"id": f"ORD-{number}", "state": "sent", "note": "left at the door"} for number in range(40)])
    request = asking(said("user", "Where is ORD-3?"), said("tool", table))
    assert run(request, RULE, always(table[: len(table) // 2])).passed == {"no JSON any more": 1}
    shorter = json.dumps([{"id": f"ORD-{number}", "state": "sent"} for number in range(40)])
    assert texts(run(request, RULE, always(shorter)).request, "tool") == [shorter]
    assert run(request, EXTRACTIVE, always("")).request is request


def test_what_the_instructions_quote_stays_as_far_as_the_text_holds_it() -> None:
    request = asking(said("system", "Say `keep dogs` if it is about animals."), said("tool", LEASE), said("user", "?"))
    assert run(request, RULE, always(SHORT_LEASE)).passed == {}
    without = SHORT_LEASE.replace("keep dogs", "have dogs")
    assert run(request, RULE, always(without)).passed == {"loses what the question names": 1}


def test_reasons_are_counted_by_text() -> None:
    other = LEASE.replace("A-12", "B-7")
    request = asking(said("tool", LEASE), said("tool", other), said("tool", LEASE), said("user", QUESTION))
    assert run(request, RULE, always("No.")).passed == {"too short": 3}


@pytest.mark.parametrize(
    "dressed",
    [
        f"\n  {SHORT_LEASE}\n\n",
        f"```\n{SHORT_LEASE}\n```",
        f"```text\n{SHORT_LEASE}```",
        f"<think>A lease.</think>\n{SHORT_LEASE}",
        f"<<<TEXT {'0' * 20}>>>\n{SHORT_LEASE}\n<<<END {'0' * 20}>>>",
    ],
)
def test_what_a_reply_is_dressed_in_is_taken_off(dressed: str) -> None:
    assert texts(run(WITH_TOOL, RULE, always(dressed)).request, "tool") == [SHORT_LEASE]


def test_the_fence_of_a_text_that_is_code_stays() -> None:
    code, short = (f"```\n{text}\n```" for text in (LEASE, SHORT_LEASE))
    assert texts(run(asking(said("tool", code)), RULE, always(short)).request) == [short]


@given(st.text(st.characters() | st.sampled_from("<>`\n")) | st.sampled_from(ORDERS_TO_JUDGES), st.booleans())
def test_a_prompt_is_read_back_exactly(text: str, static: bool) -> None:
    """Even a text that holds a prompt like the one that it is put into."""
    rule = Compression("small", ratio=0.5, min_tokens=0)
    text = f"{text} one two three four"
    for _ in range(2):
        steps = shortened_templates([text], rule) if static else compressed(asking(said("tool", text)), rule)
        [question] = next(steps)
        asked = read(question.request)
        assert (asked.text, asked.static) == (text, static)
        assert asked.words >= 2
        text = question.request.body["messages"][1]["content"]


def test_other_requests_are_not_taken_for_a_compressors() -> None:
    assert read_compressor_prompt(WITH_TOOL.body) is None
    assert read_compressor_prompt({}) is None
    forged = "Shorten it to at most 9 words.\n\nno markers"
    assert read_compressor_prompt({"messages": [said("system", SHORTEN), said("user", forged)]}) is None
    assert read_compressor_prompt({"messages": [said("system", "Else."), said("user", prompt_of(LEASE))]}) is None


def prompt_of(text: str) -> str:
    [question] = next(compressed(asking(said("tool", text)), RULE))
    return str(question.request.body["messages"][1]["content"])


def test_the_compressor_is_asked_as_it_takes_requests_and_the_instruction_comes_first() -> None:
    [question] = next(compressed(WITH_TOOL, Compression("gpt-5-nano@low", min_tokens=50)))
    body = question.request.body
    assert (body["model"], body["reasoning_effort"]) == ("gpt-5-nano", "low")
    assert "max_tokens" not in body and "temperature" not in body
    assert body["max_completion_tokens"] > size(LEASE) / 4
    assert body["messages"][0] == said("system", SHORTEN)


@pytest.mark.parametrize(("text", "most"), [("one two three four " * 20, 40), ("中文" * 60, 60)])
def test_the_length_is_asked_in_words_or_in_characters_where_there_are_none(text: str, most: int) -> None:
    [question] = next(compressed(asking(said("tool", text)), RULE))
    assert read(question.request).words == most


SYSTEM = f'You answer questions about leases.\n{LEASE}\nReply with `deposit` or "none".'
SHORT_SYSTEM = f'You answer questions about leases.\n{SHORT_LEASE}\nReply with `deposit` or "none".'


def run_templates(prompts: list[str], rule: Compression, compressor: Compressor) -> Templates:
    return ask_now(
        shortened_templates(prompts, rule), lambda requests: [compressor(read(request)) for request in requests]
    )


def test_a_system_prompt_is_shortened_once_and_then_sent_instead_for_nothing() -> None:
    made = run_templates([SYSTEM, "Be brief.", SYSTEM], RULE, always(SHORT_SYSTEM))
    assert made.texts == {template_key(SYSTEM): SHORT_SYSTEM}
    assert [read(attempt.request) for attempt in made.attempts] == [ReadBack(SYSTEM, len(words(SYSTEM)) // 2, True)]
    rule = Compression("small", min_tokens=50, templates=dict(made.texts))
    for content in (SYSTEM, [{"type": "text", "text": SYSTEM}]):
        result = run(asking(said("system", content), said("user", QUESTION)), rule, always("?"))
        assert texts(result.request) == [SHORT_SYSTEM, QUESTION]
        assert (result.attempts, result.latency_ms) == ((), 0.0)
        assert result.tokens_before - result.tokens_after > 50
    assert run_templates([SYSTEM], rule, always(SHORT_SYSTEM)) == Templates({}, (), {})


def test_a_system_prompt_with_the_context_of_a_call_behind_a_template_is_sent_as_it_is() -> None:
    rule = Compression("small", min_tokens=50, templates={template_key(SYSTEM): SHORT_SYSTEM})
    request = asking(said("system", f"{SYSTEM}\nToday is Monday."), said("user", QUESTION))
    assert run(request, rule, always("?")).request is request


@pytest.mark.parametrize(
    ("short", "reason"),
    [
        (SHORT_SYSTEM.replace("30 days", "some days"), "loses a figure"),
        (SHORT_SYSTEM.replace("`deposit`", "the word"), "loses a literal"),
        (SHORT_SYSTEM + " At most 7 words.", "adds a figure"),
        (SYSTEM, "no shorter"),
        ("Understood.", "too short"),
    ],
)
def test_instructions_keep_every_figure_and_literal(short: str, reason: str) -> None:
    made = run_templates([SYSTEM], RULE, always(short))
    assert (made.texts, made.passed) == ({}, {reason: 1})


def test_instructions_are_not_shortened_by_choosing_sentences() -> None:
    assert run_templates([SYSTEM, "Be brief."], EXTRACTIVE, always("?")) == Templates({}, (), {"needs a model": 1})


def test_a_difference_shows_what_was_said_and_what_is_said_now() -> None:
    assert difference("Be kind. Always answer in JSON. Thank you.", "Be kind. Answer in JSON. Thank you.") == (
        "@@ -1,3 +1,3 @@\n Be kind.\n-Always answer in JSON.\n+Answer in JSON.\n Thank you."
    )


@given(TEXTS, TEXTS, st.integers(20, 120))
def test_a_difference_fits_its_columns_and_is_empty_only_between_equals(before: str, after: str, columns: int) -> None:
    assert all(len(line) <= columns for line in difference(before, after, columns).split("\n"))
    assert difference(before, before) == ""
    assert difference(before, after) or before.split() == after.split()
