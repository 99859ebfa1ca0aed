"""Text from a log, made harmless: nothing in it can steer a terminal, reorder a line or hide what it says."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_SUSPECT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # emoji and Persian need them; they reorder nothing
_STACKED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f"
    r"\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


# What a build server would carry out: "::" at the start of a line (GitHub), "##[", "##vso[" anywhere in it (Azure),
# "##teamcity[".
_COMMAND = re.compile(
    r"(?i)(:(?=:(?:error|warning|notice|debug|group|endgroup|add-mask|add-path|add-matcher|remove-matcher|echo|set-env"
    r"|set-output|save-state|stop-commands)\b)|#(?=#(?:vso|teamcity)?\[))"
)


def visible(text: str, longest: int) -> str:
    """`text` on one line, control, bidi and unassigned characters spelt out, at most `longest` characters."""
    if _COMMAND.search(text):
        text = _COMMAND.sub(r"\1 ", text)
    if text.isascii() and text.isprintable():
        return elide(text, longest)
    shown = elide(text.translate(_WHITESPACE), longest)
    return elide(_all_spelt(shown), longest)


def visible_lines(text: str) -> str:
    """`text` with its own lines and tabs, control, bidi and unassigned characters spelt out; nothing is left out."""
    return _WITHIN_LINES.sub(lambda found: _all_spelt(found.group()), text.replace("\r\n", "\n"))


def spoken(text: str) -> str:
    """`visible_lines` of what a build server may read as well: its commands are broken, wherever they stand."""
    return visible_lines(_COMMAND.sub(r"\1 ", text))


def cut_lines(text: str, longest: int) -> str:
    """`spoken` of about so many characters; where the middle is left out, how much that is stands in its place.

    The text is cut before anything is spelt out, so that a text of megabytes costs no more than a short one.
    """
    missing = len(text) - longest
    if missing <= 0:
        return spoken(text)
    head = longest * 2 // 3
    ends = spoken(text[:head]), spoken(text[head + missing :])
    return f"\n[{ELLIPSIS} {missing:,} characters left out {ELLIPSIS}]\n".join(ends)


def inert_cell(text: str) -> str:
    """Text that a spreadsheet takes for text, wherever it splits cells: a quote before what it would compute."""
    return _FORMULA.sub(r"\1'", text)


def elide(text: str, longest: int) -> str:
    """`text` with its middle left out if it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    head = longest // 2
    tail = longest - 1 - head
    return text[:head] + ELLIPSIS + text[len(text) - tail :]


def escape_json(encoded: str) -> str:
    """Encoded JSON with the same meaning that steers no terminal or build server and reorders no line."""
    return _UNSAFE_IN_JSON.sub(lambda found: _units(found.group()), encoded)


def _units(character: str) -> str:
    """A character as JSON escapes it: in units of UTF-16."""
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _all_spelt(text: str) -> str:
    plain = text.isascii() and text.isprintable()
    return text if plain else _STACKED.sub(r"\1", "".join(map(_spelt, text)))


def _spelt(character: str) -> str:
    if unicodedata.category(character) not in _SUSPECT or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")


# A spreadsheet that splits at semicolons or tabs takes neither commas nor quotes for what they are.
_FORMULA = re.compile(r"(^(?=\s*[|%])|(?:^|[;\t\r\n])(?=\s*[=+@＝＋－＠-]))")
_WHITESPACE = {ord(character): " " for character in "\t\n\v\f\r\x85\u2028\u2029"}
_WITHIN_LINES = re.compile(r"[^\n\t]+")
_UNSAFE_IN_JSON = re.compile(
    r"(?i:(?<=#)#(?=(?:vso|teamcity)?\[))|[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
