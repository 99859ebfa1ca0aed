"""failed-calls: what failed, and what of it was paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmcost.audit.findings.scene import Scene, listed, share
from llmcost.audit.groups import money_sum
from llmcost.audit.ledger import Labels
from llmcost.audit.result import Finding


def failed_calls(scene: Scene) -> Iterator[Finding]:
    """Calls that ended in an error."""
    entries = scene.entries
    if not (failed := entries.count(entries.failed)):
        return
    codes, names = entries.calls.codes("error_type")
    errors = dict(zip(names, entries.counts(Labels(codes, names), entries.failed), strict=True))
    reported = entries.count(entries.failed & entries.priced)
    billed = f"{reported:,} of them reported usage" if reported else "none reported usage, so their cost is unknown"
    yield scene.finding(
        "failed-calls",
        money_sum(entries.costs[entries.failed]),
        title=f"{share(failed, entries.total)} of calls failed",
        calls=failed,
        evidence=f"{failed:,} of {entries.total:,} calls: {listed(errors)}; {billed}",
        remedy=f"fix {_first(errors)} first; retry with back-off, and never what was refused as invalid",
    )


def _first(errors: Mapping[str, int]) -> str:
    """The most frequent error by its name and count."""
    ranked = sorted(((name, n) for name, n in errors.items() if n), key=lambda item: (-item[1], item[0]))
    return f"the most frequent error, {ranked[0][0]} ({ranked[0][1]:,})," if ranked else "the most frequent error"
