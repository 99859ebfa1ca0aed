"""The recorded graders: blind judges who see the judge's prompt and nothing else.

They know the good and the flawed answers of every scenario by their text, as an attentive reader would. They err in 3 %
of their verdicts and lean a little towards the answer that they read first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmcost.answers import Answer
from llmcost.demo.answers import PROFILES, Answers
from llmcost.demo.scenario import Reply, Scenario, share
from llmcost.grading.judge import JudgedPair, Winner, read_prompt, verdict_text
from llmcost.serving.rendering import answer_text, question_text

NOISE = 0.03
LEANING = 0.01
REASONS: Mapping[Winner, str] = {
    "A": "Answer A meets the criteria; answer B gets something wrong or leaves something out that was asked for.",
    "B": "Answer B meets the criteria; answer A gets something wrong or leaves something out that was asked for.",
    "tie": "Both answers meet the criteria to the same degree; what differs is wording.",
}
OUTCOMES: tuple[Winner, ...] = ("A", "B", "tie")


class Judges:
    """Judges who know every answer that the recorded models give to these scenarios, and whether it is good."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asked = {_question(scenario): scenario for scenario in answers.scenarios.values()}
        self._known: dict[str, Mapping[str, bool]] = {}

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
        qualities = self._qualities(_clockless(pair.question))
        # an answer that no model gave to this question is off the point or made up: worse than a flawed one
        first, second = (qualities.get(text, -1) for text in (pair.first, pair.second))
        if first == second:
            return "A" if pair.first != pair.second and share(*seed, "leaning") < LEANING else "tie"
        return "A" if first > second else "B"

    def _qualities(self, question: str) -> Mapping[str, bool]:
        """Answer → is it good, for one question; remembered, since every pair is shown in both orders."""
        scenario = self._asked.get(question)
        if scenario is None:
            return {}
        if scenario.id not in self._known:
            recorded = [self._answers.replayed(scenario, model) for model in PROFILES]
            flawed = dict.fromkeys(map(shown, scenario.flawed), False)
            good = dict.fromkeys(map(shown, (scenario.good, *scenario.reworded)), True)
            self._known[scenario.id] = flawed | good | {shown(each.reply): each.good for each in recorded}
        return self._known[scenario.id]


def shown(reply: Reply) -> str:
    """A reply as a judge reads it."""
    return answer_text(Answer(text=reply.text, tool_calls=reply.tool_calls))


def _question(scenario: Scenario) -> str:
    return _clockless(question_text({"messages": scenario.messages, **scenario.params}))


def _clockless(question: str) -> str:
    """The question without the line that tells the time, which differs from call to call."""
    head, mark, rest = question.partition("Current time: ")
    return head + rest.partition("\n")[2] if mark else question
