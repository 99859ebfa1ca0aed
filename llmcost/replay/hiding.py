"""What a question holds when it leaves, and an answer when it is kept: placeholders instead of personal data and keys.

Three forms of one answer. *As it came*: with the placeholders of the question that was sent. *As it is kept*: by
`store_text`. *As it is told*: with the values that the placeholders stand for, which is what gets graded. The values
are read off the question again each time, so that none of them is ever written down.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmcost.answers import Answer
from llmcost.config import StoreText
from llmcost.endpoint.messages import ChatRequest, Completion
from llmcost.redaction import Finder, Names, conceal, hide, reveal


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is sent, and what its placeholders stand for; None: it has none."""

    request: ChatRequest
    names: Names | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What is found in prompts: distinct values of each by kind, prompts that hold any, parts that are not text."""

    found: Mapping[str, int]
    prompts: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Hiding:
    """How the questions of a job are hidden, and what is kept of their answers.

    finder      what looks for personal data and keys; None: nothing does
    leaves      model → whether its questions leave this machine, and so leave hidden
    store_text  what is kept of an answer (see `llmcost.config.WorkspaceSettings`)
    """

    finder: Finder | None = None
    leaves: Callable[[str], bool] = lambda model: False
    store_text: StoreText = "full"

    def asked(self, request: ChatRequest) -> Asked:
        """The question as it is sent: with placeholders, if its model is elsewhere."""
        leaves = self.leaves(request.model)
        if self.finder is None or not (leaves or self.store_text == "redacted"):
            return Asked(request)
        hidden = hide(request.body, self.finder)
        if not hidden.names.values:
            return Asked(request)
        return Asked(replace(request, body=hidden.body) if leaves else request, hidden.names)

    def survey(self, bodies: Iterable[Mapping[str, Any]]) -> Survey:
        """What the finder finds in request bodies."""
        found: Counter[str] = Counter()
        prompts = unseen = 0
        if self.finder is None:
            return Survey({}, 0, 0)
        for body in bodies:
            hidden = hide(body, self.finder)
            found.update(hidden.names.counts)
            prompts += bool(hidden.names.values)
            unseen += hidden.unseen
        return Survey(dict(found.most_common()), prompts, unseen)

    def kept(self, asked: Asked, completion: Completion) -> Completion:
        """An answer as it goes to the disk."""
        answer = completion.answer
        if answer is None or self.store_text == "full":
            return completion
        if self.store_text == "hash":
            return replace(completion, answer=None, first_token=(), answer_sha256=_digest(answer))
        return _with(completion, conceal, asked.names)

    def told(self, asked: Asked, completion: Completion) -> Completion:
        """An answer, as it came or as it was kept, with its own values again."""
        return _with(completion, reveal, asked.names)


def readable(completion: Completion) -> bool:
    """Whether a stored answer can be read: of some, only the fingerprint was kept."""
    return completion.answer_sha256 is None


def _with(completion: Completion, change: Callable[[Answer, Names], Answer], names: Names | None) -> Completion:
    if names is None or completion.answer is None:
        return completion
    return replace(completion, answer=change(completion.answer, names))


def _digest(answer: Answer) -> str:
    """SHA-256 of all that an answer says."""
    said = repr((answer.text, answer.refusal, [(call.name, call.arguments) for call in answer.tool_calls]))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
