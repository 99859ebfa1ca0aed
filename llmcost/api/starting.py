"""A look at a log → the configuration to start from."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmcost import tasks
from llmcost.answers import Usage
from llmcost.api.traffic import Options, Say, Traffic, load
from llmcost.audit import audit
from llmcost.audit.result import AuditResult
from llmcost.config import DEFAULT_TASK_FIELDS, AuditSettings, Settings
from llmcost.errors import ConfigError
from llmcost.logs import bodies
from llmcost.pricing import price_usage
from llmcost.report.exports.mapping import without_credentials
from llmcost.report.starting_config import Look, Offer, Site, starting_config
from llmcost.version import VERSION
from llmcost.workspace import Workspace

_SITE = re.compile(r".*·([0-9a-f]{6})", re.DOTALL)
OFFERED = 3


def init(
    paths: Sequence[str] | str = (),
    *,
    options: Options | None = None,
    workspace: Path | None = None,
    say: Say = lambda line: None,
) -> str:
    """The text of an annotated llmcost.toml for these logs; for none, with every part as a comment. Uses no network."""
    named = [paths] if isinstance(paths, str) else list(paths)
    if not named:
        return starting_config(Look(compare=AuditSettings().compare))
    place = Workspace.find() if workspace is None else Workspace(workspace)
    return starting_config(_look(named, load(named, options or Options(), Settings(), place, say)))


def write_new(text: str, path: Path) -> None:
    """Writes a file that is not there yet. Raises ConfigError if it is, or if it cannot be written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already: nothing was written", "name another file with -o") from error
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", "name another file with -o") from error


def _look(paths: Sequence[str], traffic: Traffic) -> Look:
    found = audit(
        traffic.calls, book=traffic.book, costs=traffic.costs, source=traffic.source(), settings=AuditSettings(),
        version=VERSION, bodies=bodies,
    )  # fmt: skip
    named = [str(row.task) for row in found.by_task if not _SITE.fullmatch(str(row.task))]
    return Look(
        paths=[path for path in paths if path != "-"],
        formats=traffic.log.formats,
        calls=found.totals.calls,
        task_field=traffic.options.task_field,
        usual_field=_usual_field(traffic),
        tasks=[task for task in named if task not in tasks.SHARED_NAMES],
        sites=_sites(found),
        labelled=_labelled(traffic, named),
        offers=_offers(traffic, found),
        unpriced=[row.model for row in found.unpriced_models],
        models=[str(row.model) for row in found.by_model],
        base_url=_endpoint(),
        compare=AuditSettings().compare,
    )


def _usual_field(traffic: Traffic) -> str | None:
    """The first of the tags that are looked for by themselves that the log has."""
    keys = tasks.tag_keys(traffic.calls)
    return next((name for name in DEFAULT_TASK_FIELDS if tasks.matching_keys(keys, name)), None)


def _endpoint() -> str | None:
    url = os.environ.get("LLMCOST_BASE_URL")
    return without_credentials(url) if url else None


def _sites(found: AuditResult) -> list[Site]:
    """Call sites that are tasks of their own, the dearest first."""
    matches = ((_SITE.fullmatch(site.call_site), site) for site in found.call_sites if site.task == site.call_site)
    return [Site(match[1], site.kind, site.calls) for match, site in matches if match]


def _labelled(traffic: Traffic, named: Sequence[str]) -> list[str]:
    """Tasks whose calls carry an expected answer."""
    codes, names = traffic.calls.codes("task")
    expected = traffic.calls.floats("has_expected") == 1
    return [name for name in named if name in names and (expected & (codes == names.index(name))).any()]


def _offers(traffic: Traffic, found: AuditResult) -> list[Offer]:
    """Models that would make the log's tokens cheaper by the price list, the cheapest first."""
    totals, priced = found.totals, ~np.isnan(traffic.costs)
    today = float(traffic.costs[priced].mean()) if priced.any() else 0.0
    rows = [float(np.nanmean(traffic.calls.floats(name)[priced])) if priced.any() else math.nan
            for name in ("input_tokens", "output_tokens")]  # fmt: skip
    if not totals.cost_usd or not all(map(math.isfinite, rows)):
        return []
    usage = Usage(input_tokens=round(rows[0]), output_tokens=round(rows[1]))
    asked = {str(row.model) for row in found.by_model}
    costs = {model: price_usage(traffic.book, model, usage) for model in AuditSettings().compare if model not in asked}
    offers = [Offer(model, cost / today) for model, cost in costs.items() if cost is not None and 0 < cost < today]
    return sorted(offers, key=lambda offer: (offer.share or 0.0, offer.model))[:OFFERED]
