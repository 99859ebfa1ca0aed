"""Phone numbers: international ones wherever they stand, national ones where something says that they are one.

What a valid number is says libphonenumber's table of all numbering plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "CN", "IN", "BR", "JP", "MX", "NL", "CH", "AT", "AE", "SA", "EG", "AU")
LEAST, MOST = 7, 15  # digits (E.164)
BEFORE = 28  # characters before a number in which it is said to be one
_APART = r"(?:[ \u00a0./\u2010-\u2015-]|[ ]?(?:\(0\)|[()])[ ]?|[ ]-[ ])?"
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/@#%€$£¥=-])(?<!\d[ :])(?:\+|00)?[ ]?\(?"
    rf"\d(?:{_APART}\d){{6,16}}(?![A-Za-z0-9_%€$£¥@])(?![.,:-]\d)"
)
_SAID = re.compile(
    r"(?:phone|\btel|call|mobile|\bcell|fax|whatsapp|\bsms\b|text me|reach|dial|hotline|\bring\b|telefon|handy|mobil|"
    r"rufnummer|anruf|rückruf|durchwahl|téléphone|\btél|portable|appel|joindre|teléfono|tlf|móvil|celular|ll[aá]m|"
    r"电话|手机|联系|致电|號碼|号码|هاتف|جوال|موبايل|اتصل|رقم|電話|携帯)[^\n\d]{0,24}\Z",
    re.IGNORECASE,
)
_A_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2})(?!\d)")
_NO_NUMBER = re.compile(
    r"(?:order|ticket|invoice|ref|\bid|case|\bno|number|isbn|sku|account|customer|tracking|serial|"
    r"bestell\w*|rechnung\w*|kunden\w*|commande|facture|pedido|factura|订单|طلب)[^\n\d]{0,12}\Z",
    re.IGNORECASE,
)


class Phones:
    """Finds phone numbers."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number that somebody could be called at."""
        for match in _NUMBER.finditer(text):
            start, written = match.start(), match[0].rstrip("(./- ")
            start += len(written) - len(written.lstrip())
            written = written.strip()
            digits = sum(map(str.isdigit, written))
            if LEAST <= digits <= MOST + 2 and _is_number(written, text[max(0, start - BEFORE) : start]):
                yield Found(start, start + len(written), "PHONE")


def _is_number(written: str, before: str) -> bool:
    if written.startswith("+"):
        return _possible(written)
    if written.startswith("00") and _valid(f"+{written[2:].lstrip()}", None):
        return True
    if _A_DATE.match(written):
        return False
    said = _SAID.search(before) is not None
    if not said and (_NO_NUMBER.search(before) or not _looks_national(written)):
        return False
    return any(_valid(written, region) for region in REGIONS)


def _looks_national(written: str) -> bool:
    """Whether it is written as numbers are: an area code in brackets or behind a 0, and groups."""
    groups = re.split(r"[ \u00a0()./\u2010-\u2015-]+", written.strip("()"))
    if written.startswith("("):
        return len(groups) >= 2
    if written.startswith("0"):
        return len(groups) >= 2
    return re.fullmatch(r"[2-9]\d{2}[-. ][2-9]\d{2}[-. ]\d{4}", written) is not None  # as in North America


def _possible(written: str) -> bool:
    """Whether an international number has a country and a length: who writes a + means a number, in use or not."""
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(written))
    except phonenumbers.NumberParseException:
        return False


def _valid(written: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False
