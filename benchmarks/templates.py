"""Templates of untagged prompts: the miner against drain3, on a labelled mix and on questions that have none.

    python benchmarks/templates.py banking77_train.csv

drain3 is no dependency: where it is not installed (pip install drain3) its lines are left out. Scores are against the
template that each prompt was made with; all free questions are one label.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xxhash

from llmcost.logs.opening import openings
from llmcost.tasks.templates import mine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.prompt_mix import mix
from support.scores import scores

MIXES = ((400, 2_000), (2_000, 9_000), (40, 200), (10, 9_000))
Clusterer = Callable[[Sequence[str]], Sequence[int]]


def ours(prompts: Sequence[str]) -> Sequence[int]:
    return list(mine(fingerprints(prompts), keys(prompts)).codes)


def fingerprints(prompts: Sequence[str]) -> np.ndarray:
    return np.frombuffer(openings(prompts).buffers()[1], "<u4").reshape(-1, 8)


def keys(prompts: Sequence[str]) -> np.ndarray:
    return np.array([xxhash.xxh3_64_intdigest(prompt.encode()) for prompt in prompts], np.uint64)


def drain(similarity: float, depth: int, words: int | None = None) -> Clusterer:
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth, config.profiling_enabled = similarity, depth, False

    def cluster(prompts: Sequence[str]) -> Sequence[int]:
        miner = TemplateMiner(config=config)
        return [miner.add_log_message(" ".join(prompt.split()[:words]))["cluster_id"] for prompt in prompts]

    return cluster


def lumped(cluster: Clusterer, fewest: int = 4) -> Clusterer:
    """The same with all clusters of fewer prompts in one, as free prompts are with us."""

    def cluster_and_lump(prompts: Sequence[str]) -> Sequence[int]:
        found = cluster(prompts)
        sizes = Counter(found)
        return [-1 if sizes[code] < fewest else code for code in found]

    return cluster_and_lump


def contestants() -> dict[str, Clusterer]:
    found: dict[str, Clusterer] = {"llmcost": ours}
    try:
        found |= {f"drain3 sim={s} depth={d}": drain(s, d) for s, d in ((0.4, 4), (0.2, 6), (0.6, 6))}
        found |= {f"drain3 first {n} words": drain(0.4, 4, n) for n in (8, 16)}  # it tells lengths apart
        found |= {f"drain3 {n} words, lumped": lumped(drain(0.4, 4, n)) for n in (8, 16)}
    except ImportError:
        pass
    return found


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    print(
        f"{'of each · free':16} {'miner':22} {'sites':>6} {'purity':>7} {'ARI':>6} {'V':>6} {'s':>7} {'µs/prompt':>10}"
    )
    for each, free in MIXES:
        prompts, labels = mix(texts, each, free)
        for name, cluster in contestants().items():
            start = time.process_time()
            found = cluster(prompts)
            spent = time.process_time() - start
            purity, ari, v = scores(labels, found)
            print(f"{each:>6} · {free:<7} {name:22} {len(set(found)):>6} {purity:7.3f} {ari:6.3f} {v:6.3f}"
                  f" {spent:7.2f} {1e6 * spent / len(prompts):10.1f}")  # fmt: skip
    found = Counter(ours(texts))
    print(f"questions alone: {len(found)} sites, {found[-1] / len(texts):.1%} of {len(texts):,} in one")
    many = 5_000_000
    prints, one = fingerprints(mix(texts, 2_000, 9_000)[0]), np.random.default_rng(7)
    rows = one.integers(0, len(prints), many)
    start = time.perf_counter()
    mine(prints[rows], one.integers(0, 2**63, many, dtype=np.uint64))
    print(f"{many:,} fingerprinted prompts mined in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
