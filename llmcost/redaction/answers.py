"""Answers with placeholders ↔ answers with the values that they stand for.

Inside JSON (a tool call's arguments, a text that is JSON) a value is written as JSON writes it. Where it was escaped
down to ASCII, so is its placeholder: `\\u003cEMAIL_1\\u003e` gives the same letters back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from llmcost.answers import Answer
from llmcost.redaction.found import is_json
from llmcost.redaction.names import Names, written

Change = Callable[[str], str]
_ESCAPED = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[nrtbf\"\\/])")


def reveal(answer: Answer, names: Names) -> Answer:
    """The answer with its values: of the placeholders of `names`, in whatever form they are written."""
    return _changed(answer, names, lambda text, is_json: _revealed(text, names.values, is_json))


def conceal(answer: Answer, names: Names) -> Answer:
    """The answer with the placeholders of `names` wherever their values stand in it, the longest first."""
    by_value = {is_json: _by_value(names.values, is_json) for is_json in (False, True)}
    return _changed(answer, names, lambda text, is_json: by_value[is_json](text))


def _changed(answer: Answer, names: Names, change: Callable[[str, bool], str]) -> Answer:
    if not names.values:
        return answer
    text, refusal = (None if said is None else change(said, is_json(said)) for said in (answer.text, answer.refusal))
    calls = tuple(replace(call, arguments=change(call.arguments, True)) for call in answer.tool_calls)
    return replace(answer, text=text, refusal=refusal, tool_calls=calls)


def _revealed(text: str, values: Mapping[str, str], is_json: bool) -> str:
    pieces, last = list[str](), 0
    for match, name in written(text) if "_" in text else ():
        if name in values:
            value = _in_json(values[name], ascii_alone=match[1].startswith("\\")) if is_json else values[name]
            pieces += (text[last : match.start()], value)
            last = match.end()
    return "".join([*pieces, text[last:]])


def _by_value(values: Mapping[str, str], is_json: bool) -> Change:
    by = {form: placeholder for name, value in values.items() for form, placeholder in _forms(name, value, is_json)}
    if not by:
        return lambda text: text
    longest_first = sorted(by, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(lambda match: by[match[0]], text)


def _forms(name: str, value: str, is_json: bool) -> Iterator[tuple[str, str]]:
    """How the value is written, and the placeholder in the same writing; the usual one comes last, and wins."""
    if is_json:
        yield _in_json(value, ascii_alone=True), f"\\u003c{name[1:-1]}\\u003e"
        yield _in_json(value, ascii_alone=False), name
    else:
        yield value, name


def _in_json(value: str, *, ascii_alone: bool) -> str:
    """The value as it stands inside a JSON string. One that was found in JSON, with its escapes, is so already."""
    if _ESCAPED.search(value) and is_json(f'["{value}"]'):
        return value
    return json.dumps(value, ensure_ascii=ascii_alone)[1:-1]
