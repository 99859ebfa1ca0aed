"""The stack: strategies on one timeline of calls, each seeing what the previous ones left, priced step by step.

Savings of single strategies do not add up: a call that a cache answers costs nothing in a batch. So nothing here adds
them. `waterfall` says what each takes off what the previous ones left, `shapley` what each is worth whatever the order;
both sum to what the whole stack saves. What calls cost is not known here: a `Billed` tells the dollars of a timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import comb, fsum
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np

from llmcost.calls import Calls
from llmcost.strategies.attempts import Floats, Ints, request_latencies
from llmcost.strategies.batch_api import BatchApi
from llmcost.strategies.batching import Batching
from llmcost.strategies.cascade import Cascade
from llmcost.strategies.compression import Compression
from llmcost.strategies.near_duplicates import NearDuplicateCache
from llmcost.strategies.parts import RELATED_BY, Relation, parts
from llmcost.strategies.prompt_cache import PromptCache
from llmcost.strategies.response_cache import ResponseCache
from llmcost.strategies.route import Route
from llmcost.strategies.strategy import Strategy

Basis: TypeAlias = Literal["no_answer_change", "measured", "potential"]
Dollars: TypeAlias = Sequence[float]  # as numbers whose sum is exact, so that sums of parts are no other than the whole


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


@runtime_checkable
class ByRow(Protocol):
    """Evidence that says something of every row."""

    def take(self, rows: Ints) -> Self:
        """The same of these rows alone."""
        ...


def of_rows(evidence: Any, rows: Ints) -> Any:
    """The evidence as it concerns these rows alone."""
    return evidence.take(rows) if isinstance(evidence, ByRow) else evidence


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

    @property
    def related_by(self) -> Relation | None:
        """In what calls must agree for one to matter to the other; None: any two may.

        A strategy that is told of every row what to do with it needs to see no other, unless its entry says so; one
        that is told it by task or call site leaves those alone of which it is told nothing.
        """
        columns = RELATED_BY.get(self.strategy.name, () if isinstance(self.evidence, ByRow) else None)
        values = self.evidence.keys() if isinstance(self.evidence, Mapping) else None
        return None if columns is None else dict.fromkeys(columns, values)

    def of(self, rows: Ints) -> Change:
        """The same change, to be made to these rows alone."""
        return replace(self, evidence=of_rows(self.evidence, rows))


class Billed(Protocol):
    """Calls, and what they would cost as any timeline that a strategy makes of them."""

    @property
    def calls(self) -> Calls:
        """The calls as they are."""
        ...

    def part(self, rows: Ints) -> Self:
        """The same of these rows alone."""
        ...

    def dollars(self, after: Calls) -> Dollars:
        """What the calls cost when they become these."""
        ...


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


def bills(log: Billed, changes: Sequence[Change]) -> Bills:
    """The bills of this log under every subset of the changes, of which there may be a handful.

    Each part of it is billed by itself, and what the parts cost is added up: in a part few changes find anything, and
    no more than a part is held under many changes at a time.
    """
    usd: list[list[float]] = [[] for _ in range(1 << len(changes))]
    took: list[list[Floats]] = [[] for _ in range(len(changes) + 1)]
    for rows in parts(log.calls, _related_by(changes)):
        part, chain = log.part(rows), list[Calls]()
        found = _subsets(part, part.calls, [change.of(rows) for change in changes], chain)
        for subset, dollars in enumerate(found):
            usd[subset].extend(dollars)
        for made, latencies in enumerate(_latencies(chain)):
            took[made].append(latencies)
    return Bills(changes, [fsum(dollars) for dollars in usd], [_p95(latencies) for latencies in took])


def _related_by(changes: Iterable[Change]) -> Relation | None:
    """In what calls must agree for one to matter to the other under some of the changes; None: any two may."""
    found: dict[str, set[str] | None] = {}
    for change in changes:
        if (relation := change.related_by) is None:
            return None
        for column, values in relation.items():
            known = found.get(column, set())
            found[column] = None if known is None or values is None else known | set(values)
    return found


def _subsets(part: Billed, left: Calls, changes: Sequence[Change], chain: list[Calls] | None) -> list[Dollars]:
    """What is left costs under every subset of the changes; the timelines when all are made are added to the chain."""
    if chain is not None:
        chain.append(left)
    if not changes:
        return [part.dollars(left)]
    after = changes[0].apply(left)
    made = _subsets(part, after, changes[1:], chain)
    spared = made if after is left else _subsets(part, left, changes[1:], None)
    return [each for pair in zip(spared, made, strict=True) for each in pair]


def _latencies(chain: Sequence[Calls]) -> list[Floats]:
    """How long the requests of each of these timelines take; taken from the one before where nothing of it changed."""
    found = [request_latencies(chain[0])]
    for before, after in pairwise(chain):
        found.append(found[-1] if _as_long(before, after) else request_latencies(after))
    return found


def _as_long(before: Calls, after: Calls) -> bool:
    """Whether a change kept the latencies: a column that was kept is the very same array, and so are its places."""
    return all(before.floats(name) is after.floats(name) for name in ("latency_ms", "position"))


def _p95(latencies: Sequence[Floats]) -> float | None:
    """The same as `latency_p95` of all calls, from the latencies of every part."""
    known = np.concatenate([each[~np.isnan(each)] for each in latencies]) if latencies else np.empty(0)
    return float(np.quantile(known, 0.95)) if known.size else None


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
