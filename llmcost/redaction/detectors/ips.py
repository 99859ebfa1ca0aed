"""IP addresses, versions 4 and 6, that tell somebody apart: not those of a machine itself, and no version numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w]|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{3,39}(?:\.\d{1,3}){0,3}(?![\w:])")
_A_VERSION = re.compile(r"(?:\bv|version|release|firmware|\bbuild|section|chapter|§)[\s:#=]{0,3}\Z", re.IGNORECASE)
BEFORE = 16
LEAST_GROUPS = 3  # "a::b" is a name of a programming language


class Ips:
    """Finds addresses."""

    def find(self, text: str) -> Iterator[Found]:
        """Every address of a host."""
        for match in _V4.finditer(text):
            if not _A_VERSION.search(text[max(0, match.start() - BEFORE) : match.start()]) and _of_a_host(
                match[0].partition("/")[0]
            ):
                yield Found(*match.span(), "IP")
        if ":" in text:
            for match in _V6.finditer(text):
                groups = [group for group in match[0].split(":") if group]
                digits = any(map(str.isdigit, match[0]))
                if len(groups) >= LEAST_GROUPS and digits and _of_a_host(match[0].rstrip(":")):
                    yield Found(match.start(), match.start() + len(match[0].rstrip(":")), "IP")


def _of_a_host(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast) and address != "255.255.255.255"
