"""What the thresholds of a cascade cost is what serving the same prompts under them costs, attempt by attempt."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.answers import Answer
from llmcost.endpoint import ChatRequest, Completion
from llmcost.serving import Served, TaskPlan, Tier, ask_now
from llmcost.serving.cascade import climb
from llmcost.serving.scoring import BEST, rating_text, read_rating_prompt
from llmcost.trial.climb import Climb

UNREAD = -1


@dataclass(frozen=True)
class Prompt:
    """Ratings of the tiers' answers (UNREAD: no score), and dollars of each answer, each scoring, and the last tier."""

    ratings: tuple[int, ...]
    asking: tuple[float, ...]
    scoring: tuple[float, ...]
    last: float

    def answered(self, requests: list[ChatRequest]) -> list[Completion]:
        return [self._answered(request) for request in requests]

    def _answered(self, request: ChatRequest) -> Completion:
        rated = read_rating_prompt(request.body)
        said = request.model if rated is None else self._rating(int(rated.answer.removeprefix("tier-")))
        return Completion(request.model, "answered", Answer(said, finish_reason="stop"), latency_ms=1.0)

    def _rating(self, tier: int) -> str:
        return "hardly" if self.ratings[tier] == UNREAD else rating_text(self.ratings[tier] / BEST)

    def served(self, thresholds: tuple[float, ...]) -> Served:
        """What becomes of it under a plan."""
        tiers = [Tier(f"tier-{number}", keep_from=keep_from) for number, keep_from in enumerate(thresholds)]
        request = ChatRequest({"model": "logged", "messages": [{"role": "user", "content": "Which?"}]})
        plan = TaskPlan("task", [*tiers, Tier("tier-last")], grader="grader")
        return ask_now(climb(request, plan), self.answered)

    def paid(self, thresholds: tuple[float, ...]) -> tuple[float, float, float]:
        """Dollars of all attempts; of them those of scores, and those of answers that nobody got."""
        served = self.served(thresholds)
        answers = [attempt.request.model for attempt in served.attempts if attempt.role == "answer"]
        scored = [model for model in answers if model != "tier-last"]
        scoring = fsum(self.scoring[int(model.removeprefix("tier-"))] for model in scored)
        dollars = [self._usd(model) for model in answers]
        return fsum([scoring, *dollars]), scoring, fsum(dollars[:-1])

    def _usd(self, model: str) -> float:
        return self.last if model == "tier-last" else self.asking[int(model.removeprefix("tier-"))]


class Named:
    """A rated tier, as far as its name."""

    def __init__(self, label: str) -> None:
        self.label, self.cell = label, self


def climbing(prompts: list[Prompt]) -> Climb:
    """The prompts as a trial knows them."""
    found, tiers = Climb.__new__(Climb), range(len(prompts[0].ratings))
    known: dict[str, Any] = {
        "tiers": [Named(f"tier-{tier}") for tier in tiers],
        "scores": [np.array([nan if p.ratings[t] == UNREAD else p.ratings[t] / BEST for p in prompts]) for t in tiers],
        "asking_usd": [np.array([prompt.asking[tier] for prompt in prompts]) for tier in tiers],
        "scoring_usd": [np.array([prompt.scoring[tier] for prompt in prompts]) for tier in tiers],
        "last_usd": np.array([prompt.last for prompt in prompts]),
    }
    vars(found).update(known)
    return found


def drawn(tiers: int) -> st.SearchStrategy[tuple[list[Prompt], tuple[float, ...]]]:
    def each(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
        return st.tuples(*[of] * tiers)

    usd = st.floats(0.001, 1.0)
    prompt = st.builds(Prompt, each(st.integers(UNREAD, BEST)), each(usd), each(usd), usd)
    thresholds = each(st.integers(0, BEST).map(lambda rating: rating / BEST) | st.just(inf))
    return st.tuples(st.lists(prompt, min_size=1, max_size=8), thresholds)


@given(st.integers(1, 3).flatmap(drawn))
def test_thresholds_cost_what_serving_under_them_costs(world: tuple[list[Prompt], tuple[float, ...]]) -> None:
    prompts, thresholds = world
    found = np.stack(climbing(prompts).spent(thresholds), axis=1)
    assert found == pytest.approx(np.array([prompt.paid(thresholds) for prompt in prompts]))


@given(st.integers(1, 3).flatmap(drawn))
def test_a_prompt_ends_at_the_tier_whose_answer_is_served(world: tuple[list[Prompt], tuple[float, ...]]) -> None:
    prompts, thresholds = world
    names = [f"tier-{number}" for number in range(len(thresholds))] + ["tier-last"]
    ended = [names[tier] for tier in climbing(prompts).ended(thresholds)]
    assert ended == [prompt.served(thresholds).completion.model for prompt in prompts]


def test_a_tier_without_a_single_score_is_named() -> None:
    prompts = [Prompt((UNREAD, 9), (0.1, 0.1), (0.1, 0.1), 1.0), Prompt((UNREAD, UNREAD), (0.1, 0.1), (0.1, 0.1), 1.0)]
    assert list(climbing(prompts).unscored()) == ["tier-0"]
