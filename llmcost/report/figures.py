"""Figures as people read them: money, shares, intervals, counts, durations. Unknown is a dash, never 0.

Rounding never claims more than is known: what is not nothing does not print as nothing, what is not all does not
print as all, and a lower bound is rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

UNKNOWN = "–"
MINUS = "−"
_SUFFIXES = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_TINY_MONEY = 0.0001
_TINIEST_PER_CALL = 1e-7
_WHOLE_DOLLARS = 10_000


def money(usd: float | None) -> str:
    """ "$11,400", "$3,412.88", "$0.0038", "<$0.0001"; whole dollars from 10,000, four decimals under ten cents."""
    if usd is None:
        return UNKNOWN
    size, sign = abs(usd), MINUS if usd < 0 else ""
    if 0 < size < _TINY_MONEY:
        return f"{sign}<${_TINY_MONEY}" if not sign else f"{sign}${_TINY_MONEY}"
    return f"{sign}${_amount(size)}"


def whole_money(usd: float | None) -> str:
    """Money without cents where it is at least $10: for estimates whose cents mean nothing."""
    if usd is None or abs(usd) < 10:
        return money(usd)
    return f"{MINUS if usd < 0 else ''}${abs(usd):,.0f}"


def about(usd: float | None, before: str = "") -> str:
    """Whole money in a sentence, `before` in front of it; "under $0.0001" where it is next to nothing."""
    if usd is not None and 0 < usd < _TINY_MONEY:
        return f"under ${_TINY_MONEY}"
    return before + whole_money(usd)


def per_call(usd: float | None) -> str:
    """Cost per call: four decimals under a dollar, so that a column of them lines up; two digits of what is less."""
    if usd is None or usd >= 1 or usd < _TINIEST_PER_CALL:
        return money(usd)
    decimals = 4 if usd >= _TINY_MONEY else 1 - math.floor(math.log10(usd))
    return f"${usd:.{decimals}f}"


def price(usd: float | None) -> str:
    """A list price as it is listed, nothing rounded away: "$2.50", "$0.375", "$0.0028"."""
    if usd is None:
        return UNKNOWN
    whole, _, decimals = f"{usd:,.9f}".partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


def signed_whole_money(usd: float | None) -> str:
    """Whole money with its sign: "−$1,690"."""
    return f"+{whole_money(usd)}" if usd is not None and usd > 0 else whole_money(usd)


def signed_money(usd: float | None) -> str:
    """Money with its sign: "+$390", "−$30"."""
    return f"+{money(usd)}" if usd is not None and usd > 0 else money(usd)


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in 0–1 as "97.1 %"; never "0.0 %" or "100.0 %" where it is neither nothing nor all."""
    if share is None:
        return UNKNOWN
    step = 10.0**-decimals
    shown = round(share * 100, decimals)
    if share > 0 and shown <= 0:
        return f"<{step:.{decimals}f} %"
    if share < 1 and shown >= 100:
        return f">{100 - step:.{decimals}f} %"
    return f"{_minus(shown, decimals)} %"


def change(share: float | None, decimals: int = 1) -> str:
    """A relative change with its sign: "+14.2 %", "−79.4 %"; no change is "0.0 %"."""
    if share is None:
        return UNKNOWN
    return f"{_signed(round(share * 100, decimals), decimals)} %"


def at_least(bound: float | None) -> str:
    """A lower bound of a difference, rounded down: "≥ −1.4 %"."""
    if bound is None:
        return UNKNOWN
    return f"≥ {_minus(math.floor(bound * 1000 + 1e-9) / 10, 1)} %"


def no_more(bound: float | None) -> str:
    """An upper bound of a difference, rounded up: "≤ −4.3 %", "≤ +2.7 %"."""
    if bound is None:
        return UNKNOWN
    return f"≤ {_signed(math.ceil(bound * 1000 - 1e-9) / 10)} %"


def at_least_worse(bound: float | None) -> str:
    """An upper bound below nothing, in words that nobody takes for a lower one: "≥ 4.3 % worse"."""
    if bound is None or bound >= 0:
        return no_more(bound)
    return f"≥ {_minus(math.floor(-bound * 1000 + 1e-9) / 10, 1)} % worse"


def between(low: float | None, high: float | None) -> str:
    """An interval of differences, rounded outwards: "−4.8 to +2.7 %"."""
    if low is None or high is None:
        return UNKNOWN
    return f"{_signed(math.floor(low * 1000 + 1e-9) / 10)} to {_signed(math.ceil(high * 1000 - 1e-9) / 10)} %"


def at_most(margin: float | None) -> str:
    """A margin in whole or half percents, rounded up: "5 %", "2.5 %"."""
    if margin is None:
        return UNKNOWN
    return f"{math.ceil(margin * 1000 - 1e-9) / 10:g} %".replace("-", MINUS)


def half_width(estimate: float | None, interval: Sequence[float] | None) -> str:
    """How far the interval reaches from its estimate, in percentage points: "±0.3"; "" where there is none."""
    if interval is None:
        return ""
    low, high = interval
    middle = (low + high) / 2 if estimate is None else estimate
    reach = max(high - middle, middle - low, 0.0)
    return f"±{math.ceil(reach * 1000 - 1e-9) / 10:.1f}"


def count(number: int | None) -> str:
    """ "31,022"."""
    return UNKNOWN if number is None else f"{number:,}".replace("-", MINUS)


def rough(number: int) -> str:
    """An estimated count, two leading digits, rounded up: "2,100" of 2,077."""
    step = int(10 ** max(len(str(number)) - 2, 0))
    return count(-(-number // step) * step)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """ "1 call", "31,022 calls"."""
    return f"{count(number)} {singular if number == 1 else plural or singular + 's'}"


def compact(number: float | None) -> str:
    """Large counts in three significant digits or so: "142M", "24.1M", "88.0k", "912"."""
    if number is None:
        return UNKNOWN
    for size, suffix in _SUFFIXES:
        if round(number / size, 1) >= 1:
            decimals = 0 if round(number / size, 1) >= 100 else 1
            return f"{number / size:,.{decimals}f}{suffix}"
    return f"{number:,.0f}"


def duration(milliseconds: float | None) -> str:
    """ "840 ms", "2.1 s", "3 m 10 s"."""
    if milliseconds is None:
        return UNKNOWN
    if round(milliseconds) < 1000:
        return f"{milliseconds:.0f} ms"
    if round(milliseconds / 1000, 1) < 60:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} m {seconds:02d} s"


def times(ratio: float | None) -> str:
    """A ratio: "1.3×"."""
    return UNKNOWN if ratio is None else f"{ratio:.1f}×"


def _amount(size: float) -> str:
    if round(size, 2) >= _WHOLE_DOLLARS:
        return f"{size:,.0f}"
    return f"{size:.4f}" if 0 < size < 0.1 else f"{size:,.2f}"


def _minus(number: float, decimals: int) -> str:
    return f"{number + 0.0:.{decimals}f}".replace("-", MINUS)


def _signed(number: float, decimals: int = 1) -> str:
    return f"{'+' if number > 0 else ''}{_minus(number, decimals)}"
