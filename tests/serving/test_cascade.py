"""A cascade keeps the first answer that is good enough, and owns up to all that was asked on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.answers import Answer
from llmcost.endpoint import ChatRequest, Completion
from llmcost.errors import ConfigError
from llmcost.serving.cascade import climb, grader_of, reached, refuse_self_grading
from llmcost.serving.plan import TaskPlan, Tier
from llmcost.serving.scoring import RunTimeGrader, rating_text, read_rating_prompt
from llmcost.serving.steps import ask_now, gather

BROKEN, UNREADABLE = "broken", "unreadable"
LATENCY = {"tier-0": 100.0, "tier-1": 200.0, "tier-2": 400.0, "grader": 7.0}


@dataclass(frozen=True)
class Case:
    """A request, the thresholds of the tiers, and what becomes of each tier's answer: a rating, or not even that."""

    name: str
    thresholds: tuple[float | None, ...]
    fates: tuple[int | str, ...]

    @property
    def plan(self) -> TaskPlan:
        tiers = [Tier(f"tier-{place}", keep_from=threshold) for place, threshold in enumerate(self.thresholds)]
        return TaskPlan("t", tiers, grader="grader")

    @property
    def request(self) -> ChatRequest:
        return ChatRequest({"model": "logged", "messages": [{"role": "user", "content": self.name}]})


def reference(case: Case) -> list[str]:
    """The models that are asked, in order; the last one that is no grader has answered."""
    asked = []
    for place, (threshold, fate) in enumerate(zip(case.thresholds, case.fates, strict=True)):
        last = threshold is None or place == len(case.thresholds) - 1
        if not last and threshold == math.inf:
            continue
        asked.append(f"tier-{place}")
        if last:
            break
        if fate == BROKEN:
            continue
        asked += ["grader"] * (2 if fate == UNREADABLE else 1)
        if isinstance(fate, int) and threshold is not None and fate / 9 >= threshold:
            break
    return asked


class World:
    """All models of some cases, and what they were asked. The grader knows nothing but its prompt."""

    def __init__(self, cases: list[Case]) -> None:
        self.fates = {(case.name, f"tier-{place}"): fate for case in cases for place, fate in enumerate(case.fates)}
        self.asked: list[ChatRequest] = []

    def __call__(self, requests: list[ChatRequest]) -> list[Completion]:
        self.asked += requests
        return [Completion(r.model, "answered", self.answer(r), latency_ms=LATENCY[r.model]) for r in requests]

    def answer(self, request: ChatRequest) -> Answer:
        if request.model == "grader":
            shown = read_rating_prompt(request.body)
            assert shown is not None
            fate = self.fates[shown.question.removeprefix("[user]\n"), shown.answer]
            return Answer(rating_text(fate / 9) if isinstance(fate, int) else "hm")
        fate = self.fates[request.body["messages"][0]["content"], request.model]
        return Answer(request.model, finish_reason="length" if fate == BROKEN else "stop")


thresholds = st.none() | st.just(math.inf) | st.integers(0, 9).map(lambda rating: rating / 9) | st.floats(0, 1)
fates = st.integers(0, 9) | st.sampled_from([BROKEN, UNREADABLE])
shapes = st.integers(1, 3).flatmap(
    lambda tiers: st.tuples(st.tuples(*[thresholds] * tiers), st.tuples(*[fates] * tiers))
)


@given(shapes)
def test_a_cascade_asks_and_keeps_what_the_rule_says(
    shape: tuple[tuple[float | None, ...], tuple[int | str, ...]],
) -> None:
    case = Case("q", *shape)
    world = World([case])
    served = ask_now(climb(case.request, case.plan), world)
    expected = reference(case)
    assert [attempt.completion.model for attempt in served.attempts] == expected
    assert served.completion.model == [model for model in expected if model != "grader"][-1]
    assert [attempt.request for attempt in served.attempts] == world.asked
    assert [attempt.role == "grader" for attempt in served.attempts] == [model == "grader" for model in expected]
    assert served.latency_ms == sum(LATENCY[model] for model in expected)


@given(st.lists(shapes, min_size=1, max_size=5))
def test_requests_that_climb_together_climb_as_if_alone(
    shapes: list[tuple[tuple[float | None, ...], tuple[int | str, ...]]],
) -> None:
    cases = [Case(f"q{number}", *shape) for number, shape in enumerate(shapes)]
    world, grader = World(cases), RunTimeGrader("grader")
    together = ask_now(gather([climb(case.request, case.plan, grader) for case in cases]), world)
    for case, served in zip(cases, together, strict=True):
        alone = ask_now(climb(case.request, case.plan), World([case]))
        assert served == alone
    assert len(world.asked) == sum(len(served.attempts) for served in together)


def test_a_latency_that_is_not_known_leaves_the_sum_unknown() -> None:
    case = Case("q", (0.5, None), (9, 9))

    def ask(requests: list[ChatRequest]) -> list[Completion]:
        return [Completion(r.model, "answered", Answer("9")) for r in requests]

    assert ask_now(climb(case.request, case.plan), ask).latency_ms is None


@pytest.mark.parametrize("status", ["rejected", "unreachable"])
def test_a_tier_that_gives_no_answer_is_passed_without_asking_the_grader(status: str) -> None:
    case = Case("q", (0.5, None), (9, 9))

    def ask(requests: list[ChatRequest]) -> list[Completion]:
        [request] = requests
        if request.model == "tier-0":
            return [Completion("tier-0", status)]  # type: ignore[arg-type]
        return [Completion(request.model, "answered", Answer("Paris."))]

    served = ask_now(climb(case.request, case.plan), ask)
    assert [attempt.completion.model for attempt in served.attempts] == ["tier-0", "tier-1"]


def test_the_last_tiers_answer_is_kept_whatever_it_is() -> None:
    case = Case("q", (0.5, 1.0), (0, BROKEN))
    served = ask_now(climb(case.request, case.plan), World([case]))
    assert served.completion.answer == Answer("tier-1", finish_reason="length")


@pytest.mark.parametrize(
    ("thresholds", "asked"),
    [
        ([None], "0"),
        ([0.5], "0"),
        ([math.inf], "0"),
        ([0.5, None], "01"),
        ([None, None], "0"),
        ([math.inf, None], "1"),
        ([1.0, None], "01"),
        ([1.5, None], "1"),
        ([0.5, math.inf, None], "02"),
        ([math.inf, None, None], "1"),
        ([math.inf, math.inf, 0.5], "2"),
        ([0.5, 0.5, 0.5], "012"),
    ],
)
def test_only_tiers_that_can_answer_are_asked(thresholds: list[float | None], asked: str) -> None:
    tiers = [Tier(str(place), keep_from=threshold) for place, threshold in enumerate(thresholds)]
    assert "".join(tier.model for tier in reached(tiers)) == asked


@pytest.mark.parametrize(
    ("models", "grader"),
    [
        (("small", "large"), "small"),
        (("small", "large"), "small@low"),
        (("vendor/Small", "large"), "small"),
        (("small-2024-07-18", "large"), "small"),
        (("small", "large"), "small-20240718"),
        (("tiny", "small", "large"), "small"),
    ],
)
def test_no_model_grades_itself(models: tuple[str, ...], grader: str) -> None:
    tiers = [Tier(model, keep_from=0.5) for model in models[:-1]] + [Tier(models[-1])]
    plan = TaskPlan("t", tiers, grader=grader)
    with pytest.raises(ConfigError, match="would score its own answers"):
        refuse_self_grading(plan)
    with pytest.raises(ConfigError, match="would score its own answers"):
        ask_now(climb(ChatRequest({"model": "m", "messages": []}), plan), World([]))


@pytest.mark.parametrize(
    "plan",
    [
        TaskPlan("t", [Tier("small", keep_from=0.5), Tier("large")], grader="other"),
        TaskPlan("t", [Tier("small", keep_from=0.5), Tier("large")], grader="large"),  # its own answers are not scored
        TaskPlan("t", [Tier("small", keep_from=math.inf), Tier("large")], grader="small"),  # it is never asked
        TaskPlan("t", [Tier("small")], grader="small"),
        TaskPlan("t", [Tier("small")]),
    ],
)
def test_a_grader_of_others_is_not_refused(plan: TaskPlan) -> None:
    refuse_self_grading(plan)


def test_a_cascade_without_a_grader_is_refused() -> None:
    with pytest.raises(ConfigError, match="nobody scores the answers of small"):
        grader_of(TaskPlan("t", [Tier("small", keep_from=0.5), Tier("large")]))
