"""What a strategy is."""

from __future__ import annotations

from typing import Any, Protocol

from llmcost.calls import Calls


class Strategy(Protocol):
    """A way to save money, as a pure function on the table of calls.

    It changes quantities, model, service tier or latency, or turns one call into several attempts. It keeps the number
    of requests and their order, never writes a cost, and gives back the very calls it got where it finds nothing to do.
    """

    @property
    def name(self) -> str:
        """The name in reports and in `strategies()`."""
        ...

    def apply(self, calls: Calls, evidence: Any) -> Calls:
        """The calls as they would have been; `evidence` is what the strategy rests on, of its own type."""
        ...
