"""IP addresses, versions 4 and 6, that tell somebody apart: not those of a machine itself, and no version numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from llmcost.redaction.found import Found
from llmcost.redaction.scanning import spans

_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?"
_V6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.[0-9]{1,3}){3})?(?:/[0-9]{1,3})?"
_A_VERSION = re.compile(
    r"(?:\bv|ver\.?|version|versión|版本|release|firmware|\bbuild|section|chapter|clause|§|[=~^<>]=|[A-Za-z]/|/[a-z0-9_-]{1,12}:)"
    r"[\s:#='\"]{0,3}\Z",
    re.IGNORECASE,
)
BEFORE = 16
LEAST_GROUPS = 3  # "a::b" is a name of a programming language
_GLOBAL = re.compile(r"[23f][0-9a-f]{3}:", re.IGNORECASE)


class Ips:
    """Finds addresses, with the size of their network where it stands with them."""

    def find(self, text: str) -> Iterator[Found]:
        """Every address of a host."""
        if text.count(".") >= 3:
            yield from (Found(*span, "IP") for span in spans(_V4, text) if _is_v4(text, *span))
        if text.count(":") >= 2:
            yield from (Found(*span, "IP") for span in spans(_V6, text) if _is_v6(text, *span))


def _is_v4(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - BEFORE) : start], text[end : end + 2]
    if _goes_on(before[-1:]) or before[-1:] == "." or _goes_on(after[:1]) or (after[:1] == "." and after[1:].isdigit()):
        return False
    return _of_a_host(text[start:end].partition("/")[0]) and not _A_VERSION.search(before)


def _is_v6(text: str, start: int, end: int) -> bool:
    before, after, address = text[start - 1 : start], text[end : end + 1], text[start:end].partition("/")[0]
    if _goes_on(before) or before in (":", ".") or _goes_on(after) or after == ":":
        return False
    if "::" not in address and address.count(":") != 7:
        return False
    groups = [group for group in address.split(":") if group]
    known = len(groups) >= LEAST_GROUPS or "." in address or _GLOBAL.match(address) is not None
    return known and any(map(str.isdigit, address)) and _of_a_host(address)


def _goes_on(letter: str) -> bool:
    """Whether a word goes on here."""
    return letter.isascii() and (letter.isalnum() or letter == "_")


def _of_a_host(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address) and (found.packed[0] == 0 or found.packed[0] >= 240):
        return False  # "this network", masks and what is reserved
    return not (found.is_loopback or found.is_unspecified or found.is_multicast)
