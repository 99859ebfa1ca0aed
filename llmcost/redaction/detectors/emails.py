"""E-mail addresses, also internationalised ones (RFC 6531), and those that are spelt out for people alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

LONGEST_LOCAL = 64
LONGEST_USER = 300
LONGEST_HOST = 253
_AT = re.compile(r"@|[ ]?[(\[{][ ]?at[ ]?[)\]}][ ]?", re.IGNORECASE)
_LOCAL = re.compile(r"[\w.+'~-]+\Z")
_RETURN = re.compile(r"[\w.-]+\+[\w.+-]+=\Z")  # bounces+anna=example.org@lists.example.com
_IN_URL = re.compile(r"://(?:[^\s/?#\"'<>@:]*:[^\s\"'<>]*)?\Z")
_QUOTED = re.compile(r'"(?=[^"]*\w)[\w .+()\'-]{1,62}"\Z')
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}|\[[0-9.]{7,15}\]")
_SPELT = re.compile(r"[\w-]{1,63}(?:(?:\.|[ ]dot[ ]|[ ]?[(\[{][ ]?dot[ ]?[)\]}][ ]?)[\w-]{1,63}){1,8}", re.IGNORECASE)
_SPOKEN = re.compile(r"[\w.+-]{1,64}[ ]at[ ][\w-]{1,63}(?:[ ]dot[ ][\w-]{1,63}){1,6}", re.IGNORECASE)
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"  # Thai, Japanese, Chinese: no space before or after an address
_AFTER_UNSPACED = re.compile(rf".*[{_UNSPACED}]", re.DOTALL)
_FROM_UNSPACED = re.compile(rf"[{_UNSPACED}].*", re.DOTALL)
_EDGES = ".'~-+"  # what ends a sentence or opens a quotation rather than an address
_NO_TOP = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html"))  # logo@2x.png


class Emails:
    """Looks around every @, however it is written: its time does not depend on what else a text holds."""

    def find(self, text: str) -> Iterator[Found]:
        """Every address."""
        if "@" in text or "at" in text or "AT" in text:
            for sign in _AT.finditer(text):
                if (found := _around(text, *sign.span(), _DOMAIN if sign[0] == "@" else _SPELT)) is not None:
                    yield found
        if " dot " in text or " DOT " in text:
            yield from (Found(*match.span(), "EMAIL") for match in _SPOKEN.finditer(text))


def _around(text: str, at: int, after: int, written: re.Pattern[str]) -> Found | None:
    name, host = _name(text[max(0, at - LONGEST_LOCAL) : at]), _host(text, after, written)
    if not name or not host or text[after + len(host) : after + len(host) + 1] == "(":
        return None  # the latter is code
    start = at - len(name)
    if _IN_URL.search(text[max(0, at - LONGEST_USER) : at]):
        return None  # who may use a server: a secret, not an address
    if name == "git" and text[after + len(host) :][:1] == ":":
        return None  # a repository's address
    return Found(start, after + len(host), "EMAIL")


def _name(before: str) -> str:
    """What stands before the @ and belongs to the address."""
    local = _LOCAL.search(before)
    if local is None:
        quoted = _QUOTED.search(before)
        return quoted[0] if quoted else ""
    name = local[0]
    if _plain(name[-1]):
        name = _AFTER_UNSPACED.sub("", name)
    returned = _RETURN.search(before[: len(before) - len(name)])
    return f"{returned[0]}{name}" if returned else name.lstrip(_EDGES)


def _host(text: str, after: int, written: re.Pattern[str]) -> str:
    """What stands after the @ and belongs to the address; nothing if it is no host."""
    domain = written.match(text, after, after + LONGEST_HOST)
    if domain is None:
        return ""
    host = domain[0]
    if host[0] == "[":
        return host
    if _plain(host[0]):
        host = _FROM_UNSPACED.sub("", host)
    host = host.rstrip("-_.")
    last = re.split(r"[^\w-]", host)[-1]
    known = last != host and len(last) >= 2 and any(map(str.isalpha, last)) and not last[0].isdigit()
    return host if known and last.lower() not in _NO_TOP else ""


def _plain(letter: str) -> bool:
    return letter < "\u0250"
