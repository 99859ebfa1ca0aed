"""E-mail addresses, also internationalised ones (RFC 6531)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

LONGEST_LOCAL = 64
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
_QUOTED = re.compile(r'"[^"\n]{1,62}"\Z')
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_EDGES = ".!#$%&'*+/=?^`{|}~-"  # what ends a sentence or opens a quotation rather than an address


class Emails:
    """Looks around every @: its time does not depend on what else a text holds."""

    def find(self, text: str) -> Iterator[Found]:
        """Every address."""
        at = text.find("@")
        while at >= 0:
            if (found := _around(text, at)) is not None:
                yield found
            at = text.find("@", at + 1)


def _around(text: str, at: int) -> Found | None:
    before = text[max(0, at - LONGEST_LOCAL) : at]
    local, domain = _LOCAL.search(before) or _QUOTED.search(before), _DOMAIN.match(text, at + 1)
    if local is None or domain is None:
        return None
    name, host = local[0].lstrip(_EDGES), domain[0].rstrip("-_.")
    last = host.rpartition(".")[2]
    if not name or "." not in host or len(last) < 2 or last.isdigit() or not any(map(str.isalpha, last)):
        return None
    if name == "git" and text[at + 1 + len(host) :].startswith(":"):
        return None  # a repository's address
    return Found(at - len(name), at + 1 + len(host), "EMAIL")
