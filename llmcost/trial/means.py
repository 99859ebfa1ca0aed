"""What a trial works with: who asks, who grades, what things cost, and who watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from llmcost.endpoint import Ask, ChatRequest
from llmcost.grading import Grader
from llmcost.grading.labels import HumanLabel
from llmcost.trial.cost import Tariff


class Watch(Protocol):
    """Hears how a trial stands."""

    def looked(self, look: int, looks: int, standing: Mapping[str, Mapping[str, str]]) -> None:
        """A look was taken: by candidate and task, whether it is still asked ("") or why not."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a trial works with.

    ask               puts requests to their endpoints
    graders           compare the candidates' answers; control_graders are the same on another line of the bill
    labels, key       people's verdicts by the key of the candidate's answer, and a request's key
    money_left        US dollars that may still be spent, for `--sample auto` to plan with; None: as much as it takes
    """

    ask: Ask
    graders: Sequence[Grader]
    control_graders: Sequence[Grader]
    tariff: Tariff
    key: Callable[[ChatRequest], bytes]
    labels: Mapping[bytes, HumanLabel] = field(default_factory=dict)
    watch: Watch | None = None
    money_left: Callable[[], float | None] = lambda: None
