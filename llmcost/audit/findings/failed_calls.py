"""failed-calls: what failed, and what of it was paid for."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, listed, share
from llmcost.audit.groups import counts, money_sum
from llmcost.audit.result import Finding


def failed_calls(scene: Scene) -> Iterator[Finding]:
    """Calls that ended in an error."""
    entries = scene.entries
    if not (failed := int(entries.failed.sum())):
        return
    codes, names = entries.calls.codes("error_type")
    errors = dict(zip(names, counts(codes[entries.failed], len(names)), strict=True))
    reported = int((entries.failed & entries.priced).sum())
    billed = f"{reported:,} of them reported usage" if reported else "none reported usage, so their cost is unknown"
    yield scene.finding(
        "failed-calls",
        money_sum(entries.costs[entries.failed]),
        title=f"{share(failed, len(entries.calls))} of calls failed",
        calls=failed,
        evidence=f"{failed:,} of {len(entries.calls):,} calls: {listed(errors)}; {billed}",
        remedy="fix the most frequent error first; retry with back-off, and never what was refused as invalid",
    )
