"""The stack: strategies on one timeline of calls, each seeing what the previous ones left, priced step by step.

Savings of single strategies do not add up: a call that a cache answers costs nothing in a batch. So nothing here adds
them. `waterfall` says what each takes off what the previous ones left, `shapley` what each is worth whatever the order;
both sum to what the whole stack saves. What calls cost is not known here: `total` tells the dollars of a timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from llmcost.calls import Calls
from llmcost.strategies.attempts import latency_p95
from llmcost.strategies.batch_api import BatchApi
from llmcost.strategies.batching import Batching
from llmcost.strategies.cascade import Cascade
from llmcost.strategies.compression import Compression
from llmcost.strategies.near_duplicates import NearDuplicateCache
from llmcost.strategies.prompt_cache import PromptCache
from llmcost.strategies.response_cache import ResponseCache
from llmcost.strategies.route import Route
from llmcost.strategies.strategy import Strategy

Basis: TypeAlias = Literal["no_answer_change", "measured", "potential"]
Total: TypeAlias = Callable[[Calls], float]


@dataclass(frozen=True, slots=True)
class Step:
    """A place in the stack: which strategy stands there, and on what its saving rests."""

    name: str
    strategy: Strategy
    basis: Basis


# Order is data: what need not be asked, then what is asked of whom, then how. A batch is answered in any order, so no
# call of it is counted on to find the prefix of another: the prompt cache stands after the Batch API and leaves batches
# alone.
STACK: tuple[Step, ...] = (
    Step("response_cache", ResponseCache(), "no_answer_change"),
    Step("near_duplicates", NearDuplicateCache(), "measured"),
    Step("compression", Compression(), "measured"),
    Step("model_map", Route(), "measured"),
    Step("cascade", Cascade(), "measured"),
    Step("batching", Batching(), "measured"),
    Step("batch_api", BatchApi(), "no_answer_change"),
    Step("prompt_cache", PromptCache(), "no_answer_change"),
)
AS_STATED: Mapping[str, Basis] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """A step with the evidence that its strategy rests on."""

    name: str
    strategy: Strategy
    evidence: Any
    basis: Basis

    def apply(self, calls: Calls) -> Calls:
        """The calls as they would have been."""
        return self.strategy.apply(calls, self.evidence)


@dataclass(frozen=True, slots=True)
class Fall:
    """One change, applied to what the previous ones left: dollars before and after, and how long requests then take."""

    name: str
    basis: Basis
    before: float
    after: float
    latency_p95_ms: float | None


def changes(
    evidence: Mapping[str, Any], basis: Mapping[str, Basis] = AS_STATED, stack: Sequence[Step] = STACK
) -> tuple[Change, ...]:
    """The steps that there is evidence for, in the order of the stack; `basis` where it is another than stated."""
    return tuple(
        Change(step.name, step.strategy, evidence[step.name], basis.get(step.name, step.basis))
        for step in stack
        if step.name in evidence
    )


def stacked(calls: Calls, steps: Iterable[Change]) -> Calls:
    """The calls after all these changes, one after the other."""
    for step in steps:
        calls = step.apply(calls)
    return calls


@dataclass(frozen=True, slots=True)
class Bills:
    """A log under every subset of some changes.

    usd             by subset: bit i of the index says whether change i is made
    latency_p95_ms  after none, the first, the first two … of them
    """

    changes: Sequence[Change]
    usd: Sequence[float]
    latency_p95_ms: Sequence[float | None]


def bills(calls: Calls, changes: Sequence[Change], total: Total) -> Bills:
    """The bills of these calls under every subset of the changes, of which there may be a handful.

    Each subset is priced once, and not at all where its last change finds nothing. Walked depth first, so that no more
    timelines are held at a time than there are changes.
    """
    usd, p95 = [0.0] * (1 << len(changes)), [latency_p95(calls)]

    def walk(depth: int, subset: int, left: Calls, dollars: float) -> None:
        if depth == len(changes):
            usd[subset] = dollars
            return
        after = changes[depth].apply(left)
        if subset == (1 << depth) - 1:  # all changes so far
            p95.append(p95[-1] if after is left else latency_p95(after))
        walk(depth + 1, subset | 1 << depth, after, dollars if after is left else total(after))
        del after
        walk(depth + 1, subset, left, dollars)

    walk(0, 0, calls, total(calls))
    return Bills(changes, usd, p95)


def waterfall(found: Bills) -> list[Fall]:
    """What each change does to the bill that the previous ones left."""
    left = [found.usd[(1 << made) - 1] for made in range(len(found.changes) + 1)]
    rows = zip(found.changes, left, left[1:], found.latency_p95_ms[1:], strict=False)
    return [Fall(change.name, change.basis, before, after, p95) for change, before, after, p95 in rows]


def shapley(found: Bills) -> list[float]:
    """What each change is worth: its saving, averaged over all orders in which the changes could be made.

    The shares sum to what all changes together save (Shapley 1953); a change that saves nothing in any company has a
    share of nothing.
    """
    players = range(len(found.changes))
    return [fsum(_marginals(found.usd, player, len(players))) for player in players]


def alone(found: Bills) -> list[float]:
    """What each change would save were it the only one. Not to be added up."""
    return [found.usd[0] - found.usd[1 << player] for player in range(len(found.changes))]


def _marginals(usd: Sequence[float], player: int, players: int) -> Iterator[float]:
    """What the change takes off every subset without it, weighted by how many orders lead there."""
    bit = 1 << player
    for subset, dollars in enumerate(usd):
        if not subset & bit:
            yield (dollars - usd[subset | bit]) / (players * comb(players - 1, subset.bit_count()))
