"""E-mail addresses, also internationalised ones (RFC 6531)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

LONGEST_LOCAL = 64
LONGEST_USER = 64
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
_QUOTED = re.compile(r'"[^"\n]{1,62}"\Z')
_AT = re.compile(r"@|%40|[ ]?[(\[{]at[)\]}][ ]?", re.IGNORECASE)
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SPELT = re.compile(r"[\w-]{1,63}(?:(?:\.|[ ]dot[ ]|[ ]?[(\[]dot[)\]][ ]?)[\w-]{1,63}){1,8}", re.IGNORECASE)
_EDGES = ".!#$%&'*+/=?^`{|}~-"  # what ends a sentence or opens a quotation rather than an address


class Emails:
    """Looks around every @, however it is written: its time does not depend on what else a text holds."""

    def find(self, text: str) -> Iterator[Found]:
        """Every address."""
        for sign in _AT.finditer(text):
            plain = sign[0] in ("@", "%40")
            if (found := _around(text, sign.start(), sign.end(), _DOMAIN if plain else _SPELT)) is not None:
                yield found


def _around(text: str, at: int, after: int, written: re.Pattern[str]) -> Found | None:
    before = text[max(0, at - LONGEST_LOCAL) : at]
    local, domain = _LOCAL.search(before) or _QUOTED.search(before), written.match(text, after)
    if local is None or domain is None:
        return None
    name, host = local[0].lstrip(_EDGES), domain[0].rstrip("-_.")
    last = re.split(r"[^\w-]", host)[-1]
    if not name or last == host or len(last) < 2 or last.isdigit() or not any(map(str.isalpha, last)):
        return None
    start = at - len(name)
    if len(local[0]) == LONGEST_LOCAL and _LOCAL.search(text[: at - LONGEST_LOCAL][-1:]):
        return None  # too long to be one
    if text[start - 1 : start] in (":", "/") and "://" in text[max(0, start - LONGEST_USER) : start]:
        return None  # who may use a server, in a URL: a secret, not an address
    if name == "git" and text[after + len(host) :][:1] == ":":
        return None  # a repository's address
    return Found(start, after + len(host), "EMAIL")
