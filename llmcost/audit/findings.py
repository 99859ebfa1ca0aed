"""What costs money and need not: findings in plain words, and the two totals that are never mixed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmcost.audit.groups import counts, money_sum
from llmcost.audit.ledger import Ledger
from llmcost.audit.result import Finding, Potential, PotentialTotal
from llmcost.audit.savings import Stack, TaskSaving, swaps
from llmcost.audit.spend import unpriced_models
from llmcost.config import AuditSettings
from llmcost.errors import ConfigError
from llmcost.pricing import PriceBook
from llmcost.strategies import Route

NAMES_SHOWN = 3
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def ttl_seconds(text: str) -> float:
    """Seconds of a duration such as "90s", "5m", "1h" or "7d"; raises ConfigError for anything else."""
    if (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())) is None:
        raise ConfigError(f"cache_ttl = {text!r} is no duration", 'write a number and s, m, h or d, such as "1h"')
    return float(match[1]) * SECONDS[match[2]]


def find(entries: Ledger, book: PriceBook, settings: AuditSettings) -> tuple[list[Finding], Potential]:
    """Every finding, most dollars first (those without dollars last), and what the log's bill could lose in all."""
    stack = Stack(entries, book)
    cached, repeats = stack.cached(ttl_seconds(settings.cache_ttl))
    cheaper = stack.cheapest(settings.compare)
    duplicates = [_duplicates(entries, task, repeats[task], settings.cache_ttl) for task in repeats]
    models = [_cheaper(entries, task, *choice) for task, choice in cheaper.items()]
    safe, untested = ([finding.id for finding in _ranked(found)] for found in (duplicates, duplicates + models))
    potential = Potential(
        _total(entries, stack.saved_by(cached), safe),
        _total(entries, stack.saved_by(Route().apply(cached, swaps(cheaper))), untested),
    )
    return _ranked([*duplicates, *models, *_failed(entries), *_unpriced(entries), *_unmetered(entries)]), potential


def _duplicates(entries: Ledger, task: str, saving: TaskSaving, ttl: str) -> Finding:
    calls = int((entries.tasks.codes == entries.tasks.names.index(task)).sum())
    return _finding(
        entries,
        "exact-duplicates",
        saving.usd,
        task=task,
        basis="no_answer_change",
        title=f"Identical requests within {ttl}: {_share(saving.calls, calls)} of calls",
        calls=saving.calls,
        evidence=f"{saving.calls:,} of {calls:,} calls repeat a request answered in full within the {ttl} before: "
        "same model, messages, parameters and end user",
        remedy=f"keep answers for {ttl} in an exact response cache, one per end user",
    )


def _cheaper(entries: Ledger, task: str, model: str, saving: TaskSaving) -> Finding:
    return _finding(
        entries,
        "cheaper-model",
        saving.usd,
        task=task,
        title=f"{model} would cost {_share(saving.usd, saving.before)} less, if quality held",
        calls=saving.calls,
        evidence=f"same tokens, {saving.calls:,} calls: {_usd(saving.before)} today, {_usd(saving.after)} there; "
        "no answer was compared, and another model writes more or fewer tokens",
        remedy=f"measure it on your own calls: llmcost replay --models {model}",
    )


def _failed(entries: Ledger) -> Iterator[Finding]:
    if not (failed := int(entries.failed.sum())):
        return
    codes, names = entries.calls.codes("error_type")
    errors = dict(zip(names, counts(codes[entries.failed], len(names)), strict=True))
    reported = int((entries.failed & entries.priced).sum())
    billed = f"{reported:,} of them reported usage" if reported else "none reported usage, so their cost is unknown"
    yield _finding(
        entries,
        "failed-calls",
        money_sum(entries.costs[entries.failed]),
        title=f"{_share(failed, len(entries.calls))} of calls failed",
        calls=failed,
        evidence=f"{failed:,} of {len(entries.calls):,} calls: {_listed(errors)}; {billed}",
        remedy="fix the most frequent error first; retry with back-off, and never what was refused as invalid",
    )


def _unpriced(entries: Ledger) -> Iterator[Finding]:
    if models := {row.model: row.calls for row in unpriced_models(entries)}:
        yield _finding(
            entries,
            "unpriced-models",
            None,
            title=f"{_share(sum(models.values()), len(entries.calls))} of calls have no known price",
            calls=sum(models.values()),
            evidence=f"{_listed(models)}; left out of every sum of dollars",
            remedy=f'set price or price_as under [models."{next(iter(models))}"] in llmcost.toml, '
            "or run llmcost prices update",
        )


def _unmetered(entries: Ledger) -> Iterator[Finding]:
    if calls := int((entries.unmetered & ~entries.failed).sum()):
        yield _finding(
            entries,
            "unmetered",
            None,
            title=f"{_share(calls, len(entries.calls))} of calls were answered without a usable token count",
            calls=calls,
            evidence=f"{calls:,} answered calls carry no usage; left out of every sum of dollars",
            remedy="count from the text with --estimate-tokens; for streams, log stream_options.include_usage",
        )


def _finding(entries: Ledger, kind: str, usd: float | None, **said: Any) -> Finding:
    task = said.setdefault("task", None)
    said.setdefault("basis", "potential")
    name = kind if task is None else f"{kind}:{task}"
    return Finding(id=name, kind=kind, usd_logged=usd, usd_per_month=entries.monthly(usd), **said)


def _ranked(found: list[Finding]) -> list[Finding]:
    def dearest(finding: Finding) -> tuple[bool, float, int, str]:
        return finding.usd_logged is None, -(finding.usd_logged or 0.0), -finding.calls, finding.id

    return sorted(found, key=dearest)


def _total(entries: Ledger, usd: float | None, ids: list[str]) -> PotentialTotal:
    return PotentialTotal(usd_logged=usd, usd_per_month=entries.monthly(usd), findings=ids)


def _listed(counted: Mapping[str, int]) -> str:
    """The most frequent names with their counts, in an order that the rows' order does not change."""
    ranked = sorted(((name, n) for name, n in counted.items() if n), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ranked) - NAMES_SHOWN} more" if len(ranked) > NAMES_SHOWN else ""
    return ", ".join(f"{name} ({n:,})" for name, n in ranked[:NAMES_SHOWN]) + more


def _share(part: float | None, whole: float | None) -> str:
    return f"{100 * part / whole:.1f} %" if part is not None and whole else "–"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}"
