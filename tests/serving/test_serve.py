"""A plan's parts together: requests are shortened, then batched or passed from model to model, and all is paid for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.answers import Answer, Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.errors import ConfigError
from llmcost.serving import Batching, Compression, Served, Server, TaskPlan, Tier, ask_now, serve
from llmcost.serving.batching import batch_text, read_batch_prompt
from llmcost.serving.compression import read_compressor_prompt
from llmcost.serving.scoring import rating_text, read_rating_prompt

CONTEXT = "The parcel left the depot in the morning and was scanned by the driver on the way. " * 60
SYSTEM = "You answer customers of a shop in one sentence."


def request(number: int, model: str = "strong", context: bool = False) -> ChatRequest:
    earlier = [{"role": "user", "content": CONTEXT}, {"role": "assistant", "content": "Noted."}] if context else []
    question = {"role": "user", "content": f"What about parcel {number}?"}
    return ChatRequest({"model": model, "messages": [{"role": "system", "content": SYSTEM}, *earlier, question]})


class Endpoint:
    """Answers what it is asked with the number of the question and the model; remembers who was asked."""

    def __init__(self, scores: dict[int, float] | None = None) -> None:
        self.scores = scores or {}
        self.asked: list[str] = []

    def __call__(self, requests: list[ChatRequest]) -> list[Completion]:
        return [self._completion(each) for each in requests]

    def _completion(self, asked: ChatRequest) -> Completion:
        self.asked.append(asked.model)
        text = self._text(asked)
        return Completion(
            asked.model, "answered", Answer(text, finish_reason="stop"), Usage(100, None, None, 10), latency_ms=5.0
        )

    def _text(self, asked: ChatRequest) -> str:
        if (rated := read_rating_prompt(asked.body)) is not None:
            return rating_text(self.scores[_number(rated.question)])
        if (long := read_compressor_prompt(asked.body)) is not None:
            return " ".join(long.text.split()[: long.words])
        if (items := read_batch_prompt(asked.body)) is not None:
            return batch_text({item.id: f"{asked.model} {_number(item.input)}" for item in items})
        return f"{asked.model} {_number(asked.body['messages'][-1]['content'])}"


def _number(text: str) -> int:
    return int(text.rsplit("parcel ", 1)[1].split("?", maxsplit=1)[0])


def said(served: Served) -> str | None:
    return served.completion.answer.text if served.completion.answer else None


@given(st.lists(st.integers(0, 99), min_size=1, max_size=12), st.integers(1, 5), st.booleans(), st.booleans())
def test_everybody_gets_the_answer_to_their_own_question(
    numbers: list[int], items: int, compress: bool, tiered: bool
) -> None:
    plan = TaskPlan(
        "t",
        [Tier("other")] if tiered else [],
        compression=Compression("small", 0.5, 100) if compress else None,
        batching=Batching(items) if items > 1 else None,
    )
    found = ask_now(serve([request(number) for number in numbers], plan), Endpoint())
    model = "other" if tiered else "strong"
    assert [said(served) for served in found] == [f"{model} {number}" for number in numbers]
    assert all(sum(a.share for a in served.attempts if a.role == "answer") > 0 for served in found)


@given(st.lists(st.sampled_from(["one", "two"]), min_size=2, max_size=10))
def test_where_no_model_is_set_no_question_is_shared_between_models(models: list[str]) -> None:
    requests = [request(number, model) for number, model in enumerate(models)]
    found = ask_now(serve(requests, TaskPlan("t", [], batching=Batching(4))), Endpoint())
    assert [said(served) for served in found] == [f"{model} {number}" for number, model in enumerate(models)]


def test_the_compressor_is_paid_and_waited_for() -> None:
    plan = TaskPlan("t", [], compression=Compression("small", 0.5, 100))
    [served] = ask_now(serve([request(7, context=True)], plan), Endpoint())
    assert [attempt.role for attempt in served.attempts] == ["compressor", "answer"]
    assert served.latency_ms == 10.0
    before = len(request(7, context=True).content())
    assert len(served.attempts[-1].request.content()) < 0.7 * before


def test_a_shortened_request_climbs_too() -> None:
    plan = TaskPlan(
        "t", [Tier("cheap", keep_from=0.5), Tier("strong")], "judge", compression=Compression("small", 0.5, 100)
    )
    endpoint = Endpoint({1: 0.9, 2: 0.1})
    kept, escalated = ask_now(serve([request(n, context=True) for n in (1, 2)], plan), endpoint)
    assert (said(kept), said(escalated)) == ("cheap 1", "strong 2")
    assert [a.role for a in escalated.attempts] == ["compressor", "answer", "grader", "answer"]
    assert escalated.latency_ms == 20.0


def test_a_server_remembers_what_its_grader_takes() -> None:
    plan = TaskPlan("t", [Tier("cheap", keep_from=0.5), Tier("strong")], "judge")

    class NoLogprobs(Endpoint):
        def _completion(self, asked: ChatRequest) -> Completion:
            if asked.body.get("logprobs"):
                self.asked.append("refused")
                return Completion(asked.model, "rejected", error="logprobs are not supported")
            return super()._completion(asked)

    endpoint, server = NoLogprobs(dict.fromkeys(range(5), 0.9)), Server(plan)
    for number in range(5):
        ask_now(server.serve([request(number)]), endpoint)
    assert endpoint.asked.count("refused") == 1


def test_a_plan_that_grades_itself_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match="own answers"):
        Server(TaskPlan("t", [Tier("cheap", keep_from=0.5), Tier("strong")], "cheap"))
