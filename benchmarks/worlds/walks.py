"""Beyond other models: walks that may go too far, tasks in which all is tried, walks on a model that has passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from llmcost.evidence.cascade import Tier
from llmcost.trial.beyond import _shared_with
from llmcost.trial.design import Design, Tried
from worlds import climbs, product_walk
from worlds.climbs import DELTA
from worlds.counts import Plan, chance
from worlds.draws import Floats, Ints
from worlds.paths import Bools, by_looks, drawn, followed, passes
from worlds.rows import ALPHA, Row, within_alpha
from worlds.trials import TASK, _arm, _design

RUNGS = 3
MODELS = 3
ALL = frozenset({"cache", "compress", "batch", "cascade"})
ALLOWED_OF_CLUSTERS = 0.065


def rows(worlds: int) -> Iterator[Row]:
    yield from sequence_rows()
    yield together_row(worlds)
    yield second_rung_row(worlds)
    yield product_walk.row(max(worlds // 40, 1))
    yield task_row(worlds)
    yield gate_row()
    yield many_gates_row(worlds)
    yield from near_rows(worlds)
    yield from climbs.rows(worlds)


def sequence_rows(sizes: tuple[int, ...] = (400, 2_000)) -> Iterator[Row]:
    """The guard is that a rung is asked only where the one before has passed; without, any that passes is taken."""
    for n in sizes:
        for discordance in (0.05, 0.30):
            first = chance(Plan(n), discordance, -DELTA)
            yield within_alpha(
                f"walk of {RUNGS} rungs, each at the margin, up to n {n}, discordance {discordance:.2f}: any (exact)",
                first, "a fixed sequence", 1 - (1 - first) ** RUNGS,
            )  # fmt: skip


def together_row(worlds: int, n: int = 1_000) -> Row:
    """Half of what a rung wins and loses, all rungs do."""
    everyone, own = np.ones((1, RUNGS)), np.eye(RUNGS)
    outcomes = np.concatenate((everyone, -everyone, own, -own, np.zeros((1, RUNGS))))
    won, lost = 0.02, 0.03
    shares = np.array([won, lost, *[won] * RUNGS, *[lost] * RUNGS])
    found = _passed(np.random.default_rng(41), Plan(n), worlds, outcomes, shares)
    what = f"walk of {RUNGS} rungs at the margin that fail together, up to n {n}: any"
    return within_alpha(what, found[:, 0].mean(), "a fixed sequence", found.any(axis=1).mean())


def second_rung_row(worlds: int, n: int = 2_000) -> Row:
    """The first rung loses 0.8 points, the second 1.2 more. Compared with the first, the second would seem fine."""
    outcomes = np.array([[1, 1, 0], [-1, -1, 0], [0, -1, -1], [0, 0, 0]], dtype=np.float64)
    found = _passed(np.random.default_rng(42), Plan(n), worlds, outcomes, np.array([0.006, 0.014, 0.012]))
    first, second, by_the_first = found.T
    return within_alpha(
        f"first rung fine, second at the margin, up to n {n}: second accepted",
        (first & second).mean(), "the logged answer as measure", (first & by_the_first).mean(),
    )  # fmt: skip


def _passed(rng: np.random.Generator, plan: Plan, worlds: int, outcomes: Floats, shares: Floats) -> Bools:
    """Which rungs would pass if all were asked; [kind, rung] outcomes of kinds with these shares → [world, rung]."""
    counts = drawn(rng, plan, (worlds,), np.append(shares, 1 - shares.sum()))
    wins, losses = ((counts @ (side * outcomes > 0)).transpose(0, 2, 1) for side in (1, -1))
    return followed(plan, wins, losses).passed


def designed(models: int, tried: frozenset[str]) -> Design:
    """A trial of one task with so many candidates, in which these strategies are tried."""
    arms = tuple(_arm(f"candidate {number}", [body.request or {} for body in _design(1, 0).bodies], 1)
                 for number in range(models))  # fmt: skip
    return replace(_design(1, 0), arms=arms, tried=Tried({TASK: tried}))


def on_the_best(design: Design) -> int:
    """By how many the product divides alpha for each comparison on a candidate that has passed."""
    task = SimpleNamespace(design=design, name=TASK, cells=design.arms)
    return _shared_with(task, design.arms[0])  # type: ignore[arg-type]


def task_row(worlds: int, n: int = 1_000) -> Row:
    """Three candidates, a walk of each kind and the cascades of the two cheapest, all just at the margin.

    The guard is that walks and cascades are counted; without, alpha is shared by the candidates alone.
    """
    design = designed(MODELS, ALL)
    every = design.comparisons(TASK)
    wrong, uncounted = wrong_plans(worlds, n, every, MODELS)
    return within_alpha(
        f"{MODELS} models, 3 walks, 3 cascades, all at the margin, {every} comparisons, up to n {n}: any wrong",
        wrong, "walks and cascades counted", uncounted,
    )  # fmt: skip


def wrong_plans(worlds: int, n: int, many: int, fewer: int) -> tuple[float, float]:
    """The shares of plans in which anything at the margin is accepted where many, and where fewer, share alpha."""
    rng, wrong, uncounted = np.random.default_rng(43), 0, 0
    for seed in range(worlds):
        models = [climbs.levels(rng, n, climbs.AT_LAST) for _ in range(MODELS)]
        walks = [climbs.levels(rng, n, climbs.AT_LAST).differences for _ in range(3)]
        accepted = _any_wrong(models, walks, fewer, seed)
        uncounted += accepted
        wrong += accepted and _any_wrong(models, walks, many, seed)  # what passes here passes where fewer share alpha
    return wrong / worlds, uncounted / worlds


def _any_wrong(models: Sequence[Tier], walks: Sequence[Floats], comparisons: int, seed: int) -> bool:
    plan = Plan(models[0].scores.size, comparisons=comparisons)
    counts = by_looks(plan, np.stack([*(model.differences for model in models), *walks]))
    climbed = climbs.any_wrong(models[:2], climbs.AT_LAST, ALPHA / comparisons, seed)
    return climbed or bool(followed(plan, *counts).passed.any())


def gate_row(n: int = 1_000, discordance: float = 0.10) -> Row:
    """All walks on a model are wrong together no more often than that model could have been: what it has won."""
    design = designed(1, frozenset({"compress", "batch"}))
    won = design.comparisons(TASK)
    shared, whole = (_any_of_two(Plan(n, comparisons=each), discordance) for each in (on_the_best(design), won))
    what = f"two walks at the margin on a model that has passed, up to n {n}: any wrong (exact)"
    return Row(what, shared, 0, ALPHA / won, "the won level divided", whole)


def _any_of_two(plan: Plan, discordance: float) -> float:
    return 1 - (1 - chance(plan, discordance, -DELTA)) ** 2


def many_gates_row(worlds: int, models: int = 10, n: int = 1_000) -> Row:
    """Many models, each truly within the margin but seldom shown to be, and five comparisons at the margin on each.

    The cheapest that passes is gone on from. It has passed by luck, which what is tried on it shares: that is wrong too
    often where each comparison has the level that the model has won.
    """
    design = designed(models, frozenset({"compress", "batch", "cascade"}))
    every, divided = design.comparisons(TASK), on_the_best(design)
    on_it = divided // every
    own, none = np.eye(on_it), np.zeros((on_it, 1))
    outcomes = np.concatenate((
        [[1.0] * (1 + on_it), [-1.0] * (1 + on_it)],  # of the model, whatever is done besides
        np.hstack((none, own)), np.hstack((none, -own)), np.zeros((1, 1 + on_it)),
    ))  # fmt: skip
    shares = np.array([0.020, 0.032, *[0.005] * on_it, *[0.013] * on_it])
    counts = drawn(np.random.default_rng(44), Plan(n), (worlds, models), np.append(shares, 1 - shares.sum()))
    wins, losses = (np.moveaxis(counts @ (side * outcomes > 0), -1, 0) for side in (1, -1))
    passed = followed(Plan(n, comparisons=every), wins[0], losses[0]).passed
    best = passed.argmax(axis=1)  # the first that passes, if any does: they stand by price

    def wrong(comparisons: int) -> float:
        on_each = followed(Plan(n, comparisons=comparisons), wins[1:], losses[1:]).passed.any(axis=0)
        return float((passed & on_each)[np.arange(worlds), best].mean())

    return within_alpha(
        f"{models} models, some pass by luck, {on_it} comparisons on each at the margin, n {n}: any wrong",
        wrong(divided), "the won level divided", wrong(every),
    )  # fmt: skip


def near_rows(worlds: int, n: int = 2_000) -> Iterator[Row]:
    """Hits of a near-duplicate cache, one in 50 of them false. The guard is that hits of one entry are a cluster."""
    for correlation in (0.3, 1.0):
        rng, counted, ignored = np.random.default_rng(45), 0, 0
        for _ in range(worlds):
            entries, false = hits(rng, n, correlation)
            counted += passes(Plan(n), false, entries)
            ignored += passes(Plan(n), false)
        yield Row(
            f"near-duplicates at the margin, hits of one entry fail together, ICC {correlation:.1f}, up to n {n}",
            counted / worlds, 0, ALLOWED_OF_CLUSTERS, "hits of one entry clustered", ignored / worlds,
        )  # fmt: skip


def hits(rng: np.random.Generator, n: int, correlation: float) -> tuple[Ints, Floats]:
    """The entries of n hits in the order of grading, some hit ten times as often as others; and −1 a false hit.

    A hit is as true or as false as its entry with chance √correlation, else it stands alone.
    """
    entries = n // 2
    popularity = 1 / (n // 20 + np.arange(entries))
    hit = rng.choice(entries, n, p=popularity / popularity.sum())
    of_entry, own = rng.random(entries) < DELTA, rng.random(n) < DELTA
    false = np.where(rng.random(n) < np.sqrt(correlation), of_entry[hit], own)
    return hit, -false.astype(np.float64)
