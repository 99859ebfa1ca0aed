"""The call sites of a log: what each does, what it costs, and what it sends with every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.audit.exemplars import Exemplars
from llmcost.audit.groups import Floats, Ints, group_quantiles, money_sums
from llmcost.audit.ledger import UNTAGGED, Labels, Ledger, labels
from llmcost.audit.result import CallSite
from llmcost.audit.savings import Stack
from llmcost.audit.static_text import static_tokens
from llmcost.calls import Calls
from llmcost.config import Kind
from llmcost.tasks.kinds import LABELS, Shape, kind_of

MOST_SITES = 50
MONTHS = 12
KEY_BYTES = 16
SPREAD = np.int64(0x1E3779B97F4A7C15)  # any large odd number: a group is mixed into the fingerprint
CACHED = ("cache_read_tokens", "cache_write_tokens")  # in the order in which a prompt's beginning is charged for


def call_sites(entries: Ledger, exemplars: Exemplars, stack: Stack, kinds: Mapping[str, Kind]) -> list[CallSite]:
    """The 50 dearest call sites, most dollars first; `kinds` are those that the configuration fixes.

    What a static part costs is what the calls cost less what they would cost without its tokens, cached ones first.
    """
    sites = _dearest(entries)
    tasks, models = (_by_calls(entries, sites, grouped) for grouped in (entries.tasks, entries.models))
    calls, costs = entries.counts(sites), money_sums(sites.codes, len(sites.names), entries.costs)
    shapes, variants = _shapes(entries, sites), _variants(entries, sites)
    static = _static_parts(entries, sites, exemplars, stack)
    found = []
    for site, name in enumerate(sites.names[:-1]):
        kind = kind_of(name, tasks[site][0], shapes[site], exemplars.of(name), kinds)
        cost, part = costs[site], static[site]
        found.append(
            CallSite(
                call_site=name,
                task=tasks[site][0],
                kind=kind.kind,
                kind_evidence=list(kind.evidence),
                calls=calls[site],
                cost_usd=cost,
                share=None if cost is None or not stack.bill else cost / stack.bill,
                models=models[site],
                static_tokens=part.tokens,
                static_share=part.share,
                static_usd_per_year=part.usd_per_year,
                variants=variants[site] or None,
            )
        )
    return found


def _dearest(entries: Ledger) -> Labels:
    """The call sites, dearest first; those beyond the 50th are one last group without a name."""
    every = labels(entries.calls.column("call_site"), UNTAGGED)
    costs, calls = money_sums(every.codes, len(every.names), entries.costs), entries.counts(every)
    order = sorted(range(len(every.names)), key=lambda n: (-(costs[n] or 0.0), -calls[n], every.names[n]))[:MOST_SITES]
    place = np.full(max(len(every.names), 1), len(order), np.int64)
    place[order] = np.arange(len(order))
    return Labels(place[every.codes], [*(every.names[n] for n in order), ""])


def _by_calls(entries: Ledger, sites: Labels, grouped: Labels) -> list[list[str]]:
    """For every call site the names of these groups that it has calls of, most calls first."""
    width = len(grouped.names)
    pairs = np.bincount(
        sites.codes * width + grouped.codes, weights=entries.weights, minlength=len(sites.names) * width
    )
    found = []
    for weights in pairs.reshape(len(sites.names), width).tolist():
        ranked = sorted((-weight, name) for weight, name in zip(weights, grouped.names, strict=True) if weight)
        found.append([name for _, name in ranked])
    return found


def _variants(entries: Ledger, sites: Labels) -> list[int]:
    """How many different prompts every call site has."""
    known = np.asarray(pc.is_valid(entries.calls.column("prompt_key")), dtype=bool)
    group, _ = _tally(sites.codes[known], _prints(entries.calls, "prompt_key")[known])
    different: list[int] = np.bincount(group, minlength=len(sites.names)).tolist()
    return different


def _shapes(entries: Ledger, sites: Labels) -> list[Shape]:
    size, calls = len(sites.names), entries.calls
    said = np.asarray(pc.is_valid(calls.column("answer_key")), dtype=bool) & ~entries.failed
    group, frequency = _tally(sites.codes[said], _prints(calls, "answer_key")[said])
    rank = np.arange(len(group)) - np.searchsorted(group, group)
    answers = np.bincount(sites.codes[said], minlength=size)
    common = np.bincount(group, weights=frequency * (rank < LABELS), minlength=size)
    embeds = np.bincount(sites.codes, weights=calls.says("operation", frozenset({"embeddings"})), minlength=size)
    rows = np.bincount(sites.codes, minlength=size)
    (lengths,) = group_quantiles(sites.codes, size, np.where(said, calls.floats("answer_bytes"), np.nan), (0.5,))
    reasoned, written = (_sums(sites, entries.tokens[name]) for name in ("reasoning_tokens", "output_tokens"))
    return [
        Shape(
            embeddings=float(embeds[n] / max(rows[n], 1)),
            answers=int(answers[n]),
            distinct_answers=int((group == n).sum()),
            labelled=float(common[n] / max(answers[n], 1)),
            answer_bytes=lengths[n],
            reasoning=float(reasoned[n] / max(written[n], 1.0)),
        )
        for n in range(size)
    ]


@dataclass(frozen=True, slots=True)
class StaticPart:
    """Of one call site: tokens a call, estimated; their share of its input; what sending them costs."""

    tokens: int | None
    share: float | None
    usd_per_year: float | None


NO_PART = StaticPart(None, None, None)  # too few prompts were seen


def _static_parts(entries: Ledger, sites: Labels, exemplars: Exemplars, stack: Stack) -> list[StaticPart]:
    """The static part of every call site; what it costs, from what its calls would cost without it."""
    calls, size = entries.calls, len(sites.names)
    parts = np.array([*(static_tokens(exemplars.of(name)) for name in sites.names[:-1]), None], dtype=np.float64)
    asked = calls.floats("input_tokens")
    sent = np.minimum(np.rint(parts)[sites.codes], asked)
    charged = np.where(sent > 0, sent, 0.0)
    saved = entries.costs - stack.priced(_without(calls, charged)) if charged.any() else np.full(len(calls), np.nan)
    dollars = np.where(charged > 0, saved, np.nan)
    usd = money_sums(sites.codes, size, dollars)
    tokens = _sums(sites, np.where(np.isnan(sent), np.nan, sent * entries.weights))
    whole = _sums(sites, np.where(np.isnan(sent), np.nan, asked * entries.weights))
    return [
        StaticPart(round(part), None if np.isnan(share) else share, _a_year(entries, cost)) if part >= 0 else NO_PART
        for part, share, cost in zip(
            parts.tolist(), (tokens / np.where(whole, whole, np.nan)).tolist(), usd, strict=True
        )
    ]


def _a_year(entries: Ledger, usd: float | None) -> float | None:
    month = entries.monthly(usd)
    return None if month is None else MONTHS * month


def _without(calls: Calls, tokens: Floats) -> Calls:
    """The calls without so many of their input tokens each: what is read from a cache goes first."""
    left = calls.with_column("input_tokens", _whole(calls.floats("input_tokens") - tokens))
    for name in CACHED:
        cached = calls.floats(name)
        gone = np.minimum(np.nan_to_num(cached), tokens)
        left, tokens = left.with_column(name, _whole(cached - gone)), tokens - gone
    return left


def _whole(values: Floats) -> pa.Array:
    unknown = np.isnan(values)
    return pa.array(np.where(unknown, 0, values).astype(np.int64), mask=unknown)


def _sums(sites: Labels, values: Floats) -> Floats:
    sums = np.bincount(sites.codes, weights=np.nan_to_num(values), minlength=len(sites.names))
    return np.asarray(sums, dtype=np.float64)


def _tally(codes: Ints, prints: Ints) -> tuple[Ints, Ints]:
    """The group and the number of every different fingerprint, by group, the most frequent first."""
    spread = pa.array(prints ^ (codes * SPREAD)).dictionary_encode()
    of = np.asarray(spread.indices, dtype=np.int64)
    frequency, group = np.bincount(of), np.zeros(len(spread.dictionary), np.int64)
    group[of] = codes
    order = np.lexsort((-frequency, group))
    return group[order], frequency[order]


def _prints(calls: Calls, name: str) -> Ints:
    """The first eight bytes of a fingerprint column; 0 for none."""
    keys = pc.fill_null(calls.column(name), bytes(KEY_BYTES)).combine_chunks()
    halves = np.frombuffer(keys.buffers()[1], dtype=np.int64)[2 * keys.offset : 2 * (keys.offset + len(keys))]
    return halves[::2]
