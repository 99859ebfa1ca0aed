"""Numbers of payment cards: of the issuers that there are, with a valid check digit (Luhn, ISO/IEC 7812)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmcost.redaction.found import Found
from llmcost.redaction.scanning import spans

SHORTEST, LONGEST = 13, 19  # digits
_DIGITS = r"[0-9](?:[ .\t-]{0,2}[0-9]){12,}"
_GROUP = re.compile(r"[0-9]+")
_ISSUED = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa: 16 or 19 digits; 13 are not given out any more, and begin like bar codes
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}"  # Discover
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:5[0678]|6[37])\d{14}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
)
MOST_GROUPS = 19
# In groups of so many digits, or in one piece.
_WRITTEN = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 3), (4, 4, 4, 2), (4, 6, 5), (4, 6, 4)}
Span = tuple[int, int]


class Cards:
    """Finds card numbers, in one piece or in groups."""

    def find(self, text: str) -> Iterator[Found]:
        """Every number that an issuer could have given out."""
        for start, end in spans(_DIGITS, text):
            groups = [match.span() for match in _GROUP.finditer(text, start, end)]
            yield from (Found(*span, "CARD") for span in _cards(text, groups) if _alone(text, *span))


def _cards(text: str, groups: Sequence[Span]) -> Iterator[Span]:
    """The numbers in a row of groups of digits: what stands beside one may be a date or a price."""
    first = 0
    while first < len(groups):
        last = _last(text, groups, first)
        if last is not None:
            yield groups[first][0], groups[last][1]
        first = first + 1 if last is None else last + 1


def _last(text: str, groups: Sequence[Span], first: int) -> int | None:
    """The last group of the number that begins with `first`; all of the row is tried as one, however it is grouped."""
    sizes = [end - start for start, end in groups[first : first + MOST_GROUPS]]
    counts = [len(written) for written in _WRITTEN if tuple(sizes[: len(written)]) == written]
    if SHORTEST <= sizes[0] <= LONGEST:
        counts.append(1)
    if first == 0 and sum(sizes) <= LONGEST and len(groups) <= MOST_GROUPS:
        counts.append(len(groups))
    for count in sorted(counts, reverse=True):
        if _is_card("".join(text[slice(*group)] for group in groups[first : first + count])):
            return first + count - 1
    return None


def _alone(text: str, start: int, end: int) -> bool:
    """Whether it is no part of a word or of a longer number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return not (
        _of_a_word(before[-1:])
        or _of_a_word(after[:1])
        or (before[-1:] == "." and before[:1].isdigit())
        or (after[:1] == "." and after[1:].isdigit())
    )


def _of_a_word(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _is_card(number: str) -> bool:
    from stdnum import luhn

    return _ISSUED.fullmatch(number) is not None and bool(luhn.is_valid(number))
