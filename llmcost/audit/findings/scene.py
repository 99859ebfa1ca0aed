"""What a rule looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llmcost.audit.closed_answers import labels_of
from llmcost.audit.exemplars import Exemplars
from llmcost.audit.groups import Ints, Mask, money_sums
from llmcost.audit.ledger import Labels, Ledger
from llmcost.audit.places import Places
from llmcost.audit.result import Finding
from llmcost.audit.savings import Stack
from llmcost.config import AuditSettings
from llmcost.pricing import PriceBook

NAMES_SHOWN = 3

# A finding is worth a reader's time from so many calls on, and from dollars on that `worth_saying` knows.
MIN_CALLS = 20


@dataclass(frozen=True)
class Scene:
    """A log as rules see it: its calls and costs, prices, settings, what strategies would save, and some bodies."""

    entries: Ledger
    book: PriceBook
    settings: AuditSettings
    stack: Stack
    exemplars: Exemplars

    @property
    def places(self) -> Places:
        """Where in the customer's code the calls come from."""
        return self.stack.places

    @property
    def answered(self) -> Mask:
        """True where a provider answered: the call did not fail, and no cache of the application's own had it."""
        return self.stack.answered

    @cached_property
    def labels(self) -> Ints:
        """For every place how many labels its answers are; 0: they are no closed set."""
        grouped = self.places.grouped
        return labels_of(self.entries.calls, self.answered, grouped.codes, len(grouped.names))

    @property
    def bill(self) -> float | None:
        """Dollars of the whole log; None: no call of it is priced."""
        return self.stack.bill

    def worth_saying(self, usd: float | None) -> bool:
        """Whether so many dollars of the log are at least 0.5 % of its bill, or $100 a month."""
        return self.stack.worth_saying(usd)

    def usd_of(self, grouped: Labels, rows: Mask) -> list[float | None]:
        """What these calls cost in every group; None: not known of any."""
        return money_sums(grouped.codes[rows], len(grouped.names), self.entries.costs[rows])

    def finding(self, kind: str, usd: float | None, *, site: str | None = None, **said: Any) -> Finding:
        """A finding of this kind worth so many dollars of the log; `potential` unless `basis` says otherwise.

        Its id is its kind, with the task (and the call site, where a task has several) that it is about.
        """
        task = said.setdefault("task", None)
        said.setdefault("basis", "potential")
        name = ":".join(part for part in (kind, task, site if site != task else None) if part)
        return Finding(id=name, kind=kind, usd_logged=usd, usd_per_month=self.entries.monthly(usd), **said)


Rule = Callable[[Scene], Iterator[Finding]]


def listed(counted: Mapping[str, int]) -> str:
    """The most frequent names with their counts, in an order that the rows' order does not change."""
    ranked = sorted(((name, n) for name, n in counted.items() if n), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ranked) - NAMES_SHOWN} more" if len(ranked) > NAMES_SHOWN else ""
    return ", ".join(f"{name} ({n:,})" for name, n in ranked[:NAMES_SHOWN]) + more


def share(part: float | None, whole: float | None) -> str:
    """A part as a percentage of the whole."""
    return f"{100 * part / whole:.1f} %" if part is not None and whole else "–"


def usd(amount: float | None) -> str:
    """Dollars in a sentence."""
    return "unknown" if amount is None else f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}"
