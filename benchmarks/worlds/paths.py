"""What becomes of candidates that share their prompts, in many worlds at once, by the product's own look and stop.

`worlds.counts` has the chances of one candidate alone; where several answer the same prompts, or one is asked only if
another has passed, worlds are drawn. Tables of counts are told apart by the limits that `worlds.counts` asks of the
product, prompts of clusters by the product's decision itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost.evidence import Outcomes, decide
from worlds.counts import Plan, goes_on, limits
from worlds.draws import Floats, Ints

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ends:
    """How the asking of a candidate ended; one entry a world.

    passed  with a switch      asked  prompts that it had been asked by then
    """

    passed: Bools
    asked: Ints


def drawn(rng: np.random.Generator, plan: Plan, shape: tuple[int, ...], shares: Floats) -> Ints:
    """How many prompts of each kind there are by each look; [*shape, look, kind]."""
    sizes = np.diff([look.n for look in plan.looks()], prepend=0)
    return np.asarray(np.stack([rng.multinomial(size, shares, shape) for size in sizes], axis=-2).cumsum(axis=-2))


def by_looks(plan: Plan, differences: Floats) -> tuple[Ints, Ints]:
    """Wins and losses by each look of prompts that are asked in this order; [..., prompt] → [..., look]."""
    at = [look.n - 1 for look in plan.looks()]
    return (differences > 0).cumsum(axis=-1)[..., at], (differences < 0).cumsum(axis=-1)[..., at]


def followed(plan: Plan, wins: Ints, losses: Ints) -> Ends:
    """The ends of candidates with these wins and losses by each look; [..., look] → [...]."""
    found = Ends(np.zeros(wins.shape[:-1], np.bool_), np.full(wins.shape[:-1], plan.most))
    asked = np.ones(wins.shape[:-1], np.bool_)
    for place, look in enumerate(plan.looks()):
        at, which = np.unique(wins[..., place], return_inverse=True)
        most = (limits(look).passing(at)[which], limits(look).asked(at)[which])
        passes, stays = (losses[..., place] <= each.reshape(asked.shape) for each in most)
        found.passed[asked & passes] = True
        found.asked[asked & (passes | ~stays)] = look.n
        asked &= stays & ~passes
    return found


def passes(plan: Plan, differences: Floats, clusters: Ints | None = None) -> bool:
    """Whether one candidate is switched to, its prompts asked in this order."""
    for look in plan.looks():
        seen = None if clusters is None else clusters[: look.n]
        verdict = decide(Outcomes(differences[: look.n], np.ones(look.n), clusters=seen), look.rule)
        if verdict.decision == "SWITCH" or not goes_on(verdict, look):
            return verdict.decision == "SWITCH"
    return False
