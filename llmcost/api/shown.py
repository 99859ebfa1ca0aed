"""Texts of the log and of the store as people are shown them: with placeholders, unless they ask for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.answers import Answer
from llmcost.config import Settings
from llmcost.endpoint import Completion
from llmcost.redaction import Finder, Names, finder, hide, hide_json, hide_text, reveal


@dataclass(frozen=True, slots=True)
class Shown:
    """How texts are shown: `hidden` with placeholders for personal data and keys."""

    finder: Finder
    hidden: bool = True

    def answer(self, request: Mapping[str, Any] | None, completion: Completion) -> Answer | None:
        """A stored answer with its own values, which are read off the question; None if its text was not kept."""
        if completion.answer is None or request is None:
            return completion.answer
        return reveal(completion.answer, hide(request, self.finder).names)

    def together(self, *values: Any) -> list[Any]:
        """Texts, or JSON with texts in it, that are shown side by side: the same value has the same placeholder."""
        if not self.hidden:
            return list(values)
        names = Names()
        return [
            hide_text(value, self.finder, names) if isinstance(value, str) else hide_json(value, self.finder, names)
            for value in values
        ]


def shown(settings: Settings, hidden: bool) -> Shown:
    """How texts are shown by these settings."""
    rules = settings.redact
    return Shown(finder(rules.kinds, rules.patterns, rules.languages), hidden)
