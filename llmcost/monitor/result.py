"""MonitorReport: the contract `llmcost.monitor/1`. Shares are in 0–1, money is US dollars, unknown is None."""

from __future__ import annotations

from typing import Literal

import msgspec

from llmcost.pricing.result import PriceStamp
from llmcost.recommend.result import NotReplayable, Spend

Standing = Literal["HOLDS", "BROKEN", "TOO_EARLY", "CANNOT_JUDGE"]


NOT_BROKEN = "not shown to be broken"


class GraderWatch(msgspec.Struct, frozen=True):
    """What one grader has seen of a task's promise, of all logs so far.

    difference        score(new) − score(former), the mean as judged
    lower_bound       of it, valid at all times together
    evidence          against the promise now: how many times his first unit a sceptic has who bets against it
    highest_evidence  the most that it ever was; `broken` once that reaches `TaskWatch.breaks_at`, and ever after
    """

    grader: str
    prompts: int
    difference: float | None
    lower_bound: float | None
    evidence: float
    highest_evidence: float
    broken: bool


class TaskWatch(msgspec.Struct, frozen=True):
    """One promise: the new model is at most `margin` worse than the former one.

    prompts to evidence   of the grader that sees the least against the promise: all must, before it counts as broken
    new_prompts           watched in this log for the first time
    new_calls, former_calls   of the task in this log, by who answered them; `calls` are all of them
    missing               prompts of this log that no comparison could be made of: in no figure
    failures, unparsed    counted as losses: answers of the new model that failed, verdicts that stayed unreadable
    """

    task: str
    model: str
    former: str
    margin: float
    verdict: Standing
    reason: str
    prompts: int
    new_prompts: int
    difference: float | None
    lower_bound: float | None
    evidence: float
    breaks_at: float
    calls: int
    new_calls: int
    former_calls: int
    missing: int
    failures: int
    unparsed: int
    graders: list[GraderWatch]


class MonitorReport(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.monitor/1"):
    """Whether the promises of a run hold on newer traffic. `alpha` is the chance of any false alarm, at any time."""

    llmcost_version: str
    prices: PriceStamp
    run: str
    alpha: float
    seed: int
    files: list[str]
    host: str
    graders: list[str]
    tasks: list[TaskWatch]
    not_switched: list[str]
    left_out: list[NotReplayable]
    adjusted_parameters: list[str]
    spend: Spend

    @property
    def broken(self) -> list[TaskWatch]:
        """The promises that are broken."""
        return [task for task in self.tasks if task.verdict == "BROKEN"]
