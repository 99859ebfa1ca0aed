"""How often the procedure is wrong, and how often it is right: `python benchmarks/operating_characteristics.py`.

Every row puts the product's own code into worlds whose truth is known and compares what it does with what is demanded.
Rows marked *exact* are summed over all tables of counts and have no Monte-Carlo error; the others are simulated, where
5.8 % is 5 % and the error of 2,000 worlds. Where a guard protects, it is switched off from outside, by other arguments
or in a patched module, and the same is measured again: a demand that is met without its guard proves nothing about it,
and is missed. All seeds are fixed. Ends with exit code 1 if a demand is missed.

    --worlds N          simulated worlds a row (2,000)
    --only THEME        one theme; may be repeated
    --markdown naive    the table of the rules in use beside ours, instead; `economy`: what looks save
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence

from worlds import (
    cascade,
    clusters,
    economy,
    fixed,
    gate,
    judges,
    missing,
    monitor,
    naive,
    people,
    savings,
    score,
    sequential,
    survey,
    walks,
)
from worlds.rows import HEADING, Row, Theme

WORLDS = 2_000
THEMES: Mapping[str, Theme] = {
    "score": score.rows,
    "fixed": fixed.rows,
    "sequential": sequential.rows,
    "naive": naive.rows,
    "economy": economy.rows,
    "judges": judges.rows,
    "missing": missing.rows,
    "clusters": clusters.rows,
    "survey": survey.rows,
    "savings": savings.rows,
    "cascade": cascade.rows,
    "walks": walks.rows,
    "people": people.rows,
    "monitor": monitor.rows,
    "gate": gate.rows,
}
MARKDOWN = {"naive": naive.markdown, "economy": economy.markdown}


def main() -> int:
    parser = argparse.ArgumentParser(description="How often the procedure is wrong in worlds of known truth.")
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--only", action="append", choices=THEMES, metavar="THEME", help=", ".join(THEMES))
    parser.add_argument("--markdown", choices=MARKDOWN)
    chosen = parser.parse_args()
    if chosen.markdown:
        print("\n".join(MARKDOWN[chosen.markdown]()))
        return 0
    missed = show(chosen.only or list(THEMES), chosen.worlds)
    print(f"\n{len(missed)} demands missed" + "".join(f"\n* {row.what}" for row in missed))
    return 1 if missed else 0


def show(themes: Sequence[str], worlds: int) -> list[Row]:
    """Prints the table, and returns what is missed."""
    missed = []
    print(HEADING)
    for theme in themes:
        began = time.process_time()
        print(f"\n{theme}")
        for row in THEMES[theme](worlds):
            print(row.text(), flush=True)
            missed += [] if row.met else [row]
        print(f"{theme}: {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
