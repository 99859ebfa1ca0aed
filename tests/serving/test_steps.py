"""Steps: whoever drives them, and however many run at once, each gets the completions of its own questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from llmcost.endpoint import ChatRequest, Completion
from llmcost.serving.steps import Question, Steps, ask_now, ask_together, gather, waited


def asked(name: str) -> ChatRequest:
    return ChatRequest({"model": name})


def echo(requests: list[ChatRequest]) -> list[Completion]:
    return [Completion(request.model, "answered", latency_ms=1.0) for request in requests]


def rounds(name: str, sizes: list[int]) -> Steps[list[str]]:
    """Asks so many questions in each round; the names of all that was answered."""
    heard = []
    for number, size in enumerate(sizes):
        questions = [Question("answer", asked(f"{name}.{number}.{place}")) for place in range(size)]
        heard += [completion.model for completion in (yield questions)]
    return heard


def own(name: str, sizes: list[int]) -> list[str]:
    return [f"{name}.{number}.{place}" for number, size in enumerate(sizes) for place in range(size)]


def in_async(steps: Steps[list[list[str]]]) -> list[list[str]]:
    async def ask(requests: list[ChatRequest]) -> list[Completion]:
        return echo(requests)

    return asyncio.run(ask_together(steps, ask))


DRIVERS: dict[str, Callable[[Steps[list[list[str]]]], list[list[str]]]] = {
    "now": lambda steps: ask_now(steps, echo),
    "async": in_async,
}


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=5), st.sampled_from(sorted(DRIVERS)))
def test_each_hears_the_answers_to_its_own_questions(plans: list[list[int]], driver: str) -> None:
    steps = gather([rounds(str(number), sizes) for number, sizes in enumerate(plans)])
    assert DRIVERS[driver](steps) == [own(str(number), sizes) for number, sizes in enumerate(plans)]


@given(st.lists(st.integers(0, 4), max_size=5))
def test_what_can_be_asked_at_once_is(lengths: list[int]) -> None:
    batches = []

    def ask(requests: list[ChatRequest]) -> list[Completion]:
        batches.append(len(requests))
        return echo(requests)

    ask_now(gather([rounds(str(number), [1] * length) for number, length in enumerate(lengths)]), ask)
    assert batches == [sum(length > turn for length in lengths) for turn in range(max(lengths, default=0))]


def test_rounds_add_up_and_the_slowest_of_a_round_counts() -> None:
    fast, slow = (Completion("m", "answered", latency_ms=ms) for ms in (10.0, 30.0))
    assert waited([[fast, slow], [fast]]) == 40.0
    assert waited([[fast], [Completion("m", "answered")]]) is None
