"""What a detector is, and what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """A value in a text: from `start` to before `end`, in characters, of this kind."""

    start: int
    end: int
    kind: str


class Detector(Protocol):
    """Finds values of its kinds in a text, in time that grows with the text's length and not with its square."""

    def find(self, text: str) -> Iterable[Found]:
        """What it finds; values may overlap."""


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
