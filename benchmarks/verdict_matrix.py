"""How often a whole replay is wrong, by judge and candidate: `python benchmarks/verdict_matrix.py [--seeds N]`.

Every world is replayed in full through a server on this machine: log, questions, answers, both orders, controls, looks,
verdict. First worlds of known truth with judges of known faults (`tests/support/parcels.py`), then recorded answers of
nine real models with their expected answers hidden, so that a judge of known reliability has to decide
(`--only zeroeval`; left out where the recordings are absent). Ends with exit code 1 if a demand is not met.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from scipy import stats

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import parcels, zeroeval  # noqa: E402
from support.loopback import Loopback  # noqa: E402

from llmcost.errors import EndpointError  # noqa: E402
from llmcost.recommend.result import TaskReport  # noqa: E402

SEEDS = 50
PROCESSES = 2
STRICT = 0.02
STRICT_COLUMN = "2-worse at 2 %"
ROWS = (*parcels.JUDGES, "self-preferring+fair")
COLUMNS = (*parcels.CANDIDATES, STRICT_COLUMN)
NEVER = ("random", "obedient")
# What a lone judge likes cannot be told from quality without people: its row is shown, and the demand is on two judges.
LONE = "self-preferring"
OUTCOMES = {"SWITCH": "S", "KEEP": "K", "INCONCLUSIVE": "I", "CANNOT_JUDGE": "C", "STOPPED": "E"}
BAND = 0.99

Table = dict[tuple[str, str], Counter[str]]


def world(seed: int) -> Table:
    """The outcomes of one world: every row and column once."""
    found: Table = {}
    with tempfile.TemporaryDirectory() as folder, Loopback(parcels.answer) as server:
        place = parcels.World(seed, Path(folder), server.base_url)
        for row in ROWS:
            found |= _outcomes(row, parcels.CANDIDATES, lambda row=row: place.replay(row))
            if row in NEVER:
                continue  # whatever the margin, nothing is asked
            found |= _outcomes(row, [STRICT_COLUMN], lambda row=row: place.replay(row, ["2-worse"], STRICT))
    return found


def _outcomes(row: str, columns: Iterable[str], replay: Callable[[], TaskReport]) -> Table:
    try:
        said = [parcels.outcome(item) for item in replay().candidates]
    except EndpointError:  # the endpoint was given up: there is no verdict
        said = ["STOPPED" for _ in columns]
    return {(row, column): Counter([word]) for column, word in zip(columns, said, strict=True)}


def difference(column: str) -> float:
    return parcels.CANDIDATES[column.partition(" ")[0]].difference


def margin(column: str) -> float:
    return STRICT if column == STRICT_COLUMN else 0.05


def demand(row: str, column: str, seeds: int) -> tuple[int, int] | None:
    """The fewest and the most switches of so many worlds; None: nothing is demanded."""
    if row in NEVER:
        return 0, 0
    if difference(column) <= -margin(column) + 1e-9:
        return None if row == LONE else (0, int(stats.binom.ppf(BAND, seeds, parcels.LEVEL)))
    if row == "fair" and column in ("equal", "better"):
        return int(stats.binom.ppf(1 - BAND, seeds, {"equal": 0.5, "better": 0.8}[column])), seeds
    return None


def matrix(seeds: int) -> int:
    """Prints the table of all worlds; gives the number of missed demands."""
    table: Table = {(row, column): Counter() for row in ROWS for column in COLUMNS}
    with ProcessPoolExecutor(PROCESSES) as pool:
        for number, found in enumerate(pool.map(world, range(seeds)), start=1):
            print(f"\r{number} of {seeds} worlds", end="", file=sys.stderr, flush=True)
            for cell, counts in found.items():
                table[cell] += counts
    print(file=sys.stderr)
    print(f"{seeds} worlds of {parcels.PROMPTS} prompts, {parcels.LOOKS} looks, level 5 % a candidate, margin 5 %")
    print("S switch, K keep (or dropped while losing), I inconclusive, C cannot judge, E stopped by an error")
    print(f"{'':22}" + "".join(f"{column:>17}" for column in COLUMNS))
    print(f"{'truth, points':22}" + "".join(f"{100 * difference(column):+17.1f}" for column in COLUMNS))
    for row in ROWS:
        print(f"{row:22}" + "".join(f"{_counts(table[row, column]):>17}" for column in COLUMNS))
    missed = list(_missed(table, seeds))
    print("\n".join(missed) or "every demand is met")
    return len(missed)


def _counts(counts: Counter[str]) -> str:
    return " ".join(f"{letter}{counts[name]}" for name, letter in OUTCOMES.items() if counts[name])


def _missed(table: Mapping[tuple[str, str], Counter[str]], seeds: int) -> Iterator[str]:
    for (row, column), counts in table.items():
        if (wanted := demand(row, column, seeds)) is not None:
            fewest, most = wanted
            if not fewest <= counts["SWITCH"] <= most:
                yield f"NOT MET: {row}, {column}: {counts['SWITCH']} switches of {seeds}, demanded {fewest} to {most}"


def recorded(_seeds: int) -> int:
    """Prints the verdicts on recorded answers by judges of known reliability; gives the number of wrong switches."""
    if not zeroeval.present():
        print("recorded answers: not on this machine (set LLMCOST_TEST_DATA)")
        return 0
    found = zeroeval.load()
    with tempfile.TemporaryDirectory() as folder, Loopback(found.answer) as server:
        rows = list(zeroeval.judged(found, Path(folder), server.base_url))
    cases = [(judge, at) for judge in zeroeval.JUDGES for at in zeroeval.MARGINS]
    print("\nrecorded answers, expected answers hidden: all asked; verdict by κ and margin; ! wrong")
    print(
        f"{'':36} {'truth':>7}"
        + "".join(f"{judge.removeprefix('judge-') + f' at {at:.0%}':>11}" for judge, at in cases)
    )
    for task, model in dict.fromkeys((row.task, row.model) for row in rows):
        mine = {(row.judge, row.margin): row for row in rows if (row.task, row.model) == (task, model)}
        shown = (f"{OUTCOMES[mine[case].outcome]}{'!' * mine[case].wrong:1}" for case in cases)
        truth = -100 * next(iter(mine.values())).loss
        print(f"{task:5} {model:30} {truth:+7.1f}" + "".join(f"{item:>11}" for item in shown))
    wrong = Counter(row.outcome for row in rows if row.wrong)
    print(f"of {len(rows)} verdicts: wrong SWITCH {wrong['SWITCH']}, wrong KEEP {wrong['KEEP']}")
    return wrong["SWITCH"]


SECTIONS: Mapping[str, Callable[[int], int]] = {"matrix": matrix, "zeroeval": recorded}


def main() -> int:
    parser = argparse.ArgumentParser(description="How often a whole replay is wrong, by judge and candidate.")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", choices=tuple(SECTIONS))
    chosen = parser.parse_args()
    missed = 0
    for name, section in SECTIONS.items():
        if chosen.only in (None, name):
            start = time.monotonic()
            missed += section(chosen.seeds)
            print(f"{name}: {time.monotonic() - start:,.0f} s", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
