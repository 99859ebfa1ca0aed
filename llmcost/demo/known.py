"""What an attentive reader of the sample traffic knows: which answers to a question are good, by their text."""

from __future__ import annotations

from collections.abc import Mapping

from llmcost.answers import Answer
from llmcost.demo.answers import PROFILES, Answers
from llmcost.demo.scenario import Reply, Scenario
from llmcost.demo.shortening import core
from llmcost.serving.rendering import answer_text, question_text


class KnownAnswers:
    """Every answer that the recorded models give to these scenarios, found by the question as a grader reads it."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        asked = {_question(scenario): scenario for scenario in answers.scenarios.values()}
        self._asked = {core(question): scenario for question, scenario in asked.items()} | asked
        self._known: dict[str, Mapping[str, bool]] = {}

    def scenario(self, question: str) -> Scenario | None:
        """The scenario that is asked, perhaps in fewer words; None: it was not recorded."""
        asked = _clockless(question)
        return self._asked.get(asked) or self._asked.get(core(asked))

    def qualities(self, scenario: Scenario) -> Mapping[str, bool]:
        """Answer → is it good, for one question; remembered, since graders see most answers more than once."""
        if scenario.id not in self._known:
            recorded = [self._answers.replayed(scenario, model) for model in PROFILES]
            flawed = dict.fromkeys(map(shown, scenario.flawed), False)
            good = dict.fromkeys(map(shown, (scenario.good, *scenario.reworded)), True)
            self._known[scenario.id] = flawed | good | {shown(each.reply): each.good for each in recorded}
        return self._known[scenario.id]


def shown(reply: Reply) -> str:
    """A reply as a grader reads it."""
    return answer_text(Answer(text=reply.text, tool_calls=reply.tool_calls))


def _question(scenario: Scenario) -> str:
    return _clockless(question_text({"messages": scenario.messages, **scenario.params}))


def _clockless(question: str) -> str:
    """The question without the line that tells the time, which differs from call to call."""
    head, mark, rest = question.partition("Current time: ")
    return head + rest.partition("\n")[2] if mark else question
