"""How many requests may be in flight: additive increase, multiplicative decrease, as TCP does it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to have one request in flight, and the window it belongs to."""

    window: int


class Limiter:
    """Lets between 1 and `ceiling` requests be in flight.

    A sign of overload halves the limit, once for all requests that were under way at that moment (one window); a
    window of successes raises it by one. While a Retry-After runs, nobody is let through.
    """

    def __init__(self, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = float(self.ceiling)
        self.in_flight = 0
        self._clock = clock
        self._window = 0
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self) -> Slot:
        """A slot, as soon as there is one; first come, first served."""
        if self._waiting or not self._open():
            await self._turn()
        else:
            self.in_flight += 1
        return Slot(self._window)

    def release(self) -> None:
        """Gives a slot back."""
        self.in_flight -= 1
        self._admit()

    def succeeded(self) -> None:
        """An answer came: the limit grows by one a window of answers."""
        self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)

    def overloaded(self, slot: Slot, retry_after_s: float | None = None) -> None:
        """The endpoint is too busy: half the limit, unless this window was halved already; wait if it says so."""
        if slot.window == self._window:
            self._window += 1
            self.limit = max(1.0, self.limit / 2)
        if retry_after_s:
            self._closed_until = max(self._closed_until, self._clock() + retry_after_s)

    def _open(self) -> bool:
        return self.in_flight < int(self.limit) and self._clock() >= self._closed_until

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted in the moment of being cancelled
                self.release()
            raise

    def _admit(self) -> None:
        """Lets in as many as there is room for; comes back when a Retry-After ends."""
        while self._waiting and self._open():
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        if self._waiting and self._timer is None and (rest := self._closed_until - self._clock()) > 0:
            self._timer = asyncio.get_running_loop().call_later(rest, self._reopen)

    def _reopen(self) -> None:
        self._timer = None
        self._admit()
