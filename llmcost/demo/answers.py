"""What each recorded model answers to each scenario, and whether that is a good answer: the truth behind the demo.

Rates are shares of a task's distinct prompts and are met exactly: the prompts with the lowest hash of (prompt, model)
are the ones that go wrong. `worse` of them the candidate gets wrong where the logged answer is good, `better` the other
way round; everywhere else both are good or both are wrong, which is a tie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmcost.demo.scenario import Reply, Scenario, share

CANDIDATES = ("qwen3-8b", "deepseek-v4-flash")
GRADERS = ("gemini-2.5-flash", "claude-haiku-4-5")
DATED = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}


@dataclass(frozen=True, slots=True)
class Profile:
    """How one model compares with the logged answers of one task."""

    worse: float
    better: float
    identical: float = 0.6  # of the good answers: word for word what was logged; the others say it differently


@dataclass(frozen=True, slots=True)
class Recorded:
    """A model's answer to a scenario and whether it is good."""

    reply: Reply
    good: bool


LOGGED_FLAWED = {
    "support chat": 0.03, "classify": 0.03, "extract": 0.02, "code": 0.08, "summarize": 0.03, "translate": 0.10,
    "reason": 0.06, "release notes": 0.05,
}  # fmt: skip
ASKED_AGAIN = {task: Profile(0.01, 0.01) for task in LOGGED_FLAWED}
PROFILES: Mapping[str, Mapping[str, Profile]] = {
    "qwen3-8b": {
        "support chat": Profile(0.085, 0.005),
        "classify": Profile(0.0014, 0.0014),
        "extract": Profile(0.043, 0.003),
        "code": Profile(0.17, 0.02),
        "summarize": Profile(0.065, 0.005),
        "translate": Profile(0.07, 0.06, 0.7),
        "reason": Profile(0.11, 0.02),
        "release notes": Profile(0.10, 0.0),
    },
    "deepseek-v4-flash": {
        "support chat": Profile(0.004, 0.004, 0.85),
        "classify": Profile(0.0014, 0.0014),
        "extract": Profile(0.0017, 0.0017),
        "code": Profile(0.08, 0.02),
        "summarize": Profile(0.002, 0.002, 0.85),
        "translate": Profile(0.06, 0.06, 0.7),
        "reason": Profile(0.035, 0.025),
        "release notes": Profile(0.025, 0.025),
    },
    "gpt-4o": ASKED_AGAIN,
    "gpt-4o-mini": ASKED_AGAIN,
}
WORDY = {
    ("qwen3-8b", "support chat"): (
        " Please let me know if one of these steps does not work for you, then we will look at the next one together."
    ),
    ("qwen3-8b", "summarize"): (
        " That is the state of this ticket for the morning shift; everything else in the thread repeats these points."
    ),
}


class Answers:
    """Every answer of every recorded model to these scenarios."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self.scenarios = {scenario.id: scenario for scenario in scenarios}
        by_task: dict[str, list[str]] = defaultdict(list)
        for scenario in scenarios:
            by_task[scenario.task].append(scenario.id)
        self._logged_flawed = {
            name for task, names in by_task.items() for name in _quota(names, names, LOGGED_FLAWED[task], "logged")
        }
        self._changed = {
            model: {name for task, names in by_task.items() for name in self._swaps(model, names, tasks[task])}
            for model, tasks in PROFILES.items()
        }

    def logged(self, scenario: Scenario, copy: int = 0) -> Recorded:
        """What the incumbent answered when the traffic was logged, for the nth time it was asked this."""
        if scenario.id in self._logged_flawed:
            return Recorded(_one_of(scenario.flawed, scenario.id), good=False)
        if copy and scenario.reworded and share(scenario.id, "copy", str(copy)) < 0.3:
            return Recorded(_one_of(scenario.reworded, scenario.id, str(copy)), good=True)
        return Recorded(scenario.good, good=True)

    def replayed(self, scenario: Scenario, model: str, strain: float = 0.0) -> Recorded:
        """What a model of `PROFILES` answers when it is asked again.

        strain  share of its good answers that are spoilt by how it is asked: in fewer words, or among others. What is
                spoilt under some strain is spoilt under more of it.
        """
        if share(scenario.id, model, "strain") < strain:
            return Recorded(_one_of(scenario.flawed, scenario.id, model), good=False)
        logged = self.logged(scenario)
        if (scenario.id in self._changed[model]) == logged.good:
            spoilt = _one_of(scenario.flawed, scenario.id, model) if logged.good else logged.reply
            return Recorded(spoilt, good=False)
        profile = PROFILES[model][scenario.task]
        if not scenario.reworded or share(scenario.id, model, "identical") < profile.identical:
            return Recorded(scenario.good, good=True)
        return Recorded(_wordier(_one_of(scenario.reworded, scenario.id, model), model, scenario.task), good=True)

    def _swaps(self, model: str, names: list[str], profile: Profile) -> Iterable[str]:
        """The prompts where the model's answer is good and the logged one is not, or the other way round."""
        good = [name for name in names if name not in self._logged_flawed]
        flawed = [name for name in names if name in self._logged_flawed]
        yield from _quota(good, names, profile.worse, model)
        yield from _quota(flawed, names, profile.better, model)


def _quota(names: list[str], population: list[str], rate: float, salt: str) -> list[str]:
    ranked = sorted(names, key=lambda name: share(name, salt))
    return ranked[: round(rate * len(population))]


def _one_of(options: Sequence[Reply], *seed: str) -> Reply:
    return options[int(share(*seed, "which") * len(options))]


def _wordier(reply: Reply, model: str, task: str) -> Reply:
    more = WORDY.get((model, task))
    return Reply(reply.text + more, reply.tool_calls, reply.finish_reason) if more and reply.text else reply
