"""Would the earlier answer have done? Pairs that a near-duplicate cache would have made of the log, to be graded.

For every call that such a cache would have answered, the log holds both answers: the earlier one, and the one that was
given. So false hits are measured without asking any model, and the grader sees two answers to the later question. The
hits are a population of their own: their share of the task does not dilute what they lose.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from llmcost import logs
from llmcost.calls import Call, Calls
from llmcost.endpoint import ChatRequest, Completion
from llmcost.replay.sample import Sample
from llmcost.serving import Caching, CandidateModel, Served, Steps
from llmcost.strategies import NearPolicy
from llmcost.strategies.near_duplicates import near_hits
from llmcost.strategies.timeline import key_codes
from llmcost.trial.design import Arm, Design, Way
from llmcost.trial.walks import Rung

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NearWalks:
    """By task the rungs of its walk, from the strictest likeness to the loosest, where there is a hit at all.

    hits, usd  calls of the real traffic that the loosest cache would have answered, and what they cost
    """

    rungs: Mapping[str, tuple[Rung, ...]] = field(default_factory=dict)
    hits: Mapping[str, int] = field(default_factory=dict)
    usd: Mapping[str, float] = field(default_factory=dict)


def near_walks(
    calls: Calls, costs: Floats, design: Design, likenesses: Sequence[Caching], exact: Mask, tasks: Collection[str]
) -> NearWalks:
    """The walks of these tasks through caches of less and less alike prompts.

    calls, costs  the whole log, and USD of each call      exact  those that an exact cache answers already
    """
    found: dict[str, list[Rung]] = {}
    counts, usd, weights = dict[str, int](), dict[str, float](), calls.weights()
    for rule in likenesses:
        assert rule.near is not None
        hits = near_hits(calls, NearPolicy(rule.ttl_s, rule.near), exact)
        for task in sorted(tasks):
            rows = np.flatnonzero(hits.hit & calls.says("task", {task}))
            if rows.size:
                found.setdefault(task, []).append(_rung(calls, costs, design, task, rule, rows, hits.entry[rows]))
                counts[task], usd[task] = round(weights[rows].sum()), float(np.nansum(costs[rows] * weights[rows]))
    return NearWalks({task: tuple(rungs) for task, rungs in found.items()}, counts, usd)


def _rung(calls: Calls, costs: Floats, design: Design, task: str, rule: Caching, rows: Ints, entries: Ints) -> Rung:
    """A sample of the hits: equal pairs of prompts are one pair, those of one entry fail together."""
    prompts, weights = key_codes(calls, "prompt_key"), calls.weights()
    pairs, first, which = np.unique(
        np.stack((prompts[rows], prompts[entries])), axis=1, return_index=True, return_inverse=True
    )
    stands_for = np.bincount(which.ravel(), weights=weights[rows])
    chosen = _drawn(pairs.shape[1], design)
    later, earlier = rows[first[chosen]], entries[first[chosen]]
    inclusion = np.full(chosen.size, chosen.size / pairs.shape[1])
    sample = Sample(
        rows=later,
        tasks=[task] * chosen.size,
        inclusion=inclusion,
        weights=stands_for[chosen] / inclusion,
        population={task: pairs.shape[1]},
        calls_per_task={task: round(float(weights[rows].sum()))},
        not_replayable={},
    )
    asked, given = (logs.bodies(calls.take(each)) for each in (later, earlier))
    own = replace(
        design,
        sample=sample,
        calls=calls.take(later),
        bodies=tuple(asked),
        logged_usd=costs[later],
        clusters=np.unique(prompts[earlier], return_inverse=True)[1].astype(np.int64),
        arms=(),
        again=(),
    )
    return Rung(rule, own, _arm(rule, asked, given))


def _drawn(pairs: int, design: Design) -> Ints:
    """Which of so many pairs are graded, in the order of grading: all of them where there are no more than a sample."""
    most = pairs if design.replay.sample == "auto" else min(pairs, design.replay.sample)
    return np.random.default_rng(design.replay.seed).permutation(pairs)[:most]


def _arm(rule: Caching, asked: Sequence[Call], given: Sequence[Call]) -> Arm:
    requests = tuple(ChatRequest(body.request or {}) for body in asked)
    name = f"the answer to a prompt that is {100 * (rule.near or 1):g} % alike"
    return Arm(CandidateModel("cache"), np.arange(len(asked)), requests, {}, _from_cache(given), name)


def _from_cache(given: Sequence[Call]) -> Way:
    """The earlier answers, for nothing and at once."""

    def way(places: Sequence[int]) -> Steps[list[Served]]:
        yield from ()
        return [Served(_kept(given[place]), (), 0.0) for place in places]

    return way


def _kept(call: Call) -> Completion:
    model = call.response_model or call.request_model or ""
    return Completion(model, "answered", call.answer, latency_ms=0.0)
