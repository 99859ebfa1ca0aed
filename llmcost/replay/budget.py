"""The cap: what was spent and what is in flight, at its worst, never pass it."""

from __future__ import annotations

import math

PICO = 10**12  # money is counted in whole trillionths of a dollar: sums are exact, and a cap is a cap


class Budget:
    """A cap in US dollars (None: no cap) on everything that is reserved.

    The cap holds as long as no request costs more than its reservation. If one does, that is booked as it is, and from
    then on there must be room for every request to exceed its reservation as far: only what was in flight when it came
    out can pass the cap.
    """

    def __init__(self, cap_usd: float | None) -> None:
        self.cap_usd = cap_usd
        self._cap = None if cap_usd is None else math.floor(cap_usd * PICO)
        self._spent = 0
        self._reserved = 0
        self._held = 0  # reservations
        self._excess = 0  # the furthest that one was exceeded

    @property
    def spent_usd(self) -> float:
        """What was settled so far."""
        return self._spent / PICO

    @property
    def reserved_usd(self) -> float:
        """The worst case of what is in flight."""
        return self._reserved / PICO

    @property
    def excess_usd(self) -> float:
        """How far a request has exceeded its reservation, at most."""
        return self._excess / PICO

    def charge(self, usd: float) -> None:
        """Books what an earlier part of the run has spent."""
        self._spent += _up(usd)

    def hold(self, worst_case_usd: float) -> None:
        """Sets money aside, whether or not it fits: for an attempt that was made already and whose end is not known."""
        self._reserved += _up(worst_case_usd)
        self._held += 1

    def try_reserve(self, worst_case_usd: float) -> bool:
        """Whether a request that may cost this much still fits; if so, the money is set aside."""
        excess = self._excess * (self._held + 1)
        if self._cap is not None and self._spent + self._reserved + _up(worst_case_usd) + excess > self._cap:
            return False
        self.hold(worst_case_usd)
        return True

    def settle(self, reserved_usd: float, actual_usd: float) -> None:
        """Replaces a reservation by what the request did cost."""
        self._reserved -= _up(reserved_usd)
        self._held -= 1
        self._spent += _up(actual_usd)
        self._excess = max(self._excess, _up(actual_usd) - _up(reserved_usd))


def _up(usd: float) -> int:
    return math.ceil(usd * PICO)
