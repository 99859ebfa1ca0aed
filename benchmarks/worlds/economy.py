"""What looking as prompts go out saves: prompts asked of good and bad candidates, and what the money buys instead."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from worlds.counts import Course, Plan, chance, course, fixed
from worlds.naive import IN_A_PLAN, MOST, percent
from worlds.rows import Row

# The candidate, its difference, how often it differs.
CANDIDATES = (
    ("2 points better", 0.02, 0.10),
    ("as good", 0.0, 0.10),
    ("at the margin, 2 points worse", -0.02, 0.10),
    ("4 points worse", -0.04, 0.10),
    ("7 points worse", -0.07, 0.10),
    ("12 points worse", -0.12, 0.16),
)
MOST_OF_A_BAD_ONE = 0.25  # of the sample, asked of a candidate 5 points beyond the margin


def rows(worlds: int) -> Iterator[Row]:
    for comparisons in (1, IN_A_PLAN):
        found = _course(comparisons, -0.07, 0.10)
        what = f"7 points worse, margin 2 %, one of {comparisons}: prompts asked, of {MOST:,} (exact)"
        yield Row(what, found.prompts / MOST, 0, MOST_OF_A_BAD_ONE, "looks that stop", 1.0)


def markdown() -> Iterator[str]:
    for comparisons in (1, IN_A_PLAN):
        same = same_power(comparisons)
        yield f"One of {comparisons} comparisons; a fixed sample of the same power is n {same:,}."
        yield ""
        yield f"| the candidate is | SWITCH | prompts asked | of {MOST:,} | of {same:,} | tested for the same money |"
        yield "|---|--:|--:|--:|--:|--:|"
        for what, difference, discordance in CANDIDATES:
            found = _course(comparisons, difference, discordance)
            asked = found.prompts
            yield (
                f"| {what} | {percent(found.switch)} | {asked:,.0f} | {100 * asked / MOST:.0f} % | "
                f"{100 * asked / same:.0f} % | {same / asked:.1f} × |"
            )
        yield ""


def _course(comparisons: int, difference: float, discordance: float) -> Course:
    return course(Plan(MOST, comparisons=comparisons), discordance, difference)


@cache
def same_power(comparisons: int) -> int:
    """The fixed sample by which a candidate that is as good passes as often as by the looks; to ten prompts."""
    wanted = _course(comparisons, 0.0, 0.10).switch
    low, high = 13, MOST // 10
    while high - low > 1:
        middle = (low + high) // 2
        enough = chance(fixed(10 * middle, comparisons=comparisons), 0.10, 0.0) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return 10 * high
