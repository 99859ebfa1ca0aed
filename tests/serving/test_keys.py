"""Cache keys: equal exactly where a simulated cache finds equal requests in a log; never across a scope or a plan."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import support.call_tables  # noqa: F401  (registers the hypothesis profile)
from hypothesis import given
from hypothesis import strategies as st
from support.examples import costly

from llmcost import logs, tasks
from llmcost.fingerprints import prompt_key
from llmcost.serving import Caching, TaskPlan, Tier
from llmcost.serving.keys import Keys
from llmcost.serving.plan import Predicted
from llmcost.strategies.response_cache import same_requests

URL = "https://example.com/v1"
PLAN = TaskPlan("classify", [Tier("small")], caching=Caching(60.0))
UNMAPPED = TaskPlan("classify", [])

TEXTS = st.sampled_from(["red or blue?", "red or  blue?", "Rot oder blau?", "1", ""])
CONTENTS = TEXTS | st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS), min_size=1, max_size=2)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": CONTENTS}),
    min_size=1,
    max_size=3,
)
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "title": None}}}
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.0, 1, 0.5, None]),
        "max_tokens": st.sampled_from([5, 6, None]),
        "seed": st.sampled_from([1, 2]),
        "tools": st.sampled_from([[TOOL], [], None]),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        "metadata": st.sampled_from([{"task": "a"}, {"task": "b"}]),
        "service_tier": st.sampled_from(["flex", "default"]),
        "store": st.booleans(),
        "stream": st.booleans(),
        "user": st.sampled_from(["ann", "bob", ""]),
    },
)
BODIES = st.builds(lambda found, asked: {"model": "m", "messages": asked, **found}, PARAMETERS, MESSAGES)


def key(body: dict[str, Any], plan: TaskPlan = PLAN, scope: str | None = None, url: str = URL) -> bytes:
    return Keys(url, plan).exact(body, body.get("user") if scope is None else scope)


@costly
@given(st.lists(BODIES, min_size=2, max_size=6), st.randoms())
def test_requests_share_a_key_exactly_if_a_simulated_cache_finds_them_equal_in_a_log(bodies, random) -> None:
    bodies += [dict(random.sample(sorted(body.items()), len(body))) for body in bodies[:2]]
    answer = {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "red"}}]}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "log.jsonl"
        file.write_text("".join(json.dumps({"request": body, "response": answer}) + "\n" for body in bodies))
        simulated = same_requests(logs.read([str(file)], call_site=tasks.call_site).calls).tolist()
    keys = [key(body) for body in bodies]
    pairs = [(one, other) for one in range(len(bodies)) for other in range(one)]
    assert -1 not in simulated
    assert [keys[one] == keys[other] for one, other in pairs] == [simulated[i] == simulated[j] for i, j in pairs]


@given(BODIES, BODIES)
def test_what_shapes_an_answer_is_told_by_one_rule(one, other) -> None:
    assert (key(one, scope="s") == key(other, scope="s")) == (prompt_key(one) == prompt_key(other))


@given(BODIES)
def test_no_key_is_that_of_another_scope_task_model_cascade_or_endpoint(body) -> None:
    others = [
        key(body, scope="ann"),
        key(body, scope="bob"),
        key(body, TaskPlan("translate", [Tier("small")]), "ann"),
        key(body, TaskPlan("classify", [Tier("large")]), "ann"),
        key(body, TaskPlan("classify", [Tier("small", effort="low")]), "ann"),
        key(body, TaskPlan("classify", [Tier("small", keep_from=0.8), Tier("large")], grader="g"), "ann"),
        key(body, UNMAPPED, "ann"),
        key({**body, "model": "n"}, UNMAPPED, "ann"),
        key(body, scope="ann", url="https://example.org/v1"),
    ]
    assert len(set(others)) == len(others)


@given(BODIES)
def test_how_long_an_answer_is_kept_and_what_it_costs_changes_no_key(body) -> None:
    plan = TaskPlan("classify", [Tier("small")], caching=Caching(5.0, near=0.9), predicted=Predicted(1.0, 0.5, 1.5))
    assert key(body, plan) == key(body)


@given(BODIES)
def test_the_model_that_was_asked_for_matters_only_where_the_plan_names_none(body) -> None:
    assert key({**body, "model": "n"}) == key(body)
    assert key({**body, "model": "n"}, UNMAPPED) != key(body, UNMAPPED)


def asked(text: str, system: str = "Answer in a word.", **parameters: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
        **parameters,
    }


def test_questions_are_compared_only_within_requests_that_are_the_same_otherwise() -> None:
    keys = Keys(URL, PLAN)
    first = keys.wording(asked("red or blue?"), "ann")
    same = keys.wording(asked("green or blue?"), "ann")
    assert first is not None
    assert same is not None
    assert (first.rest, first.text, first.size) == (same.rest, "red or blue?", len("Answer in a word.red or blue?"))
    others = [
        keys.wording(asked("red or blue?"), "bob"),
        keys.wording(asked("red or blue?", system="Answer in two words."), "ann"),
        keys.wording(asked("red or blue?", temperature=0.5), "ann"),
        keys.wording(asked("red or blue?", max_tokens=9), "ann"),
        keys.wording(asked("red or blue?", tools=[TOOL]), "ann"),
        keys.wording({"model": "m", "messages": asked("red or blue?")["messages"][1:]}, "ann"),
    ]
    assert first.rest not in {other.rest for other in others if other is not None}
    assert None not in others


def test_a_picture_beside_the_words_has_to_be_the_same() -> None:
    def shown(picture: str, text: str) -> bytes:
        parts = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": text}]
        found = Keys(URL, PLAN).wording({"messages": [{"role": "user", "content": parts}]}, None)
        assert found is not None
        return found.rest

    assert shown("a.png", "what is it?") == shown("a.png", "what is this?") != shown("b.png", "what is it?")


def test_conversations_and_documents_are_not_compared() -> None:
    keys = Keys(URL, PLAN)
    talk = [{"role": role, "content": "hello"} for role in ("user", "assistant", "user")]
    assert keys.wording({"messages": talk}, None) is None
    assert keys.wording(asked("x" * 513), None) is None
    assert keys.wording({"messages": ["hello"]}, None) is None
