"""International bank account numbers (ISO 13616): length and structure of the country, and the check digits."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from llmcost.redaction.found import Found
from llmcost.redaction.scanning import spans

_DIGITS = {ord(letter): str(int(letter, 36)) for letter in string.ascii_uppercase}
SHORTEST, LONGEST = 15, 34  # letters and digits
_BEGINS = r"(?:^|[^A-Za-z0-9])[A-Za-z]{2}[0-9]{2}[ \r\n.-]{0,2}[A-Za-z0-9]{2}"
_APART = re.compile(r"[ \r\n.-]")
_GOES_ON = re.compile(r"(?:[ \r\n.-]{0,2}[A-Za-z0-9]){11,30}")


class Ibans:
    """Finds account numbers, in one piece or in groups, also over the end of a line."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number whose check digits are right."""
        for start, _ in spans(_BEGINS, text):
            begin = start if _begins(text, start) else start + 1
            rest = _GOES_ON.match(text, begin + 4)
            if rest is not None and (last := _end(text, begin, rest.end())) is not None:
                yield Found(begin, last, "IBAN")


def _begins(text: str, at: int) -> bool:
    """Whether the country stands here, and not one letter further on."""
    return text[at : at + 2].isalpha() and text[at : at + 2].isascii() and text[at + 2 : at + 4].isdigit()


def _end(text: str, start: int, last: int) -> int | None:
    """Where the number ends: what follows it may look like more of it."""
    for end in range(last, start + SHORTEST - 1, -1):
        if (end < len(text) and text[end].isascii() and text[end].isalnum()) or not text[end - 1].isalnum():
            continue
        number = _APART.sub("", text[start:end])
        if len(number) <= LONGEST and _valid(number):
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
