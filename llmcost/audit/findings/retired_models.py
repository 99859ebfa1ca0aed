"""retired-models: models that are switched off, or soon will be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from llmcost.audit.findings.offers import served_models
from llmcost.audit.findings.scene import MIN_CALLS, Scene, share
from llmcost.audit.result import Finding
from llmcost.audit.savings import MIN_SHARE

SOON_DAYS = 90
HORIZON_DAYS = 180


def retired_models(scene: Scene) -> Iterator[Finding]:
    """Models whose provider ends them before 180 days after the day of the prices, earliest first.

    From 20 calls on, if they are 0.5 % of the calls or of the bill. No dollars: what a successor costs is another
    question.
    """
    served, last = served_models(scene), _last_day(scene)
    ends = {name: model.deprecation_date for name, model in served.models.items()}
    soon = {model: end for model, end in ends.items() if end and (end - scene.book.day).days <= HORIZON_DAYS}
    calls = dict(zip(served.grouped.names, scene.entries.counts(served.grouped), strict=True))
    everything = np.ones(len(scene.entries.calls), dtype=bool)
    spent = dict(zip(served.grouped.names, scene.usd_of(served.grouped, everything), strict=True))
    for model, end in sorted(soon.items(), key=lambda item: (item[1], item[0])):
        of_bill = (spent[model] or 0.0) / (scene.bill or 1.0)
        if calls[model] < MIN_CALLS or max(of_bill, calls[model] / scene.entries.total) < MIN_SHARE:
            continue
        yield scene.finding(
            "retired-models",
            None,
            site=model,
            title=f"{model} {_when(end, max(scene.book.day, last))}: {share(spent[model], scene.bill)} of spend",
            calls=calls[model],
            evidence=f"{calls[model]:,} calls; the price list of {scene.book.as_of} gives {end} as its end",
            remedy=f"find a successor before it fails: llmcost replay --models {_candidates(scene, model)}",
        )


def _when(end: date, today: date) -> str:
    days = (end - today).days
    if days <= 0:
        return f"was to be retired on {end}"
    return f"will be retired on {end}, in {days} days" if days <= SOON_DAYS else f"will be retired on {end}"


def _last_day(scene: Scene) -> date:
    end = scene.entries.span.end
    return date.fromisoformat(end[:10]) if end else scene.book.day


def _candidates(scene: Scene, model: str) -> str:
    """The models to compare with that have a price and no end in sight."""
    priced = [(name, scene.book.find(name)) for name in scene.settings.compare]
    lasting = [name for name, found in priced if found and found.id != model and _lasts(scene, found.deprecation_date)]
    return ",".join(lasting) or "MODEL"


def _lasts(scene: Scene, end: date | None) -> bool:
    return end is None or (end - scene.book.day).days > HORIZON_DAYS
