"""Numbers of payment cards: those of the large issuers, with a valid check digit (Luhn, ISO/IEC 7812)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcost.redaction.found import Found

_DIGITS = re.compile(
    r"(?<![\d.,_-])\d(?:[ \u00a0-]?\d){12,18}(?![\d_])(?![.,-]\d)|(?<![\d.])\d{4}(?:\.\d{3,6}){2,3}(?![\d.])"
)
_ISSUED = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa: 16 or 19 digits; 13 are not given out any more, and begin like bar codes
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}"  # Discover
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
)


class Cards:
    """Finds card numbers, in one piece or in groups."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number that an issuer could have given out."""
        for match in _DIGITS.finditer(text):
            number = re.sub(r"\D", "", match[0])
            if _ISSUED.fullmatch(number) and _checks(number) and len(set(number)) > 2:
                yield Found(*match.span(), "CARD")


def _checks(number: str) -> bool:
    from stdnum import luhn

    return bool(luhn.is_valid(number))
