"""Phone numbers: international ones wherever they stand, national ones where something says that they are one.

What a valid number is says libphonenumber's table of all numbering plans. Most rows of digits are none, and most of
those are dismissed by their shape, before that table is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from llmcost.redaction.found import Found
from llmcost.redaction.scanning import compiled, spans

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "CN", "IN", "BR", "JP", "MX", "NL", "CH", "AT", "AE", "SA", "EG", "AU")
LEAST, MOST = 7, 15  # digits (E.164)
BEFORE, AFTER = 32, 12  # characters around a number in which it is said what it is
REMEMBERED = 16_384
_ROW = r"[+(]{0,2}[0-9](?:(?:[.]|[ \t]{0,2}[()/-]{0,2}[ ]{0,2})[0-9]){6,}"
_GROUP = re.compile(r"[+(]{0,2}[0-9]+")
_DIGITS = re.compile(r"\D+")
_NO_NUMBER = re.compile(
    r"(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}(?!\d)|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2})(?!\d))(?!.\d\d.\d\d)"  # dates
    r"|\d+\.\d+(?:[ /]|\Z)|\d{1,3}(?:\.\d{3})+\Z|\(?(?:19|20)\d\d\)[ ]|\d{4}(?: \d{4}){2,}\Z"
)
# What says so right before the number, and with it any row of digits is one; and what says so somewhere before it.
_NAMED = (
    r"(?:phone|ph|mobile|cell|telephone|tel|fax|whatsapp|sms|telefon|telefax|handy|mobil|mobilnummer|rufnummer|durchwahl|"
    r"t\xe9l\xe9phone|t\xe9l|portable|tel\xe9fono|telefono|tlf|m\xf3vil|celular|cellulare|telefone|telemovel|msisdn)"
    r"[ _-]?(?:#|no|num|number|nr|nummer|n\xba|n\xb0)?[.]?(?:[ ]?\([a-z ]{1,12}\))?"
    r"[\"']?[ ]{0,3}(?:[:=|>]|\bis\b|\bist\b|\best\b|\bes\b|\bes el\b)[ ]{0,3}[\"'(\[]{0,2}$"
    r"|(?:tel|sms|callto|wa\.me)[:/]$"
)
_NAMED_ELSEWHERE = re.compile(
    r"(?:电话|電話|手机|手機|手机号|手机号码|电话号码|联系方式|携帯|電話番号|هاتف|الهاتف|جوال|الجوال|جوالي|موبايل|رقمي|"
    r"телефон|тел|моб|전화|연락처|फ़ोन|फोन)(?:是|为|は|号|号码|番号)?[\s.:=\"']{0,4}\Z"
)
_SAID = (
    r"phone|\btel|\bcall(?:ing)?\b|mobile|\bcell|fax|whatsapp|\bsms\b|text me|reach|dial|hotline|\bring\b|my number|"
    r"callback|telefon|handy|mobil|rufnummer|anruf|r\xfcckruf|durchwahl|meine nummer|t\xe9l\xe9phone|\bt\xe9l|portable|"
    r"appel|joindre|mon num\xe9ro|tel\xe9fono|tlf|m\xf3vil|celular|ll[a\xe1]m|mi n\xfamero|cellulare|chiam"
)
_SAID_ELSEWHERE = re.compile(
    "电话|手机|联系|致电|打给|拨打|我的号码|號碼|号码|電話|携帯|هاتف|جوال|موبايل|اتصل|رقم|телефон|звон|전화|फ़ोन|फोन"
)
_OF_SOMETHING_ELSE = re.compile(
    r"(?:order|ticket|invoice|ref(?:erence)?|\bid|case|\bno|number|isbn|sku|account|customer|tracking|serial|"
    r"bestell\w*|rechnung\w*|kunden\w*|commande|facture|pedido|factura|订单|订单号|编号|单号|طلب|الطلب)"
    r"[^\n\d]{0,12}\Z",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[0-9\n;{}\"]")
_AMERICAN = re.compile(r"(?:1[-. ])?(?:\([2-9]\d{2}\)[ ]?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}")
_TRUNK = re.compile(r"\(?0\d{1,4}\)?(?:[ ]?[/ .-][ ]?\(?\d{1,8}\)?){1,6}|\(0?\d{2,5}\)[ ]?\d{3,5}(?:[ -]?\d{2,4}){1,3}")
_IN_ONE_PIECE = re.compile(r"0[1-9]\d{8,9}")
_COUNTED = re.compile(r"0{5}|1{6}|2{6}|3{6}|4{6}|5{6}|6{6}|7{6}|8{6}|9{6}|123456789")  # digits of an example
_CHINESE = re.compile(r"1[3-9]\d([- ]?)\d{4}\1\d{4}")
_ENDS = frozenset(":=|>/stl")  # of a sign, or of "is", "ist", "est", "es el"
_JOINED, _DIVIDED = frozenset("_@#%$&~^*\\€£¥§°"), frozenset(".,:")
_CHINESE_TEXT = re.compile("[\u3400-\u9fff]")


class Phones:
    """Finds phone numbers."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number that somebody could be called at."""
        for start, end in spans(_ROW, text):
            if (span := _number(text, start, end)) is not None:
                yield Found(*span, "PHONE")


def _number(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The number in a row of digits: all of it, or what is left of it where something else is beside it."""
    written, after = text[start:end], text[end : end + 2]
    if _goes_on(after) or _went_on(text, start):
        return None
    before = text[max(0, start - BEFORE) : start]
    if _is_number(written, before, text[end : end + AFTER]):
        return start, end
    if len(_DIGITS.sub("", written)) <= MOST - 4:
        return None
    return next(
        ((start + begin, start + last) for begin, last in _parts(written)
         if _is_number(written[begin:last], before if begin == 0 else written[max(0, begin - 2) : begin], "")),
        None,
    )  # fmt: skip


def _parts(written: str) -> Iterator[tuple[int, int]]:
    """Stretches of a long row that begin and end at a space, the longest first, that could be a number."""
    groups = [match.span() for match in _GROUP.finditer(written)]
    begins = [at for at, _ in groups if at == 0 or written[at - 1] in " \t/"][:6]
    ends = [at for _, at in groups if written[at : at + 1] in ("", " ", "\t", "/")][:12]
    parts = [(begin, end) for begin in begins for end in ends if LEAST + 2 <= end - begin <= MOST + 8]
    return iter(sorted(parts, key=lambda part: (part[0] - part[1], part[0])))


def _went_on(text: str, start: int) -> bool:
    """Whether the row is the rest of a word, a price, a time or a fraction."""
    before = text[max(0, start - 2) : start]
    if text[start] == "+":
        return before[-1:].isdigit()
    last = before[-1:]
    if (last.isascii() and last.isalnum()) or last in _JOINED or (last == "-" and before[:1] != "-"):
        return True
    return last in _DIVIDED and before[:1].isdigit()


def _goes_on(after: str) -> bool:
    """Whether a word, a price, a time or a fraction goes on behind the row."""
    first = after[:1]
    if (first.isascii() and first.isalnum()) or first in _JOINED:
        return first != "x"  # of an extension
    return first in _DIVIDED | {"-"} and after[1:].isalnum() and after[1:].isascii()


def _is_number(written: str, before: str, after: str) -> bool:
    digits = _DIGITS.sub("", written)
    if not LEAST <= len(digits) <= MOST + 2:
        return False
    if "+" in written[:2]:
        return _possible(written)
    if digits.startswith("00") and _valid(f"+{digits[2:]}", None):
        return True
    if _NO_NUMBER.match(written):
        return False
    if _named(before):
        return len(digits) <= MOST
    return _by_its_looks(written, before, after)


def _by_its_looks(written: str, before: str, after: str) -> bool:
    if _said(before):
        return _valid_somewhere(written)
    if not _looks_national(written, f"{before[-16:]}{after}") or _COUNTED.search(_DIGITS.sub("", written)):
        return False
    if _OF_SOMETHING_ELSE.search(before):
        return False
    return _valid(written, "US") if _AMERICAN.fullmatch(written) else _valid_somewhere(written)


def _looks_national(written: str, around: str) -> bool:
    """Whether it is written as numbers are: an area code in brackets or behind a 0, and groups."""
    if _AMERICAN.fullmatch(written) or _IN_ONE_PIECE.fullmatch(written):
        return True
    if (chinese := _CHINESE.fullmatch(written)) is not None:
        return bool(chinese[1]) or _CHINESE_TEXT.search(around) is not None
    return len(_DIGITS.sub("", written)) >= 9 and _TRUNK.fullmatch(written) is not None


def _named(before: str) -> bool:
    if before.rstrip(" \"'([")[-1:] in _ENDS and _last_words(_NAMED, before):
        return True
    return not before.isascii() and _NAMED_ELSEWHERE.search(before) is not None


def _said(before: str) -> bool:
    clause = _CLAUSE.split(before)[-1]
    return _last_words(_SAID, clause) or _SAID_ELSEWHERE.search(clause) is not None


def _last_words(pattern: str, before: str) -> bool:
    return compiled(pattern, ignore_case=True).search(before.encode("latin-1", "replace")) is not None


def _possible(written: str) -> bool:
    """Whether an international number has a country and a length: who writes a + means a number, in use or not."""
    return _asked(written, None, "is_possible_number")


def _valid_somewhere(written: str) -> bool:
    return any(_valid(written, region) for region in REGIONS)


def _valid(written: str, region: str | None) -> bool:
    return _asked(written, region, "is_valid_number")


@lru_cache(REMEMBERED)
def _asked(written: str, region: str | None, question: str) -> bool:
    import phonenumbers

    ask: Any = getattr(phonenumbers, question)
    try:
        return bool(ask(phonenumbers.parse(written, region)))
    except phonenumbers.NumberParseException:
        return False
