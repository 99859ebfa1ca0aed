"""Provider prompt cache: calls of one place in the code begin alike, and what they share is read, not computed again.

How long a prefix is kept, how long it must be and whether one has to ask for it differs by provider: `RULES`. Facts as
documented in the autumn of 2026 at

* developers.openai.com/api/docs/guides/prompt-caching: automatic from 1,024 tokens in steps of 128, cleared after 5 to
  10 minutes without use; from GPT-5.6 on, writes are charged, entries live 30 minutes and a shared beginning is only
  found where a breakpoint was set at its end
* platform.claude.com/docs/en/build-with-claude/prompt-caching: only where `cache_control` asks for it, 5 minutes,
  renewed by every use, a minimum by model; an entry can be read once the first answer has begun. Bedrock's `cachePoint`
  is the same thing (docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html)
* ai.google.dev/gemini-api/docs/caching: implicit, from 2,048 or 4,096 tokens; no time to live is promised
* api-docs.deepseek.com/guides/kv_cache: automatic, on disk, units of 64 tokens, kept for hours at least
* alibabacloud.com/help/en/model-studio/context-cache: implicit, from 256 tokens; no time to live is promised

Where no time is promised, five minutes are assumed. All of them see tools first, then the system prompt, then messages.
What reading and writing cost is the price book's to say: a model without a price for cached input saves nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.pricing.cost import from_app_cache, started
from llmcost.strategies.timeline import ranked

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FIVE_MINUTES = 300.0
EMBEDDINGS, BATCH = "embeddings", "batch"
READ, WRITTEN = "cache_read_tokens", "cache_write_tokens"


@dataclass(frozen=True, slots=True)
class CacheRule:
    """How a provider keeps prefixes: from `minimum` tokens on, in whole steps, for so long after each use.

    automatic: without being asked.
    """

    minimum: int
    step: int = 1
    ttl_s: float = FIVE_MINUTES
    automatic: bool = True


# The first whose pattern is found in "provider/model" counts.
RULES: tuple[tuple[str, CacheRule], ...] = (
    (r"opus-4[-.][567]|haiku-4[-.]5", CacheRule(4096, automatic=False)),
    (r"claude-3.*haiku|haiku-3", CacheRule(2048, automatic=False)),
    (r"claude", CacheRule(1024, automatic=False)),
    (r"\bnova-(micro|lite|pro|premier)", CacheRule(1024, automatic=False)),
    (r"gpt-(5\.[6-9]|[6-9])", CacheRule(1024, ttl_s=1800.0, automatic=False)),
    (r"gemini-2[-.]", CacheRule(2048)),
    (r"gemini", CacheRule(4096)),
    (r"(^deepseek/|^/)deepseek", CacheRule(64, 64, 7200.0)),
    (r"^(dashscope|alibaba|qwencloud)/|^/qwen", CacheRule(256)),
    (r"", CacheRule(1024, 128)),
)
_RULES = tuple((re.compile(pattern), rule) for pattern, rule in RULES)


def cache_rule(model: str, provider: str | None = None) -> CacheRule:
    """How this provider keeps this model's prefixes; OpenAI's way where nothing is known of it."""
    name = f"{provider or ''}/{model}".lower()
    return next(rule for pattern, rule in _RULES if pattern.search(name))


@dataclass(frozen=True, slots=True)
class PrefixEvidence:
    """What the calls of a call site share.

    tokens    at the beginning of every prompt
    grows     each call of a session begins with the whole prompt of the call before
    unlogged  take calls whose log does not count cached tokens for calls that read none; else they stay as they are
    """

    tokens: float
    grows: bool = False
    unlogged: bool = False


NOTHING = PrefixEvidence(0.0)


@dataclass(frozen=True, slots=True)
class PromptCache:
    """The strategy `prompt_cache`; its evidence is call site → PrefixEvidence."""

    name: str = "prompt_cache"

    def apply(self, calls: Calls, evidence: Mapping[str, PrefixEvidence]) -> Calls:
        """The calls with what they share read from the provider's cache, the first of each run writing it.

        A prefix belongs to one call site and model, whoever the end user is. Every use renews it. What begins before
        the first answer of a run does finds nothing yet. Never fewer tokens are read than were logged, and never more
        than the input. Failed calls, embeddings and batches stay as they are, and so do calls without a time.
        """
        if not evidence or not (use := _uses(calls, evidence)).rows.size:
            return calls
        had, wrote = (np.nan_to_num(calls.floats(name)[use.rows]) for name in (READ, WRITTEN))
        missed = _misses(use)
        shared = np.maximum(np.where(missed, 0.0, use.kept(use.prefix)), _turns(calls, use))
        read = np.maximum(had, np.minimum(shared, use.input))
        wanted = np.where(missed, use.kept(use.prefix) - read, 0.0)
        wanted = np.where(use.grows, use.input - read, wanted)  # the next turn reads all of this one
        written = np.minimum(np.maximum(wrote - (read - had), wanted), use.input - read)
        possible = had + wrote <= use.input  # a broken counter stays as it is
        changed = possible & ((read != had) | (written != wrote))
        rows = use.rows[changed]
        return _with(_with(calls, READ, rows, read[changed]), WRITTEN, rows, written[changed])


@dataclass(frozen=True, slots=True)
class _Uses:
    """The calls that can use a cache, by prefix and then by time, as parallel arrays; times in microseconds.

    rows  in the table      group  of the same call site and model      begun  when the answer began
    """

    rows: Ints
    group: Ints
    time: Ints
    begun: Ints
    input: Floats
    prefix: Floats
    grows: Mask
    rule: Ints
    rules: Sequence[CacheRule]

    def of_rule(self, field: str) -> Floats:
        """This figure of each call's rule."""
        return np.array([getattr(rule, field) for rule in self.rules], np.float64)[self.rule]

    def kept(self, tokens: Floats) -> Floats:
        """Of shared beginnings of so many tokens what the provider keeps."""
        step = self.of_rule("step")
        return np.where(tokens >= self.of_rule("minimum"), np.floor(tokens / step) * step, 0.0)


def _uses(calls: Calls, evidence: Mapping[str, PrefixEvidence]) -> _Uses:
    codes, names = calls.codes("call_site")
    known = [*(evidence.get(name, NOTHING) for name in names), NOTHING]  # code −1, no call site, finds the last
    rows = np.flatnonzero(np.array([found.tokens > 0 or found.grows for found in known])[codes])
    site = codes[rows]
    tokens = np.array([found.tokens for found in known])[site]
    grows = np.array([found.grows for found in known])[site] & calls.known("session_key")[rows]
    unlogged = np.array([found.unlogged for found in known])[site]
    number, rules = _rules(calls, rows)
    minimum = np.array([rule.minimum for rule in rules], np.float64)[number]
    usable = _can_use(calls, rows) & (unlogged | ~np.isnan(calls.floats(READ)[rows]))
    usable &= (calls.floats("input_tokens")[rows] >= minimum) & ((tokens >= minimum) | grows)
    time = calls.derived("start_time", started)[rows]
    group = site * len(rules) + number
    use = _by_group_and_time(group, time, np.flatnonzero(usable))
    rows = rows[use]
    begun = np.fmin(calls.floats("time_to_first_chunk_ms")[rows], calls.floats("latency_ms")[rows])
    return _Uses(
        rows=rows,
        group=group[use],
        time=time[use],
        begun=time[use] + np.nan_to_num(begun * 1e3).astype(np.int64),
        input=calls.floats("input_tokens")[rows],
        prefix=tokens[use],
        grows=grows[use],
        rule=number[use],
        rules=rules,
    )


def _can_use(calls: Calls, rows: Ints) -> Mask:
    """Of these rows those that a cache can serve: answered, at a known time, with input, one by one."""
    mask: Mask = ~calls.known("error_type")[rows] & calls.known("start_time")[rows] & ~from_app_cache(calls)[rows]
    mask &= calls.floats("input_tokens")[rows] > 0
    for name, label in (("operation", EMBEDDINGS), ("service_tier", BATCH)):
        codes, labels = calls.codes(name)
        mask &= codes[rows] != (labels.index(label) if label in labels else -2)
    return mask


def _rules(calls: Calls, rows: Ints) -> tuple[Ints, list[CacheRule]]:
    """For each of these rows the number of its model at its provider, and how each of those keeps prefixes."""
    providers, sellers = calls.codes("provider")
    (asked, models), (served, others) = calls.codes("request_model"), calls.codes("response_model")
    seller, asked, served = providers[rows], asked[rows], served[rows]
    model = np.where(asked >= 0, asked, np.where(served >= 0, served + len(models), len(models) + len(others)))
    names = [*models, *others, ""]
    pairs, number = ranked((seller + 1) * len(names) + model)
    named = ((["", *sellers][pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist())
    return number, [cache_rule(model, provider) for provider, model in named]


def _misses(use: _Uses) -> Mask:
    """True for the calls that find nothing: a run's first, and what starts before its answer has begun."""
    lasts = np.round(use.of_rule("ttl_s") * 1e6).astype(np.int64)
    starts = np.append(True, (use.group[1:] != use.group[:-1]) | (np.diff(use.time) >= lasts[1:]))
    run, first = np.cumsum(starts) - 1, np.flatnonzero(starts)
    opens = use.time[first][run]
    begun = np.where(use.time == opens, use.begun, np.iinfo(np.int64).max)
    missed: Mask = (use.time == opens) | (use.time < np.minimum.reduceat(begun, first)[run])
    return missed


def _turns(calls: Calls, use: _Uses) -> Floats:
    """Tokens that a call shares with the one before in its session, where conversations grow; else 0."""
    found = np.zeros(len(use.rows))
    session = _sessions(calls, use)
    own = np.flatnonzero(session >= 0)
    if not own.size:
        return found
    length = calls.floats("messages")[use.rows]
    own = _by_session(own, use, session, length)
    now, before = own[1:], own[:-1]
    gap, lasts = use.time[now] - use.time[before], use.of_rule("ttl_s")[now] * 1e6
    follows = (use.group[now] == use.group[before]) & (session[now] == session[before])
    follows &= (gap > 0) & (gap < lasts) & (use.time[now] >= use.begun[before])
    follows &= (use.input[now] >= use.input[before]) & ~(length[now] <= length[before])
    whole = np.zeros(len(use.rows))
    whole[now] = use.input[before]
    found[now[follows]] = use.kept(whole)[now[follows]]
    return found


def _by_session(own: Ints, use: _Uses, session: Ints, length: Floats) -> Ints:
    """These uses by prefix and session, then time; what is tied by what is in the calls, never by where they stood."""
    key = use.group * (session.max(initial=0) + 1) + session
    order = own[np.argsort(key[own], kind="stable")]
    tied = (np.diff(key[order]) == 0) & (np.diff(use.time[order]) == 0)
    if not tied.any():
        return order
    return own[np.lexsort((length[own], use.begun[own], use.input[own], use.time[own], key[own]))]


def _sessions(calls: Calls, use: _Uses) -> Ints:
    """For every use the number of its session; −1 where conversations do not grow, or are not told apart."""
    if not use.grows.any():
        return np.full(len(use.rows), -1)
    keys = calls.column("session_key").combine_chunks().dictionary_encode().indices
    return np.where(use.grows, np.asarray(pc.fill_null(keys, -1), np.int64)[use.rows], -1)


def _by_group_and_time(group: Ints, time: Ints, rows: Ints) -> Ints:
    """These rows by group, then time. Logs are mostly in order of time already, which makes the first sort cheap."""
    timed = rows[np.argsort(time[rows], kind="stable")]
    present = np.unique(group[timed])
    small = present.size <= np.iinfo(np.int16).max
    dense = np.searchsorted(present, group[timed]).astype(np.int16 if small else np.int64)
    return timed[np.argsort(dense, kind="stable")]  # numpy sorts 16-bit integers by radix


def _with(calls: Calls, name: str, rows: Ints, values: Floats) -> Calls:
    """The calls with new counts in these rows; the very same calls if there are none."""
    if not rows.size:
        return calls
    counts = calls.floats(name).copy()
    counts[rows] = values
    return calls.with_column(name, pa.array(counts, from_pandas=True))
