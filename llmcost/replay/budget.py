"""The cap: what was spent and what is in flight, at its worst, never pass it."""

from __future__ import annotations

import math

PICO = 10**12  # money is counted in whole trillionths of a dollar: sums are exact, and a cap is a cap


class Budget:
    """A cap in US dollars (None: no cap) on everything that is reserved.

    The cap holds as long as no request costs more than its reservation. If one does, that is booked as it is, and
    nothing more is reserved.
    """

    def __init__(self, cap_usd: float | None) -> None:
        self.cap_usd = cap_usd
        self._cap = None if cap_usd is None else math.floor(cap_usd * PICO)
        self._spent = 0
        self._reserved = 0

    @property
    def spent_usd(self) -> float:
        """What was settled so far."""
        return self._spent / PICO

    @property
    def reserved_usd(self) -> float:
        """The worst case of what is in flight."""
        return self._reserved / PICO

    def charge(self, usd: float) -> None:
        """Books what an earlier part of the run has spent."""
        self._spent += _up(usd)

    def hold(self, worst_case_usd: float) -> None:
        """Sets money aside for an attempt that was made already and whose end is not known."""
        self._reserved += _up(worst_case_usd)

    def try_reserve(self, worst_case_usd: float) -> bool:
        """Whether a request that may cost this much still fits; if so, the money is set aside."""
        amount = _up(worst_case_usd)
        if self._cap is not None and self._spent + self._reserved + amount > self._cap:
            return False
        self._reserved += amount
        return True

    def settle(self, reserved_usd: float, actual_usd: float) -> None:
        """Replaces a reservation by what the request did cost."""
        self._reserved -= _up(reserved_usd)
        self._spent += _up(actual_usd)


def _up(usd: float) -> int:
    return math.ceil(usd * PICO)
