"""near-duplicates: almost the same prompt, asked again within a cache's time to live."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from llmcost.audit.findings.scene import MIN_CALLS, Scene, share
from llmcost.audit.groups import Ints, Mask
from llmcost.audit.result import Finding
from llmcost.audit.savings import TaskSaving
from llmcost.calls import Call
from llmcost.logs.features import features
from llmcost.minhash import jaccard
from llmcost.pricing.cost import from_app_cache
from llmcost.strategies import CachePolicy, NearPolicy
from llmcost.strategies.near_duplicates import NearHits, near_hits
from llmcost.strategies.response_cache import answered_from_cache, entries
from llmcost.strategies.timeline import key_codes

THRESHOLD = 0.8
PAIRS_READ, PAIRS_OF_TASK = 100, 20  # of prompts, compared by their texts
STEADY, MIN_REPEATS = 0.2, 20  # exact repeats seldom differ: an answer that does is another answer

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
NEGATION = re.compile(r"\b(?:not|no|never|none|without|on|off)\b|n['’]t\b", re.IGNORECASE)  # English, as yet


@dataclass(frozen=True, slots=True)
class Compared:
    """Two prompts, read: their exact Jaccard index, and what may turn the question round."""

    likeness: float
    numbers_differ: bool
    negations_differ: bool


@dataclass(frozen=True)
class Near:
    """The near-duplicates of a log behind an exact cache, as the finding looks at them."""

    scene: Scene
    hits: NearHits

    @cached_property
    def savings(self) -> dict[str, TaskSaving]:
        """What they cost, by task, the dearest first, where it is worth a reader's time."""
        stack, calls = self.scene.stack, self.scene.entries.calls
        found = stack.by_task(stack.priced(answered_from_cache(calls, self.hits.hit)), self.hits.hit)
        worth = {
            task: saving
            for task, saving in found.items()
            if saving.calls >= MIN_CALLS or self.scene.worth_saying(saving.usd)
        }
        return dict(sorted(worth.items(), key=lambda item: (-(item[1].usd or 0.0), item[0])))

    @cached_property
    def rows(self) -> dict[str, Ints]:
        """The rows of the hits of every such task."""
        tasks, hit = self.scene.entries.tasks, np.flatnonzero(self.hits.hit)
        place = {name: code for code, name in enumerate(tasks.names)}
        return {task: hit[tasks.codes[hit] == place[task]] for task in self.savings}

    @cached_property
    def answers(self) -> Ints:
        """A number for every different answer; −1: not known."""
        return key_codes(self.scene.entries.calls, "answer_key")

    @cached_property
    def repeats(self) -> Ints:
        """The entry of every exact repeat; −1: none."""
        return entries(self.scene.entries.calls, CachePolicy(self.scene.stack.ttl_s))

    def differing(self, rows: Ints, entry: Ints) -> tuple[int, int]:
        """Of these rows how many were answered unlike their entry, and of how many it is known."""
        mine, theirs = self.answers[rows], self.answers[entry[rows]]
        known: Mask = (mine >= 0) & (theirs >= 0)
        return int((known & (mine != theirs)).sum()), int(known.sum())

    def labelled(self, rows: Ints) -> bool:
        """True if the answers of these rows' call sites are one of a few labels."""
        return bool((self.scene.labels > 0)[self.scene.places.grouped.codes[rows]].all())

    @cached_property
    def compared(self) -> dict[str, list[Compared]]:
        """Some pairs of every task by their texts: at most 100 in all, which ones their fingerprints decide."""
        calls = self.scene.entries.calls
        chosen = {task: self._sample(rows) for task, rows in self.rows.items()}
        pairs = [(task, row) for task, rows in chosen.items() for row in rows.tolist()][:PAIRS_READ]
        rows = np.array([row for _, row in pairs], dtype=np.int64)
        read = self.scene.exemplars.read(calls.take(np.concatenate((rows, self.hits.entry[rows]))))
        found: dict[str, list[Compared]] = {}
        for (task, _), mine, theirs in zip(pairs, read[: len(pairs)], read[len(pairs) :], strict=True):
            found.setdefault(task, []).extend(_compared(mine, theirs))
        return found

    def _sample(self, rows: Ints) -> Ints:
        calls = self.scene.entries.calls
        keys = calls.column("prompt_key").take(pa.array(rows)).to_pylist()
        moments = calls.column("start_time").take(pa.array(rows)).to_pylist()
        ranked = sorted(range(len(rows)), key=lambda place: (keys[place], moments[place]))
        return rows[ranked[:PAIRS_OF_TASK]]


def near_duplicates(scene: Scene) -> Iterator[Finding]:
    """Near-identical prompts, by task, not counting what an exact cache would have answered."""
    tasks, ttl = scene.entries.tasks, scene.settings.cache_ttl
    taken = scene.stack.hits | from_app_cache(scene.entries.calls)
    near = Near(scene, near_hits(scene.entries.calls, NearPolicy(scene.stack.ttl_s, THRESHOLD), taken))
    calls_of = dict(zip(tasks.names, scene.entries.counts(tasks), strict=True))
    for task, saving in near.savings.items():
        yield scene.finding(
            "near-duplicates",
            saving.usd,
            task=task,
            title=f"Near-identical prompts within {ttl}: {share(saving.calls, calls_of[task])} of calls, "
            "on top of exact repeats",
            calls=saving.calls,
            evidence="; ".join(_evidence(near, task, saving.calls, calls_of[task], ttl)),
            remedy="measure before you trust it: a semantic cache gives one question the answer of another; let such "
            "pairs be graded blind first, and never let it match prompts that differ in a number or a negation",
        )


def _evidence(near: Near, task: str, calls: int, of_all: int, ttl: str) -> Iterator[str]:
    rows = near.rows[task]
    likeness = near.hits.similarity[rows]
    same, nine = (likeness >= 1).sum(), ((likeness >= 0.9) & (likeness < 1)).sum()
    yield (
        f"{calls:,} of {of_all:,} calls ask nearly what was answered within the {ttl} before, exact repeats left out: "
        "same call site, model and end user"
    )
    yield (
        f"estimated likeness (Jaccard index of 5-byte runs): {share(same, len(rows))} all but the same, "
        f"{share(nine, len(rows))} at least 0.9, the rest at least {THRESHOLD}"
    )
    yield _false_hits(near, rows, task)
    yield _texts(near.compared.get(task, []))


def _false_hits(near: Near, rows: Ints, task: str) -> str:
    """How many of the earlier answers were not the answer, as far as fingerprints of answers can tell."""
    differ, known = near.differing(rows, near.hits.entry)
    if not known:
        return "whether the answers agree is not known"
    said = f"{share(differ, known)} were answered otherwise than the earlier prompt"
    tasks = near.scene.entries.tasks
    of_task = tasks.codes == tasks.names.index(task)
    noise, repeats = near.differing(np.flatnonzero(of_task & (near.repeats >= 0)), near.repeats)
    if repeats:
        said += f" (exact repeats: {share(noise, repeats)})"
    if near.labelled(rows):
        return f"{said}: the answers are labels, so that these would have been wrong or were unsteady before"
    if repeats >= MIN_REPEATS and noise <= STEADY * repeats:
        return f"{said}: exact repeats seldom differ, so that most of these would have got another question's answer"
    return f"{said}: free text nearly always differs, which does not say whether the earlier answer would have served"


def _texts(pairs: Sequence[Compared]) -> str:
    """What reading some of the pairs showed."""
    if not pairs:
        return "no pair could be read"
    count: Mapping[str, int] = Counter(
        word
        for pair in pairs
        for word, true in (
            ("alike", pair.likeness >= THRESHOLD),
            ("number", pair.numbers_differ),
            ("negation", pair.negations_differ),
        )
        if true
    )
    return (
        f"of {len(pairs)} pairs read, {count['alike']} are at least {THRESHOLD} alike, {count['number']} differ in a "
        f"number and {count['negation']} in not, no, on or off"
    )


def _compared(one: Call, other: Call) -> Iterator[Compared]:
    mine, theirs = features(one).sketched, features(other).sketched
    if mine is not None and theirs is not None:
        yield Compared(
            jaccard(mine, theirs), *(_counted(rule, mine) != _counted(rule, theirs) for rule in (NUMBER, NEGATION))
        )


def _counted(rule: re.Pattern[str], text: str) -> Counter[str]:
    return Counter(found.lower() for found in rule.findall(text))
