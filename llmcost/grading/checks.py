"""Checks against a known answer (exact, numeric, JSON, contained …): each says whether one answer is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmcost.config import CheckSettings
from llmcost.serving.reading import (
    MISSING,
    Claim,
    any_json,
    claim,
    last_number,
    literal,
    only_number,
    pick,
    plain,
    same_value,
    whole_json,
)

LONGEST_LABEL = 80  # characters; a longer expected text is a model answer, which no two writers match word for word
PROSE_EXCESS = 60  # characters by which unmarked prose outgrows a label before it counts as unreadable


@dataclass(frozen=True, slots=True)
class Check:
    """A way to tell right from wrong: `passes(answer text, expected, field)`; None where the answer cannot be read."""

    name: str
    passes: Callable[[str, str, str | None], bool | None]


def exact(text: str, expected: str, field: str | None = None) -> bool | None:
    """Whether the answer states the expected label; None where it is prose that marks no result."""
    said = claim(text, field)
    if same_text(said, expected):
        return True
    return None if not said.marked and len(said.text) > len(expected) + PROSE_EXCESS else False


def numeric(text: str, expected: str, field: str | None = None) -> bool:
    """Whether the number that the answer states (else its last one) is the expected number."""
    wanted = only_number(expected) or last_number(expected)
    return wanted is not None and _stated_number(claim(text, field)) == wanted


def as_json(text: str, expected: str, field: str | None = None) -> bool:
    """Whether the answer's JSON, its answer field, or the field named equals the expected JSON."""
    if field is None and same_literal(claim(text), expected):
        return True
    found, wanted = any_json(text), whole_json(expected)
    if field is not None:
        found, wanted = pick(found, field), wanted if (part := pick(wanted, field)) is MISSING else part
    return found is not MISSING and wanted is not MISSING and same_value(found, wanted)


def json_field(text: str, expected: str, field: str | None = None) -> bool:
    """Whether the answer field of the answer's JSON states the expected value."""
    said = claim(text, field)
    return said.marked and any(
        same(said, _field_of(expected, field)) for same in (same_text, same_number, same_literal)
    )


def contains(text: str, expected: str, field: str | None = None) -> bool:
    """Whether the expected words stand in the answer."""
    return (
        re.search(rf"(?<!\w){re.escape(plain(expected))}(?!\w)", plain(claim(text, field).text if field else text))
        is not None
    )


def as_literal(text: str, expected: str, field: str | None = None) -> bool:
    """Whether the answer states the expected Python or JSON literal; a quoted text may stand without its quotes."""
    return same_literal(claim(text, field), expected)


def same_text(said: Claim, expected: str) -> bool:
    """Whether the claim is the expected label, give or take case, spacing, quotes and closing punctuation."""
    return bool(plain(said.text) == plain(expected))


def same_number(said: Claim, expected: str) -> bool:
    """Whether the expected text is a number and the claim states it."""
    wanted = only_number(expected)
    return wanted is not None and _stated_number(said) == wanted


def same_literal(said: Claim, expected: str) -> bool:
    """Whether the claim is the expected literal."""
    wanted = literal(expected)
    if wanted is MISSING:
        return said.text.strip() == expected.strip()
    if not isinstance(said.value, str):
        return same_value(said.value, wanted)
    if isinstance(wanted, str) and (said.value == wanted or said.value.strip("'\"") == expected.strip().strip("'\"")):
        return True
    found = literal(said.value)
    return found is not MISSING and same_value(found, wanted, tuples_are_lists=False)


def _stated_number(said: Claim) -> object:
    text = said.text.rsplit("=", 1)[-1]
    return only_number(text) or last_number(text)


def _field_of(expected: str, field: str | None) -> str:
    found = pick(whole_json(expected), field)
    return expected if found is MISSING else Claim(found, True).text


CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        Check("exact", exact),
        Check("numeric", numeric),
        Check("json", as_json),
        Check("json_field", json_field),
        Check("contains", contains),
        Check("literal", as_literal),
    )
}


def choose(expected: str, settings: CheckSettings | None = None) -> Check | None:
    """The check that was set, else the one that the expected answer's shape calls for; None if none fits."""
    if settings is not None:
        return CHECKS.get(settings.kind)
    return next((CHECKS[name] for name, fits in _SHAPES if fits(expected)), None)


_SHAPES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("numeric", lambda expected: only_number(expected) is not None),
    ("json", lambda expected: isinstance(whole_json(expected), dict)),
    ("literal", lambda expected: isinstance(literal(expected), str | list | tuple | dict | set)),
    ("exact", lambda expected: 0 < len(expected.strip()) <= LONGEST_LABEL and "\n" not in expected.strip()),
)
