"""International bank account numbers (ISO 13616): length and structure of the country, and the check digits."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from llmcost.redaction.found import Found

_DIGITS = {ord(letter): str(int(letter, 36)) for letter in string.ascii_uppercase}
SHORTEST, LONGEST = 15, 34  # letters and digits
_BEGINS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ \u00a0-]?[A-Za-z0-9]{2})")
_GOES_ON = re.compile(r"(?:[ \u00a0-]?[A-Za-z0-9]){11,30}")


class Ibans:
    """Finds account numbers, in one piece or in groups."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number whose check digits are right."""
        for begin in _BEGINS.finditer(text):
            rest = _GOES_ON.match(text, begin.end())
            if rest is not None and (end := _end(text, begin.start(), rest.end())) is not None:
                yield Found(begin.start(), end, "IBAN")


def _end(text: str, start: int, last: int) -> int | None:
    """Where the number ends: what follows it may look like more of it."""
    for end in range(last, start + SHORTEST - 1, -1):
        if end < len(text) and text[end].isalnum():
            continue
        number = re.sub(r"[ \u00a0-]", "", text[start:end])
        if text[end - 1].isalnum() and len(number) <= LONGEST and _valid(number):
            return end
    return None


def _valid(number: str) -> bool:
    """By its check digits, and by the length that its country has: some countries' own digits are not worth a leak."""
    moved = f"{number[4:]}{number[:4]}".upper().translate(_DIGITS)
    if int(moved) % 97 != 1:
        return False
    from stdnum import iban
    from stdnum.exceptions import ValidationError

    try:
        iban.validate(number, check_country=False)
    except ValidationError:
        return False
    return True
