"""retired-models: models that are switched off, or soon will be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date

import numpy as np

from llmcost.audit.findings.offers import served_models
from llmcost.audit.findings.scene import MIN_CALLS, Scene, share
from llmcost.audit.result import Finding
from llmcost.audit.savings import MIN_SHARE
from llmcost.pricing import ModelPrice

SOON_DAYS = 90
HORIZON_DAYS = 180
SNAPSHOT = re.compile(r"-\d{4}-?\d{2}-?\d{2}|-\d{4}")


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
            remedy=f"find a successor before it fails: llmcost replay --models {_candidates(scene, soon)}",
        )


def _when(end: date, today: date) -> str:
    days = (end - today).days
    if days <= 0:
        return f"was to be retired on {end}"
    return f"will be retired on {end}, in {days} days" if days <= SOON_DAYS else f"will be retired on {end}"


def _last_day(scene: Scene) -> date:
    end = scene.entries.span.end
    return date.fromisoformat(end[:10]) if end else scene.book.day


def _candidates(scene: Scene, ending: Collection[str]) -> str:
    """The models to compare with that have a price and no end in sight."""
    priced = [(name, scene.book.find(name)) for name in scene.settings.compare]
    return ",".join(name for name, found in priced if found and _lasts(scene, found, ending)) or "MODEL"


def _lasts(scene: Scene, model: ModelPrice, ending: Collection[str]) -> bool:
    """Whether neither the model ends soon, nor what answers in its name: a snapshot in this log, or all there are."""
    snapshots = [other for other in scene.book.models if _is_snapshot(other.id, model.id)]
    if _ends_soon(scene, model) or any(other.id in ending for other in (model, *snapshots)):
        return False
    return not snapshots or not all(_ends_soon(scene, other) for other in snapshots)


def _ends_soon(scene: Scene, model: ModelPrice) -> bool:
    end = model.deprecation_date
    return end is not None and (end - scene.book.day).days <= HORIZON_DAYS


def _is_snapshot(model: str, of: str) -> bool:
    """Whether it is a dated one of that model: gpt-4o-mini-2024-07-18 answers for gpt-4o-mini."""
    return model.startswith(of) and SNAPSHOT.fullmatch(model[len(of) :]) is not None
