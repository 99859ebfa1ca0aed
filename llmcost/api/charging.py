"""A log, read and priced → its bill by day, task, provider, model, service tier and kind of token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.api.traffic import Traffic
from llmcost.audit import money_sums
from llmcost.audit.ledger import UNKNOWN_DAY, UNTAGGED, Labels, days, labels
from llmcost.calls import APP_CACHE, HIT, Calls
from llmcost.pricing import KINDS, PriceBook, price_by_kind, tokens_by_kind
from llmcost.report.exports import Charge

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

WHOLE = "all"  # of calls whose cost is known and its parts are not, and of calls without a count of tokens
NOBODY = ""  # a label that is not known


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of token of all calls, parallel to them: tokens, dollars billed and dollars listed; NaN: unknown."""

    kind: str
    tokens: Floats
    usd: Floats
    listed: Floats
    counted: Mask


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group every call is in, and what the groups are: day, task, provider, model, service tier."""

    codes: npt.NDArray[np.int64]
    names: list[tuple[str, ...]]


def charges(traffic: Traffic) -> list[Charge]:
    """The bill of this traffic, in the order of its groups; its dollars add up to what the audit says.

    Tokens and calls are those of the real traffic, where the log is a sample of it. What the application's own cache
    answered was bought of nobody, and is not among them. Calls of unknown cost are apart from those of a known one.
    Where the log names no provider, it is the one whose price is charged.
    """
    asked = ~_from_app_cache(traffic.calls)
    calls, usd = traffic.calls.filter(asked), traffic.costs[asked] * traffic.calls.weights()[asked]
    if not len(calls):
        return []
    groups, weights = _groups(calls, np.isnan(usd)), calls.weights()
    found = [charge for part in _parts(calls, usd, traffic) for charge in _charged(part, groups, weights, traffic.book)]
    return sorted(found, key=_order)


def _parts(calls: Calls, usd: Floats, traffic: Traffic) -> Iterator[Part]:
    """Every kind of token; then the calls whose cost is known and has no parts, and those without tokens."""
    weights = calls.weights()
    listed = {kind: dollars * weights for kind, dollars in price_by_kind(calls, traffic.book).items()}
    tokens = {kind: np.rint(count * weights) for kind, count in tokens_by_kind(calls).items()}
    total, counted = sum(listed.values(), np.zeros(len(calls))), sum(tokens.values(), np.zeros(len(calls)))
    unknown, has_parts = np.isnan(usd), total > 0  # false where the price list does not know
    believed = traffic.settings.audit.cost_mode != "computed"
    share = np.divide(usd, total, out=np.ones_like(usd), where=has_parts & ~unknown) if believed else np.ones_like(usd)
    split = unknown | has_parts
    for kind in KINDS:
        dollars = np.where(unknown, np.nan, listed[kind] * share)
        has = split & ((tokens[kind] > 0) | (np.nan_to_num(dollars) != 0))
        yield Part(kind, tokens[kind], dollars, listed[kind], has)
    yield Part(WHOLE, counted, usd, total, ~split & (np.nan_to_num(usd) != 0))
    yield Part(WHOLE, counted, usd, np.full(len(calls), np.nan), unknown & (counted == 0))


def _charged(part: Part, groups: Groups, weights: Floats, book: PriceBook) -> Iterator[Charge]:
    rows = np.flatnonzero(part.counted)
    codes, size = groups.codes[rows], len(groups.names)
    usd, listed = (money_sums(codes, size, column[rows]) for column in (part.usd, part.listed))
    tokens, calls = (np.bincount(codes, column[rows], size) for column in (part.tokens, weights))
    for group in np.unique(codes).tolist():
        day, task, provider, model, tier = groups.names[group]
        yield Charge(
            day=None if day == UNKNOWN_DAY else day,
            task=task,
            provider=provider or _seller(model, book),
            model=model or None,
            service_tier=tier or None,
            kind=part.kind,
            tokens=round(float(tokens[group])),
            usd=usd[group],
            calls=round(float(calls[group])),
            list_usd=listed[group],
        )


def _seller(model: str, book: PriceBook) -> str | None:
    priced = book.priced_model(model, None)
    return None if priced is None else priced.provider


def _groups(calls: Calls, unknown: Mask) -> Groups:
    """By day, task, provider, model and tier, calls of unknown cost apart."""
    asked, served = (pc.cast(calls.column(name), pa.string()) for name in ("request_model", "response_model"))
    columns = [
        days(calls),
        labels(calls.column("task"), UNTAGGED),
        labels(calls.column("provider"), NOBODY),
        labels(pc.coalesce(asked, served), NOBODY),
        labels(calls.column("service_tier"), NOBODY),
    ]
    mixed = unknown.astype(np.int64)
    for column in columns:
        mixed = _numbered(mixed * max(len(column.names), 1) + column.codes)
    first = np.unique(mixed, return_index=True)[1]
    return Groups(mixed, [tuple(_name(column, row) for column in columns) for row in first.tolist()])


def _numbered(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The same grouping in small numbers, so that the next column still fits."""
    return np.asarray(pa.array(codes).dictionary_encode().indices, dtype=np.int64)


def _name(column: Labels, row: int) -> str:
    return column.names[int(column.codes[row])]


def _from_app_cache(calls: Calls) -> Mask:
    tag = pc.map_lookup(calls.column("tags"), query_key=APP_CACHE, occurrence="first")
    return np.asarray(pc.fill_null(pc.equal(tag, HIT), False), dtype=np.bool_)


def _order(charge: Charge) -> tuple[object, ...]:
    known: Mapping[str, int] = {kind: place for place, kind in enumerate((*KINDS, WHOLE))}
    names = (charge.day or "", charge.task, charge.provider or "", charge.model or "", charge.service_tier or "")
    return (charge.day is None, *names, charge.usd is None, known[charge.kind])
