"""Near-duplicates of a million prompts: time, memory, precision and recall against exact Jaccard; real phrasings.

    python benchmarks/near_duplicates.py [--prompts 1000000] [--phrasings banking77_train.csv]

`--phrasings` is a CSV with the columns `text` and `category`: real questions with their intents. With `rensa`
installed, its MinHash over shingles made in Python is timed beside ours.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import random
import resource
import string
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import sparse

from llmcost import calls as calls_module
from llmcost.calls import SCHEMA, Calls
from llmcost.logs.sketch import sketches
from llmcost.minhash import SKETCH_BYTES, jaccard, shingled
from llmcost.strategies import NearPolicy
from llmcost.strategies.alike import Prompts, candidates, distinct_prompts, leaders, near_ones, raw_bytes
from llmcost.strategies.near_duplicates import near_hits

SEED, CHUNK, QUERIES, THRESHOLD = 7, 10_000, 2_000, 0.8
FILLERS = ("please", "hi", "thanks", "hello", "could you tell me", "quick question", "asap")
BUILT_IN = (
    "how do I change the delivery address of my order",
    "why was my card payment declined yesterday",
    "what is the exchange rate for transfers in euros today",
    "can you cancel the subscription that I started last month",
    "when will the refund for order {n} arrive in my account",
    "write a short reply to the customer who asks about invoice {n}",
    "translate the following sentence into German for a web shop",
    "my top up failed and the money has not come back yet",
)


def generate(size: int, questions: list[str]) -> Iterator[str]:
    """Half long tail, never asked before; half known questions with typos, fillers, other case and other numbers."""
    draw = random.Random(SEED)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(2, 9))) for _ in range(8_000)]
    for _ in range(size):
        if draw.random() < 0.5:
            yield " ".join(draw.choices(words, k=draw.randint(5, 45)))
        else:
            yield asked_again(draw.choice(questions), draw)


def asked_again(question: str, draw: random.Random) -> str:
    text = question.replace("{n}", str(draw.randint(1000, 999_999)))
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        kind, place = draw.randrange(5), draw.randrange(max(1, len(text)))
        if kind == 0:
            text = text[:place] + draw.choice(string.ascii_lowercase) + text[place + 1 :]
        elif kind == 1:
            text = text[:place] + text[place + 1 :]
        elif kind == 2:
            text = f"{draw.choice(FILLERS)} {text}"
        elif kind == 3:
            text = f"{text} {draw.choice(FILLERS)}"
        else:
            text = text.upper() if draw.random() < 0.5 else f"{text} {draw.randint(1, 99_999)}"
    return text


def main() -> None:
    """The figures, a paragraph a question."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prompts", type=int, default=1_000_000)
    parser.add_argument("--phrasings", type=Path)
    options = parser.parse_args()
    rows = list(csv.DictReader(options.phrasings.open(encoding="utf-8"))) if options.phrasings else []
    texts = list(generate(options.prompts, [row["text"] for row in rows] or list(BUILT_IN)))
    print(f"{len(texts):,} prompts, {len(set(texts)):,} distinct, {np.mean([*map(len, texts)]):.0f} characters each")
    made = sketched(texts)
    beside_rensa(texts[:20_000])
    prompts = searched(texts, made)
    simulated(texts, made)
    accuracy(texts, made, prompts)
    if rows:
        intents([row["text"] for row in rows], [row["category"] for row in rows])


def peak_mb() -> float:
    """Peak memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def timed(what: str, started: float, before: float, each: int) -> None:
    seconds = time.process_time() - started
    print(f"{what}: {seconds:.2f} s CPU, {1e6 * seconds / each:.2f} µs each, +{peak_mb() - before:.0f} MB at the peak")


def sketched(texts: list[str]) -> pa.ChunkedArray:
    before, started = peak_mb(), time.process_time()
    made = pa.chunked_array([sketches(texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)])
    timed("sketching", started, before, len(texts))
    return made


def beside_rensa(texts: list[str]) -> None:
    started = time.process_time()
    shingles = [shingles_in_python(text) for text in texts]
    print(f"shingles in plain Python: {1e6 * (time.process_time() - started) / len(texts):.2f} µs each")
    if importlib.util.find_spec("rensa") is None:
        return
    import rensa  # ty: ignore[unresolved-import]

    started = time.process_time()
    for found in shingles:
        mine = rensa.RMinHash(num_perm=64, seed=SEED)
        mine.update(found)
        mine.digest()
    print(f"rensa.RMinHash of those: {1e6 * (time.process_time() - started) / len(texts):.2f} µs each")
    started = time.process_time()
    sketches(texts)
    print(f"ours, shingles included: {1e6 * (time.process_time() - started) / len(texts):.2f} µs each")


def shingles_in_python(text: str) -> list[str]:
    even = " ".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
    return [even[start : start + 5] for start in range(max(1, len(even) - 4))]


def searched(texts: list[str], made: pa.ChunkedArray) -> Prompts:
    before, started = peak_mb(), time.process_time()
    one_scope = np.zeros(len(texts), np.int64)
    prompts, _ = distinct_prompts(raw_bytes(made, SKETCH_BYTES), one_scope, one_scope)
    leader = leaders(prompts, THRESHOLD)
    timed(f"grouping {len(leader):,} distinct sketches of one scope", started, before, len(texts))
    sizes = np.bincount(leader)
    print(f"  {np.sum(sizes > 1):,} groups of {sizes[sizes > 1].sum():,} prompts, the largest of {sizes.max():,}")
    return prompts


def simulated(texts: list[str], made: pa.ChunkedArray) -> None:
    calls, draw = table(texts, made), np.random.default_rng(SEED)
    before, started = peak_mb(), time.process_time()
    found = near_hits(calls, NearPolicy(3600.0, THRESHOLD), np.zeros(len(calls), bool))
    timed("all of it: scopes, groups, timeline", started, before, len(texts))
    hits = np.flatnonzero(found.hit)
    chosen = draw.choice(hits, min(QUERIES, len(hits)), replace=False)
    exact = np.array([jaccard(texts[row], texts[found.entry[row]]) for row in chosen])
    true, nearly = np.mean(exact >= THRESHOLD), np.mean(exact >= 0.7)
    print(
        f"  {len(hits):,} hits; of {len(chosen):,} of them exact Jaccard ≥ {THRESHOLD}: {true:.1%}, ≥ 0.7: {nearly:.1%}"
    )


def table(texts: list[str], made: pa.ChunkedArray) -> Calls:
    """A call a prompt, at random moments of a day, from one call site."""
    n, draw = len(texts), np.random.default_rng(SEED)
    keys = np.char.zfill(np.arange(n).astype("S16"), 16)
    columns = {
        "start_time": pa.array(draw.integers(0, 86_400_000_000, n)).cast(SCHEMA.field("start_time").type),
        "call_site": pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), ["support"]),
        "request_model": pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), ["gpt-4o"]),
        "prompt_key": pa.array(keys.tolist(), pa.binary(16)),
        "sketch": made,
    }
    empty = calls_module.SCHEMA
    return Calls(pa.table([columns.get(item.name, pa.nulls(n, item.type)) for item in empty], schema=empty))


def accuracy(texts: list[str], made: pa.ChunkedArray, prompts: Prompts) -> None:
    """Of random prompts against all: who is near by exact Jaccard, who by sketch, who was found."""
    draw = np.random.default_rng(SEED)
    first = dict(zip(made.to_pylist(), range(len(texts)), strict=True))  # a text of each distinct sketch
    text_of = np.array([first[bytes(row)] for row in prompts.sketches])
    queries = np.sort(draw.choice(len(text_of), min(QUERIES, len(text_of)), replace=False))
    one, other, exact = exact_pairs([texts[row] for row in text_of], queries)
    true = exact >= THRESHOLD
    near, likely = near_ones(prompts, one, other, THRESHOLD)
    off = (likely - exact)[exact >= 0.5]
    print(f"{len(queries):,} prompts against all: {true.sum():,} pairs with exact Jaccard ≥ {THRESHOLD}")
    print(f"  the estimate is off by {off.mean():+.3f} ± {off.std():.3f}")
    print("  pairs found: " + ", ".join(f"≥ {low} {near[exact >= low].mean():.1%}" for low in (0.8, 0.85, 0.9, 0.95)))
    print(f"  of the pairs found ≥ {THRESHOLD}: {true[near].mean():.1%}, ≥ 0.7: {np.mean(exact[near] >= 0.7):.1%}")
    leader = leaders(prompts, THRESHOLD)
    grouped = np.bincount(leader, minlength=len(text_of))
    served, can = grouped[leader[queries]] > 1, np.isin(queries, one[true])
    print(f"  prompts with such a partner: {can.sum():,}, in a group with another: {np.mean(served[can]):.1%}; "
          f"of those without, in a group: {np.mean(served[~can]):.1%}")  # fmt: skip
    banded(prompts, [texts[row] for row in text_of], draw)


def banded(prompts: Prompts, texts: list[str], draw: np.random.Generator) -> None:
    """What banding alone would have said, before any comparison."""
    pairs = [np.column_stack(found)[:: max(1, len(found[0]) // 200)] for found in candidates(prompts) if len(found[0])]
    total = sum(len(found[0]) for found in candidates(prompts))
    some = draw.permutation(np.concatenate(pairs))[:QUERIES]
    exact = np.array([jaccard(texts[a], texts[b]) for a, b in some])
    near, _ = near_ones(prompts, some[:, 0], some[:, 1], THRESHOLD)
    print(f"  candidates: {total:,}; false before comparing: {np.mean(exact < THRESHOLD):.1%}, "
          f"after: {np.mean(exact[near] < THRESHOLD):.1%}")  # fmt: skip


def exact_pairs(texts: list[str], queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (query, text) with an exact Jaccard index ≥ 0.5 and the index; a query is no pair with itself."""
    asked = [np.unique(shingles) for shingles in each([texts[row] for row in queries])]
    vocabulary = np.unique(np.concatenate(asked))
    of_query = matrix(asked, vocabulary).T.tocsr()
    query_sizes = np.array([len(found) for found in asked])
    found = []
    for start in range(0, len(texts), 2_000):
        sets = [np.unique(shingles) for shingles in each(texts[start : start + 2_000])]
        shared = (matrix(sets, vocabulary) @ of_query).tocoo()
        sizes = np.array([len(items) for items in sets])
        index = shared.data / (sizes[shared.row] + query_sizes[shared.col] - shared.data)
        kept = (index >= 0.5) & (queries[shared.col] != start + shared.row)
        found.append((queries[shared.col[kept]], start + shared.row[kept], index[kept]))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))  # type: ignore[return-value]


def each(texts: list[str]) -> list[np.ndarray]:
    shingles, owners = shingled(texts)
    order = np.argsort(owners, kind="stable")
    return np.split(shingles[order], np.searchsorted(owners[order], np.arange(1, len(texts) + 1)))[: len(texts)]


def matrix(sets: list[np.ndarray], vocabulary: np.ndarray) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(sets)), [len(found) for found in sets])
    flat = np.concatenate(sets)
    column = np.minimum(np.searchsorted(vocabulary, flat), len(vocabulary) - 1)
    known = vocabulary[column] == flat
    ones = np.ones(known.sum(), np.float32)
    return sparse.csr_matrix((ones, (rows[known], column[known])), shape=(len(sets), len(vocabulary)))


def intents(texts: list[str], labels: list[str]) -> None:
    """Real phrasings: near pairs within an intent, and across (which have another answer for sure)."""
    everyone, intent = np.arange(len(texts)), np.array(labels)
    one, other, exact = exact_pairs(texts, everyone)
    made = raw_bytes(pa.chunked_array([sketches(texts)]), SKETCH_BYTES)
    scope = np.zeros(len(texts), np.int64)
    prompts, of_text = distinct_prompts(made, scope, scope)
    print(f"{len(texts):,} real phrasings of {len(set(labels))} intents")
    for threshold in (0.6, 0.7, 0.8, 0.9):
        near, _ = near_ones(prompts, of_text[one], of_text[other], threshold)
        for name, chosen in (("exact", exact >= threshold), ("sketch", near)):
            same = intent[one[chosen]] == intent[other[chosen]]
            print(f"  {name} ≥ {threshold}: {same.sum() // 2:,} pairs within an intent, {(~same).sum() // 2:,} across "
                  f"({np.mean(~same) if len(same) else 0:.1%}); {len(np.unique(one[chosen])):,} prompts")  # fmt: skip


if __name__ == "__main__":
    main()
