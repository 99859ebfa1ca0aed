"""Does likeness tell a question that was asked again from one that asks for the opposite? Pairs whose truth is known.

    python benchmarks/near_false_hits.py [--pairs pairs.jsonl] [--phrasings banking77_train.csv]

For every likeness a near-duplicate cache may be set to: how many of the pairs that have the same answer it would answer
from the cache, and how many of those that have not, by the product's own cache simulation, the later question a minute
after the earlier one. A question is asked alone, under a template that all questions share, or about a passage that
only the two of its pair share (a document, a mail): whatever is asked, such prompts are nearly the same.

Without options the pairs are made here, from tables of phrases. `--pairs` is a file of JSON lines with `a`, `b`,
`category` and `same_answer`, as the package fow-cache ships it (`data/pairs.jsonl`, CC BY 4.0). `--phrasings` is a CSV
with a column `text`: real questions, of which those with a word of `llmcost.grading.opposites` are turned around.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost.calls import SCHEMA, Calls
from llmcost.grading.opposites import OPPOSITES, both_ways, finder, like
from llmcost.logs.sketch import sketches
from llmcost.strategies import NearPolicy
from llmcost.strategies.near_duplicates import near_hits

Bools = npt.NDArray[np.bool_]

SEED = 7
THRESHOLDS = (0.8, 0.85, 0.9, 0.95, 0.98)
MINUTE, HOUR_S = 60_000_000, 3_600.0
PASSAGE_WORDS = 100
MOST = 1_000  # pairs of real phrasings, each asked again and turned around

ASKED = (
    "How do I {} for my account?",
    "How can I {} for my account?",
    "What must I do to {} for my account?",
    "I would like to {} for my account, how does that work?",
    "please tell me how to {} for my account",
)
ACTIONS = (("turn on", "turn off"), ("enable", "disable"), ("allow", "block"), ("show", "hide"), ("start", "stop"))
THINGS = (
    "email notifications", "automatic backups", "location sharing", "two-factor authentication", "shared calendars",
    "dark mode", "read receipts", "weekly reports",
)  # fmt: skip
NUMBERED = ("Where is order {}?", "When is invoice {} due?", "Can you send parcel {} to another address?")
FILLERS = ("Hi, {}", "{} Thanks!", "Quick question: {}")
TEMPLATE = (
    "You are the assistant of a web shop. Answer in two sentences, in the language of the customer, and never promise "
    "a date. If you do not know the answer, say so and name the page of the help centre. The customer asks: "
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, whether one answer serves both, and what kind of pair they are."""

    one: str
    other: str
    same: bool
    kind: str


def main() -> None:
    """A table a source of pairs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--phrasings", type=Path)
    options = parser.parse_args()
    show("made from tables of phrases", list(made()))
    if options.pairs:
        show(options.pairs.name, list(labelled(options.pairs)))
    if options.phrasings:
        with options.phrasings.open(encoding="utf-8") as file:
            show(options.phrasings.name, list(turned([row["text"] for row in csv.DictReader(file)])))


def show(source: str, pairs: Sequence[Pair]) -> None:
    """Prints the shares answered from the cache; in capitals the two that matter, all of the same and all of others."""
    print(f"\n{len(pairs):,} pairs, {source}: answered from the cache at a likeness of\n")
    print(f"| asked | pairs | n | {' | '.join(f'{each:g}' for each in THRESHOLDS)} |")
    print(f"|---|---|--:|{'--:|' * len(THRESHOLDS)}")
    for asked, layout in LAYOUTS.items():
        found = {threshold: answered(pairs, layout, threshold) for threshold in THRESHOLDS}
        for kind, chosen in kinds(pairs):
            shares = " | ".join(f"{100 * found[threshold][chosen].mean():.0f} %" for threshold in THRESHOLDS)
            print(f"| {asked} | {kind} | {chosen.sum():,} | {shares} |")


def kinds(pairs: Sequence[Pair]) -> Iterator[tuple[str, Bools]]:
    """All pairs of the same answer and their kinds, then all others and theirs."""
    for same, name in ((True, "SAME ANSWER"), (False, "ANOTHER ANSWER")):
        yield name, np.array([pair.same == same for pair in pairs])
        for kind in dict.fromkeys(pair.kind for pair in pairs if pair.same == same):
            yield kind, np.array([pair.kind == kind for pair in pairs])


def answered(pairs: Sequence[Pair], layout: Callable[[int, str], str], threshold: float) -> Bools:
    """Of which pairs a near-duplicate cache answers the second question with the answer to the first."""
    prompts = [layout(number, text) for number, pair in enumerate(pairs) for text in (pair.one, pair.other)]
    found = near_hits(_calls(prompts), NearPolicy(HOUR_S, threshold), np.zeros(len(prompts), np.bool_))
    return np.asarray(found.hit[1::2])


def _calls(prompts: Sequence[str]) -> Calls:
    """A call a prompt, from one call site; the two of each pair are of one user, a minute apart."""
    n = len(prompts)
    pair = np.arange(n) // 2
    columns = {
        "start_time": pa.array(MINUTE * np.arange(n)).cast(SCHEMA.field("start_time").type),
        "call_site": pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), ["support"]),
        "request_model": pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), ["gpt-4o"]),
        "user_key": pa.array([number.to_bytes(16, "big") for number in pair.tolist()], pa.binary(16)),
        "prompt_key": pa.array([number.to_bytes(16, "big") for number in range(n)], pa.binary(16)),
        "prompt_bytes": pa.array([len(prompt.encode()) for prompt in prompts]),
        "sketch": sketches(prompts),
    }
    return Calls(pa.table([columns.get(field.name, pa.nulls(n, field.type)) for field in SCHEMA], schema=SCHEMA))


def _passage(number: int) -> str:
    """A text of made-up words that belongs to this pair."""
    draw = random.Random(SEED + number)
    return " ".join("".join(draw.choices(string.ascii_lowercase, k=draw.randint(2, 9))) for _ in range(PASSAGE_WORDS))


LAYOUTS: Mapping[str, Callable[[int, str], str]] = {
    "alone": lambda number, text: text,
    "under one template": lambda number, text: TEMPLATE + text,
    "about a passage": lambda number, text: f"{_passage(number)}\n\n{text}",
}


def made() -> Iterator[Pair]:
    """Questions about settings and orders, reworded, with fillers and typos; and with the other word or number."""
    draw = random.Random(SEED)
    for (one, other), thing in product(ACTIONS, THINGS):
        first, *more = (asked.format(f"{one} {thing}") for asked in ASKED)
        yield from (Pair(first, text, True, "reworded") for text in more)
        yield from again([first], draw)
        for asked in ASKED:
            text = asked.format(f"{one} {thing}")
            yield Pair(text, asked.format(f"{other} {thing}"), False, "opposite")
            another = draw.choice([each for each in THINGS if each != thing])
            yield Pair(text, asked.format(f"{one} {another}"), False, "another thing")
    for asked in NUMBERED * 40:
        number = draw.randint(10_000, 99_999)
        yield Pair(asked.format(number), asked.format(number + 10 ** draw.randrange(5)), False, "another number")


def again(texts: Sequence[str], draw: random.Random) -> Iterator[Pair]:
    """The same question with a filler, a typo, and in other case and punctuation."""
    for text in texts:
        yield Pair(text, draw.choice(FILLERS).format(text), True, "filler")
        yield Pair(text, _mistyped(text, draw), True, "typo")
        yield Pair(text, text.lower().rstrip("?.! "), True, "case and marks")


def _mistyped(text: str, draw: random.Random) -> str:
    """Two neighbouring letters of it in the wrong order."""
    place = draw.choice([i for i in range(len(text) - 1) if text[i : i + 2].isalpha() and text[i] != text[i + 1]])
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def labelled(path: Path) -> Iterator[Pair]:
    """The pairs of a file of JSON lines."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Pair(row["a"], row["b"], row["same_answer"], row["category"])


def turned(texts: Sequence[str]) -> Iterator[Pair]:
    """Real questions that hold a word which has an opposite: asked again, and with the opposite in its place."""
    draw, words = random.Random(SEED), both_ways(OPPOSITES)
    fits = finder(words, whole=True, ignore_case=True)
    chosen = [text for text in dict.fromkeys(texts) if fits.search(text)]
    for text in draw.sample(chosen, min(MOST, len(chosen))):
        yield from again([text], draw)
        other = fits.sub(lambda match: like(match[0], words[match[0].lower()]), text, count=1)
        yield Pair(text, other, False, "opposite")


if __name__ == "__main__":
    main()
