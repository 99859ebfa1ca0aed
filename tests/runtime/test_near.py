"""Nearly the same question, in a request that is the same otherwise: answered from the cache if the plan says so."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import support.call_tables  # noqa: F401  (registers the hypothesis profile)
from hypothesis import given
from hypothesis import strategies as st
from support.loopback import Body, Loopback, Reply
from support.routing import cached, said

from llmcost.minhash import TEMPLATE_PROMPTS, jaccard
from llmcost.runtime import Router
from llmcost.runtime.near import NearIndex
from llmcost.serving.keys import Wording

NEAR = 0.8
REST = b"r" * 32
SYSTEM = "Answer the customer of a shop in one sentence."
WORDS = """
    parcel kettle tent refund invoice card address delay colour size warranty gift voucher return courier basket
    discount account password store stock repair manual battery lamp chair shirt shoes bottle knife glass
""".split()  # noqa: SIM905


def question(number: int) -> str:
    """One of many questions that have nothing in common."""
    return " ".join(random.Random(number).choices(WORDS, k=14)) + "?"


def asked(text: str, rest: bytes = REST) -> Wording:
    return Wording(rest, text, len(text))


def filled(index: NearIndex, texts: list[str], ttl_s: float = 60.0) -> NearIndex:
    for text in texts:
        index.add(asked(text), "site", text.encode(), ttl_s)
    return index


def known(**parts: Any) -> NearIndex:
    return filled(NearIndex(**parts), [question(number) for number in range(TEMPLATE_PROMPTS)])


def test_a_typo_finds_the_answer_to_the_question() -> None:
    for number in range(TEMPLATE_PROMPTS):
        typo = question(number).replace("e", "ee", 1)
        assert jaccard(typo, question(number)) > NEAR
        assert known().find(asked(typo), "site", 0.7) == question(number).encode()


@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.7, 0.9, 1.0]))
def test_what_is_found_is_about_as_like_as_was_asked_for(number: int, threshold: float) -> None:
    draw = random.Random(number)
    words = question(draw.randrange(TEMPLATE_PROMPTS)).split()
    for _ in range(draw.randrange(8)):
        words[draw.randrange(len(words))] = draw.choice(WORDS)
    text = " ".join(words)
    found = known().find(asked(text), "site", threshold)
    # 64 bytes estimate the index with a standard error of at most 0.0625: four of them
    assert found is None or jaccard(text, found.decode()) >= threshold - 0.25


def test_of_several_the_likest_answers() -> None:
    index = known()
    close, closest = question(3) + " please", question(3).replace("?", "")
    filled(index, [close])
    assert index.find(asked(closest), "site", 0.6) == question(3).encode()


def test_before_a_call_site_has_shown_its_template_nothing_is_found() -> None:
    few = filled(NearIndex(), [question(number) for number in range(TEMPLATE_PROMPTS - 1)])
    assert few.find(asked(question(0)), "site", NEAR) is None
    filled(few, [question(TEMPLATE_PROMPTS)])
    assert few.find(asked(question(0)), "site", NEAR) is not None
    assert few.find(asked(question(0)), "another site", NEAR) is None


def test_questions_that_share_a_template_alone_are_not_alike() -> None:
    template = "You are given the name of a product of our shop. Say in one word to which department it belongs: {}"
    names = [f"{one} {other}" for one in WORDS for other in WORDS if one < other]
    index = filled(NearIndex(), [template.format(name) for name in names[:200]])
    others = [template.format(name) for name in names[200:400]]
    assert jaccard(others[0], template.format(names[0])) > 0.7
    assert [index.find(asked(text), "site", 0.7) for text in others] == [None] * 200


def test_another_scope_or_parameter_is_another_shelf() -> None:
    assert known().find(asked(question(0), b"o" * 32), "site", NEAR) is None


def test_a_question_that_is_much_longer_is_not_the_same() -> None:
    longer = replace(asked(question(0)), size=2 * len(question(0)))
    assert known().find(longer, "site", NEAR) is None


def test_what_has_no_letter_is_never_compared() -> None:
    index = known()
    index.add(asked("?!"), "site", b"k", 60.0)
    assert index.find(asked("?!"), "site", NEAR) is None


def test_its_time_ends_when_that_of_the_answer_ends() -> None:
    now = [0.0]
    index = known(clock=lambda: now[0])
    now[0] = 59.0
    assert index.find(asked(question(0)), "site", NEAR) is not None
    now[0] = 60.0
    assert index.find(asked(question(0)), "site", NEAR) is None


def test_when_it_is_full_the_oldest_go() -> None:
    index = filled(NearIndex(capacity=TEMPLATE_PROMPTS), [question(number) for number in range(2 * TEMPLATE_PROMPTS)])
    found = [index.find(asked(question(number)), "site", NEAR) for number in range(2 * TEMPLATE_PROMPTS)]
    assert found[:TEMPLATE_PROMPTS] == [None] * TEMPLATE_PROMPTS
    assert None not in found[TEMPLATE_PROMPTS:]


def numbered(body: Body) -> Reply:
    return Reply(text=f"about {body['messages'][-1]['content']}")


def router(server: Loopback, near: float | None) -> Router:
    return Router(cached(60.0, near), base_url=server.base_url, retries=0)


@pytest.mark.parametrize(("near", "kind"), [(0.7, "near"), (None, None)])
def test_a_router_answers_it_from_the_cache_if_the_plan_says_so(near: float | None, kind: str | None) -> None:
    typo = question(0).replace("e", "ee", 1)
    with Loopback(numbered) as server, router(server, near) as of:
        for number in range(TEMPLATE_PROMPTS):
            of.chat("classify", said(question(number), SYSTEM), user="ann")
        found = of.chat("classify", said(typo, SYSTEM), user="ann")
        others = [
            of.chat("classify", said(typo, SYSTEM), user="bob"),
            of.chat("classify", said(typo, SYSTEM), user="ann", temperature=0.5),
            of.chat("classify", said(typo, SYSTEM + " Be kind."), user="ann"),
            of.chat("classify", said(typo), user="ann"),
        ]
        assert of.stats.hits_near == (kind == "near")
    assert found.cached == kind
    assert found.text == (f"about {question(0)}" if kind else f"about {typo}")
    assert [reply.cached for reply in others] == [None] * 4


def test_an_equal_request_is_still_an_exact_hit() -> None:
    with Loopback(numbered) as server, router(server, NEAR) as of:
        for number in range(TEMPLATE_PROMPTS):
            of.chat("classify", said(question(number), SYSTEM))
        assert of.chat("classify", said(question(0), SYSTEM)).cached == "exact"
