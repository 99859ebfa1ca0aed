"""Which answered request is nearly the same: the rule of `llmcost.strategies.near_duplicates`, as requests come in.

Only questions are compared, within requests that are the same otherwise. What many questions of a call site share is
its template, and tells nothing. It has to be known first: until a call site has shown enough questions, none is
answered with the answer to another. (The simulation knows a log's templates from the first line on.)

This is the one module of the runtime that needs numpy. It is imported when a plan asks for near-duplicates.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from llmcost.minhash import (
    SKETCH_BYTES,
    TEMPLATE_PROMPTS,
    TEMPLATE_SHARE,
    Bytes,
    Mask,
    estimate,
    estimate_apart,
    ones,
    sketch,
)
from llmcost.serving.keys import Wording

CAPACITY = 20_000  # questions
LARGEST_SHELF = 1_000  # questions that one is compared with: the latest
CALL_SITES = 128  # whose templates are known, at 64 KB each
PLACES = np.arange(SKETCH_BYTES)


@dataclass(frozen=True, slots=True)
class _Question:
    rest: bytes
    key: bytes
    sketch: bytes
    size: int
    expires: float


class _Template:
    """How often each byte stands at each place of the sketches of a call site."""

    def __init__(self) -> None:
        self.questions = 0
        self._counts = np.zeros((SKETCH_BYTES, 256), np.uint32)

    def add(self, sketch_: Bytes) -> None:
        """One more question of this call site."""
        self.questions += 1
        self._counts[PLACES, sketch_] += 1

    def telling(self, sketches: Bytes) -> Mask:
        """Which bytes of these sketches are no template; [question, byte]."""
        counts = self._counts[PLACES, sketches]
        return np.asarray(counts < TEMPLATE_SHARE * self.questions, dtype=np.bool_)


class NearIndex:
    """Sketches of the questions whose answers are kept, and the keys of those answers. For one thread."""

    def __init__(self, capacity: int = CAPACITY, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity, self._clock = capacity, clock
        self._shelves: dict[bytes, deque[_Question]] = {}
        self._order: deque[_Question] = deque()  # of all shelves, the oldest first
        self._templates: OrderedDict[Hashable, _Template] = OrderedDict()

    def find(self, asked: Wording, site: Hashable, threshold: float) -> bytes | None:
        """The key of the answer to the question that is most like this one, if it is near; else None."""
        shelf = [question for question in self._shelves.get(asked.rest, ()) if self._clock() < question.expires]
        template = self._templates.get(site)
        if not shelf or template is None or template.questions < TEMPLATE_PROMPTS:
            return None
        [ours], [known] = sketch([asked.text])
        sketches = np.frombuffer(b"".join(question.sketch for question in shelf), np.uint8).reshape(-1, SKETCH_BYTES)
        sizes = np.array([question.size for question in shelf], np.float64)
        equal = sketches == ours
        likeness = estimate(ones(equal) / SKETCH_BYTES)
        near = (likeness >= threshold) & (estimate_apart(equal, template.telling(sketches)) >= threshold)
        near &= np.minimum(sizes, asked.size) >= threshold * np.maximum(sizes, asked.size)
        best = int(np.argmax(np.where(near, likeness, -1.0)))
        return shelf[best].key if known and near[best] else None

    def add(self, asked: Wording, site: Hashable, key: bytes, ttl_s: float) -> None:
        """From now on, and for so many seconds, the answer under this key is known to be that to this question."""
        [ours], [known] = sketch([asked.text])
        if not known:
            return
        self._template(site).add(ours)
        question = _Question(asked.rest, key, ours.tobytes(), asked.size, self._clock() + ttl_s)
        self._shelves.setdefault(asked.rest, deque(maxlen=LARGEST_SHELF)).append(question)
        self._order.append(question)
        while len(self._order) > self._capacity or self._clock() >= self._order[0].expires:
            self._drop(self._order.popleft())

    def _drop(self, question: _Question) -> None:
        shelf = self._shelves.get(question.rest)
        if shelf and shelf[0] is question:  # else it made room for a later one already
            shelf.popleft()
            if not shelf:
                del self._shelves[question.rest]

    def _template(self, site: Hashable) -> _Template:
        found = self._templates.setdefault(site, _Template())
        self._templates.move_to_end(site)
        if len(self._templates) > CALL_SITES:
            self._templates.popitem(last=False)
        return found
