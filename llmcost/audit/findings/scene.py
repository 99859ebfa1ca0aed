"""What a rule looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmcost.audit.exemplars import Exemplars
from llmcost.audit.ledger import Ledger
from llmcost.audit.result import Finding
from llmcost.audit.savings import Stack
from llmcost.config import AuditSettings
from llmcost.pricing import PriceBook

NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """A log as rules see it: its calls and costs, prices, settings, what strategies would save, and some bodies."""

    entries: Ledger
    book: PriceBook
    settings: AuditSettings
    stack: Stack
    exemplars: Exemplars

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
