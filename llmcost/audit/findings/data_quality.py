"""unpriced-models and unmetered: calls that no sum of dollars holds, and how to bring them in."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, listed, share
from llmcost.audit.result import Finding
from llmcost.audit.spend import unpriced_models


def unpriced(scene: Scene) -> Iterator[Finding]:
    """Models that no price is known of."""
    entries = scene.entries
    if scene.settings.cost_mode == "logged":
        return  # no price was looked for
    if models := {row.model: row.calls for row in unpriced_models(entries)}:
        yield scene.finding(
            "unpriced-models",
            None,
            title=f"{share(sum(models.values()), entries.total)} of calls have no known price",
            calls=sum(models.values()),
            evidence=f"{listed(models)}; left out of every sum of dollars",
            remedy=f'set price or price_as under [models."{next(iter(models))}"] in llmcost.toml, '
            "or run llmcost prices update",
        )


def unmetered(scene: Scene) -> Iterator[Finding]:
    """Answered calls without a usable token count."""
    entries = scene.entries
    if calls := entries.count(entries.unmetered & ~entries.failed):
        yield scene.finding(
            "unmetered",
            None,
            title=f"{share(calls, entries.total)} of calls were answered without a usable token count",
            calls=calls,
            evidence=f"{calls:,} answered calls carry no usage; left out of every sum of dollars",
            remedy="count from the text with --estimate-tokens; for streams, log stream_options.include_usage",
        )
