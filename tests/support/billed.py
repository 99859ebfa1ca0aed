"""Calls billed by a price book and nothing else, for tests of bills."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from llmcost import pricing
from llmcost.calls import Calls
from llmcost.pricing import PriceBook


@dataclass(frozen=True)
class Priced:
    """Calls, billed by the book, where unknown prices count nothing; `seen` are the timelines that were priced."""

    calls: Calls
    book: PriceBook
    seen: list[Calls] = field(default_factory=list)

    def part(self, rows: Any) -> Priced:
        return Priced(self.calls.take(rows), self.book, self.seen)

    def dollars(self, after: Calls) -> list[float]:
        self.seen.append(after)
        return [float(usd) for usd in np.nan_to_num(pricing.price(after, self.book))]
