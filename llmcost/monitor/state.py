"""What was watched so far, by task and grader: fingerprints of prompts and differences, not a word of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from llmcost.errors import StoreError
from llmcost.evidence import eprocess
from llmcost.evidence.eprocess import Watch


class Prompt(msgspec.Struct, frozen=True, array_like=True):
    """A prompt that was watched: its fingerprint in hexadecimal digits, and score(new) − score(former)."""

    key: str
    difference: float


class State(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.monitor-state/1"):
    """All that was watched of a run's promises, by task and grader, in the order in which it was seen."""

    run: str
    tasks: dict[str, dict[str, list[Prompt]]] = {}

    def watched(self, task: str, grader: str) -> list[Prompt]:
        """What this grader saw of a task."""
        return self.tasks.get(task, {}).get(grader, [])

    def by_all(self, task: str, graders: Sequence[str]) -> frozenset[bytes]:
        """The prompts of a task that every one of these graders saw: nobody has to be asked about them again."""
        seen = [{bytes.fromhex(prompt.key) for prompt in self.watched(task, name)} for name in graders]
        return frozenset.intersection(*map(frozenset, seen)) if seen else frozenset()

    def with_new(self, task: str, grader: str, differences: Mapping[bytes, float]) -> State:
        """The state after these prompts, too; one that this grader saw before stays as it was."""
        before = self.watched(task, grader)
        known = {prompt.key for prompt in before}
        new = [Prompt(key.hex(), value) for key, value in differences.items() if key.hex() not in known]
        return State(self.run, {**self.tasks, task: {**self.tasks.get(task, {}), grader: [*before, *new]}})


def watch(prompts: Sequence[Prompt], margin: float) -> Watch:
    """The bet against "at most `margin` worse" on these prompts."""
    return eprocess.update(eprocess.start(margin), np.array([item.difference for item in prompts], dtype=np.float64))


def encode(state: State) -> bytes:
    """The state as a file's content."""
    return msgspec.json.encode(state)


def decode(content: bytes | None, run: str) -> State:
    """What `encode` wrote; nothing was watched where there is no content. Raises StoreError if it is damaged."""
    if content is None:
        return State(run)
    try:
        return msgspec.json.decode(content, type=State)
    except msgspec.DecodeError as error:
        raise StoreError(f"what was watched of run {run} cannot be read", "start again with --restart") from error
