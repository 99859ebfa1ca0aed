"""JSON text → Python values: strict and fast first, then leniently, then a reason a person understands."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from llmcost.logs.outline import values

BOM = b"\xef\xbb\xbf"
DEEP = "not JSON that can be read: nested too deeply"

LARGE = 8 << 20  # bytes: what is smaller cannot hold so many values that they matter
MOST_VALUES = 2_000_000
TOO_MANY = f"not JSON that can be read: more than {MOST_VALUES:,} values"

_strict = msgspec.json.Decoder()
_lenient = json.JSONDecoder(parse_constant=lambda _: None)


class Undecodable(Exception):  # noqa: N818 - a finding about data, not a failure of the program
    """Raised for text that is no JSON; its text is the reason."""


def decode(line: bytes) -> Any:
    """The JSON value of a line. Byte-order mark, NaN (→ null) and lone surrogates (→ U+FFFD) are forgiven.

    Raises Undecodable with a human reason.
    """
    if len(line) > LARGE and values(line) > MOST_VALUES:  # two bytes of text may become a hundred of memory
        raise Undecodable(TOO_MANY)
    try:
        return _strict.decode(line)
    except RecursionError:
        raise Undecodable(DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        return _leniently(line, str(error))


def embedded(value: str) -> Any:
    """The object or list that a text holds as JSON; None if it is ordinary text."""
    if value[:1] not in "{[" and value.lstrip()[:1] not in ("{", "["):
        return None
    if not value:
        return None
    try:
        found = decode(value.encode("utf-8", "surrogatepass"))
    except Undecodable:
        return None
    return found if isinstance(found, dict | list) else None


def _leniently(line: bytes, complaint: str) -> Any:
    try:
        source = line.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        raise Undecodable("not UTF-8") from None
    try:
        return _scrubbed(_lenient.decode(source))
    except RecursionError:
        raise Undecodable(DEEP) from None
    except json.JSONDecodeError as error:
        if "truncated" in complaint or error.pos >= len(source.rstrip()):
            raise Undecodable("cut off: the JSON ends in the middle") from None
        raise Undecodable(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except ValueError as error:
        raise Undecodable(f"not JSON that can be read: {error}") from None


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return value
