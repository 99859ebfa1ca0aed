"""What an answer says: JSON wherever it stands in the text, the final answer, numbers, literals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

LONGEST_READ = 200_000  # characters; whatever is longer is not searched for JSON
_DECODER = json.JSONDecoder()


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in order, whatever stands around them."""
    if len(text) > LONGEST_READ:
        return
    at = text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)
