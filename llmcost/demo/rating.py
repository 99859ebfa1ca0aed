"""The recorded run-time graders: small models that rate one answer, well on some tasks and hardly at all on others.

Good answers are rated higher than flawed ones by `DISCERNMENT` spreads of the noise, which makes an AUC of
Φ(discernment / √2). What is wrong with a value, a label or a number a small model often sees; whether a friendly answer
says the right thing it does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from llmcost.demo.known import KnownAnswers
from llmcost.demo.scenario import Reply, share
from llmcost.serving.scoring import BEST, RatedAnswer, rating_text, read_rating_prompt

RATER = "gpt-4.1-nano"
DISCERNMENT = {
    "support chat": 0.4, "classify": 1.8, "extract": 1.8, "code": 1.9, "summarize": 0.8, "translate": 1.5,
    "reason": 1.8, "release notes": 0.8,
}  # fmt: skip
MIDDLE = 1.2  # on the logit scale: a small model finds most of what it reads good
OFF_THE_POINT = -3.0  # of an answer that nobody gave to this question


class Ratings:
    """Graders who know good answers from flawed ones only so far."""

    def __init__(self, known: KnownAnswers) -> None:
        self._known = known

    def reply(self, body: Mapping[str, Any], grader: str) -> Reply | None:
        """The grader's reply to a request for a rating; None if this is not one."""
        rated = read_rating_prompt(body)
        return None if rated is None else _spoken(self._score(rated, grader))

    def _score(self, rated: RatedAnswer, grader: str) -> float:
        """The rating in (0, 1)."""
        noise = _normal(grader, rated.question, rated.answer)
        scenario = self._known.scenario(rated.question)
        good = None if scenario is None else self._known.qualities(scenario).get(rated.answer)
        if scenario is None or good is None:
            return _logistic(OFF_THE_POINT + noise)
        away = DISCERNMENT[scenario.task] / 2
        return _logistic(MIDDLE + (away if good else -away) + noise)


def _spoken(score: float) -> Reply:
    """A digit; the odds of the two digits next to the rating, whose mean is the rating."""
    low = min(int(score * BEST), BEST - 1)
    above = score * BEST - low
    odds = {str(low + 1): above, str(low): 1 - above}
    return Reply(rating_text(score), odds=tuple((digit, chance) for digit, chance in odds.items() if chance > 0))


def _normal(*seed: str) -> float:
    """A draw of the normal distribution that depends on nothing but the seed."""
    angle, size = share(*seed, "angle"), share(*seed, "size")
    return math.sqrt(-2 * math.log(1 - size)) * math.cos(2 * math.pi * angle)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
