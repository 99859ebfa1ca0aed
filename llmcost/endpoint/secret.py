"""The API key: kept where no repr, log line or error text can show it."""

from __future__ import annotations

import re

MASK = "***"
LONG_ENOUGH_TO_BE_SECRET = 12
_KEY_SHAPED = re.compile(r"\b(?:sk|pk|key|gsk|xai)-[\w*.-]{6,}|(?i:bearer)\s+[\w*.~+/=-]{6,}")


def without_keys(text: str) -> str:
    """The text with *** for all that looks like a key."""
    return _KEY_SHAPED.sub(MASK, text)


class Secret:
    """A key that prints as ***; `header()` is the only way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = (value or "").strip()

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def header(self) -> dict[str, str]:
        """The Authorization header; empty without a key."""
        return {"authorization": f"Bearer {self._value}"} if self._value else {}

    def sendable(self) -> bool:
        """Whether the key can stand in a header: printable ASCII on one line."""
        return self._value.isascii() and (self._value.isprintable() or not self._value)

    def scrub(self, text: str) -> str:
        """The text without the key, and without anything that looks like one: servers like to echo keys in errors."""
        return without_keys(text.replace(self._value, MASK) if self._value else text)

    def scrub_bytes(self, content: bytes) -> bytes:
        """A response without the key. A placeholder such as "EMPTY" is no secret: an answer may hold that word."""
        if len(self._value) < LONG_ENOUGH_TO_BE_SECRET:
            return content
        return content.replace(self._value.encode(), MASK.encode())
