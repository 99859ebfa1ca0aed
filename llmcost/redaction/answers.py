"""Answers with placeholders ↔ answers with the values that they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from llmcost.answers import Answer
from llmcost.redaction.names import Names

Change = Callable[[str], str]

# How models write <EMAIL_1>: as it is, escaped for HTML, JSON or Markdown, in other brackets or none, in any case.
_OPENS, _CLOSES = r"<|&lt;|\\u003[cC]|\[(?=[^\]\n]{1,40}\](?!\())", r">|&gt;|\\u003[eE]|\](?!\()"
_KIND = r"[A-Za-z][A-Za-z0-9]*(?:\\?_[A-Za-z0-9]+)*?"
_WRITTEN = re.compile(rf"(?:{_OPENS}|(?<![A-Za-z0-9]))({_KIND})\\?_([0-9]{{1,6}})(?:{_CLOSES}|(?![A-Za-z0-9]))")


def reveal(answer: Answer, names: Names) -> Answer:
    """The answer with its values: of the placeholders of `names`, in whatever form they are written."""
    if not names.values:
        return answer

    def value(match: re.Match[str]) -> str:
        name = f"<{match[1]}_{match[2]}>".replace("\\", "").upper()
        return names.values.get(name, match[0])

    def in_json(match: re.Match[str]) -> str:
        found = value(match)
        return found if found == match[0] else _escaped(found)

    return _changed(answer, lambda text: _WRITTEN.sub(value, text), lambda text: _WRITTEN.sub(in_json, text))


def conceal(answer: Answer, names: Names) -> Answer:
    """The answer with the placeholders of `names` wherever their values stand in it, the longest first."""
    if not names.values:
        return answer
    return _changed(answer, _by_value(names, lambda value: value), _by_value(names, _escaped))


def _by_value(names: Names, written: Change) -> Change:
    by = {written(value): name for name, value in names.values.items()}
    longest_first = sorted(by, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(lambda match: by[match[0]], text)


def _escaped(value: str) -> str:
    """The value as it stands inside a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _changed(answer: Answer, change: Change, change_json: Change) -> Answer:
    text, refusal = (None if said is None else change(said) for said in (answer.text, answer.refusal))
    calls = tuple(replace(call, arguments=change_json(call.arguments)) for call in answer.tool_calls)
    return replace(answer, text=text, refusal=refusal, tool_calls=calls)
