"""The recorded graders: blind judges who see the judge's prompt and nothing else.

They know the good and the flawed answers of every scenario by their text, as an attentive reader would. They err in 3 %
of their verdicts and lean a little towards the answer that they read first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmcost.demo.known import KnownAnswers
from llmcost.demo.scenario import share
from llmcost.grading.attacks import without_notes
from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text

NOISE = 0.02
LEANING = 0.01
REASONS: Mapping[Winner, str] = {
    "A": "Answer A meets the criteria; answer B gets something wrong or leaves something out that was asked for.",
    "B": "Answer B meets the criteria; answer A gets something wrong or leaves something out that was asked for.",
    "tie": "Both answers meet the criteria to the same degree; what differs is wording.",
}
OUTCOMES: tuple[Winner, ...] = ("A", "B", "tie")


class Judges:
    """Judges who know every answer that the recorded models give to these scenarios, and whether it is good."""

    def __init__(self, known: KnownAnswers) -> None:
        self._known = known

    def verdict(self, body: Mapping[str, Any], grader: str) -> str | None:
        """The grader's reply to a judge's request; None if this is not one."""
        pair = read_prompt(body)
        if pair is None:
            return None
        winner = self._winner(pair, grader)
        return verdict_text(winner, REASONS[winner])

    def _winner(self, pair: JudgedPair, grader: str) -> Winner:
        seed = (grader, pair.question, pair.first, pair.second)
        if share(*seed, "noise") < NOISE:
            return OUTCOMES[int(share(*seed, "outcome") * len(OUTCOMES))]
        scenario = self._known.scenario(without_notes(pair.question))
        qualities = {} if scenario is None else self._known.qualities(scenario)
        # an answer that no model gave to this question is off the point or made up: worse than a flawed one
        first, second = (qualities.get(text, -1) for text in (pair.first, pair.second))
        if first == second:
            return "A" if pair.first != pair.second and share(*seed, "leaning") < LEANING else "tie"
        return "A" if first > second else "B"
