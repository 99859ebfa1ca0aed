"""What the provider's prompt cache would take off the bill, by call site: with prompts as they are, and mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llmcost.audit.groups import Floats, Ints, Mask, money_sums
from llmcost.audit.ledger import Labels, Ledger
from llmcost.audit.prefixes import Prefix
from llmcost.calls import Calls
from llmcost.strategies import PrefixEvidence, PromptCache
from llmcost.strategies.attempts import per_row

FAR_BELOW = 0.25  # of the tokens that could be read are not: what a log's own time to live or estimate does not explain
MOST = 0.5  # of the pairs compared part at the same place
LEAST_CACHED = 1024  # tokens: fewer are kept by few providers, so where less is shared nothing was read


@dataclass(frozen=True, slots=True)
class CacheSaving:
    """What a prompt cache changes at one call site, in dollars of the log, over the calls that are priced.

    calls, read      that read more than before, and the tokens that they read more, of the real traffic
    before, after    the bill of the site's changed calls
    logged           whether the log counts cached tokens at all
    """

    calls: int
    read: int
    before: float
    after: float
    logged: bool

    @property
    def usd(self) -> float:
        """The saving."""
        return self.before - self.after


@dataclass(frozen=True)
class PromptCaching:
    """Prompt caching on the timeline of a log.

    priced  what the calls of a timeline cost, row by row      worth_saying  whether so many dollars are worth a finding
    """

    entries: Ledger
    prefixes: Mapping[str, Prefix]
    priced: Callable[[Calls], Floats]
    worth_saying: Callable[[float | None], bool]

    def of(self, entries: Ledger, priced: Callable[[Calls], Floats]) -> PromptCaching:
        """The same for some of the calls, with what was found of all of them."""
        part = PromptCaching(entries, self.prefixes, priced, self.worth_saying)
        vars(part).update(unused=self.unused, logged=self.logged)
        return part

    @cached_property
    def unused(self) -> dict[str, CacheSaving]:
        """Call sites whose prompts begin alike as they are, and read much less of it than the provider would keep."""
        return self._worth(self._gains(self.entries.calls, self._as_they_are(self.prefixes), FAR_BELOW))

    @cached_property
    def broken(self) -> dict[str, CacheSaving]:
        """Call sites that would share more if what a program fills in stood at the end: what that adds to `unused`."""
        sites = {
            site: prefix
            for site, prefix in self.prefixes.items()
            if prefix.at is not None and prefix.broken >= MOST and prefix.static > prefix.shared
        }
        today = self.entries.calls
        as_they_are = self._where_it_pays(today, self._as_they_are(sites, unlogged=True))
        return self._worth(self._gains(as_they_are, _mended(sites), 0.0))

    def used(self, calls: Calls) -> Calls:
        """These calls with the cache used where it is not, and the log says so. No prompt changes."""
        return PromptCache().apply(calls, self.using(calls))

    def using(self, calls: Calls) -> dict[str, PrefixEvidence]:
        """What these calls share, by call site, where the cache is not used, the log says so, and using it pays."""
        sites = {site: self.prefixes[site] for site, saving in self.unused.items() if saving.logged}
        return self._paying(calls, self._as_they_are(sites))

    def mended(self, calls: Calls) -> Calls:
        """These calls with every broken prefix mended; without those of which it is not known what they read today."""
        sites = {
            site: self.prefixes[site]
            for site, saving in self.broken.items()
            if saving.logged or self.prefixes[site].shared < LEAST_CACHED
        }
        return self._where_it_pays(calls, _mended(sites))

    @cached_property
    def tasks(self) -> dict[str, str]:
        """By call site the task of most of its calls."""
        return most_frequent(self.sites, self.entries.tasks)

    @cached_property
    def logged(self) -> set[str]:
        """Call sites of which a call says how much it read from the cache, if nothing."""
        known = ~np.isnan(self.entries.calls.floats("cache_read_tokens"))
        return {self.sites.names[code] for code in np.unique(self.sites.codes[known & (self.sites.codes >= 0)])}

    @cached_property
    def sites(self) -> Labels:
        """The call sites of the log."""
        return Labels(*self.entries.calls.codes("call_site"))

    def _as_they_are(self, sites: Mapping[str, Prefix], unlogged: bool = False) -> dict[str, PrefixEvidence]:
        return {
            site: PrefixEvidence(prefix.shared, prefix.grows, unlogged or site not in self.logged)
            for site, prefix in sites.items()
        }

    def _worth(self, gains: dict[str, CacheSaving]) -> dict[str, CacheSaving]:
        return {site: saving for site, saving in gains.items() if self.worth_saying(saving.usd)}

    def _where_it_pays(self, calls: Calls, evidence: dict[str, PrefixEvidence]) -> Calls:
        return PromptCache().apply(calls, self._paying(calls, evidence))

    def _paying(self, calls: Calls, evidence: dict[str, PrefixEvidence]) -> dict[str, PrefixEvidence]:
        paying = self._gains(calls, evidence, 0.0)
        return {site: found for site, found in evidence.items() if site in paying}

    def _gains(self, calls: Calls, evidence: Mapping[str, PrefixEvidence], least: float) -> dict[str, CacheSaving]:
        """By call site what this evidence saves, where it does, and reads at least this share of tokens more."""
        after = PromptCache().apply(calls, evidence)
        if after is calls:
            return {}
        was, now = (self._tokens(each, "cache_read_tokens") for each in (calls, after))
        wrote, writes = (self._tokens(each, "cache_write_tokens") for each in (calls, after))
        before, then = self.priced(calls), self.priced(after)
        changed = (_differ(was, now) | _differ(wrote, writes)) & ~np.isnan(before) & ~np.isnan(then)
        rows = np.flatnonzero(changed)
        more = (np.nan_to_num(now[rows]) - np.nan_to_num(was[rows])) * self.entries.weights[rows]
        costs = (self._sums(each[rows], rows) for each in (before, then))
        gained = self._weighed(more, rows)
        at_sites = np.flatnonzero(self.sites.codes >= 0)
        reads = self._weighed((np.nan_to_num(now) * self.entries.weights)[at_sites], at_sites)
        reading = rows[more > 0]
        readers = self._weighed(self.entries.weights[reading], reading)
        by_site = zip(self.sites.names, readers, gained, reads, *costs, strict=True)
        return {
            site: CacheSaving(round(calls), round(extra), paid, pays, site in self.logged)
            for site, calls, extra, read, paid, pays in by_site
            if paid is not None and pays is not None and pays < paid and extra >= least * read
        }

    def _tokens(self, calls: Calls, name: str) -> Floats:
        """Of every call of the log, over all the attempts that a strategy has made of it."""
        tokens, size = calls.floats(name), len(self.entries.calls)
        if len(tokens) == size:
            return tokens
        row = per_row(calls, np.arange(size))
        return np.asarray(np.bincount(row, weights=np.nan_to_num(tokens), minlength=size), dtype=np.float64)

    def _sums(self, dollars: Floats, rows: Ints) -> list[float | None]:
        return money_sums(self.sites.codes[rows], len(self.sites.names), dollars)

    def _weighed(self, tokens: Floats, rows: Ints) -> list[float]:
        sums = np.bincount(self.sites.codes[rows], weights=tokens, minlength=len(self.sites.names))
        return [float(total) for total in sums]


def most_frequent(sites: Labels, names: Labels) -> dict[str, str]:
    """By call site the name that most of its calls have; of equally frequent ones the first. Unknown (−1) is none."""
    known = (sites.codes >= 0) & (names.codes >= 0)
    width = max(len(names.names), 1)
    pairs, counts = np.unique(sites.codes[known] * width + names.codes[known], return_counts=True)
    ranked = sorted((-n, names.names[pair % width], sites.names[pair // width])
                    for pair, n in zip(pairs.tolist(), counts.tolist(), strict=True))  # fmt: skip
    return {site: name for _, name, site in reversed(ranked)}


def _mended(sites: Mapping[str, Prefix]) -> dict[str, PrefixEvidence]:
    return {site: PrefixEvidence(prefix.static, prefix.would_grow, unlogged=True) for site, prefix in sites.items()}


def _differ(one: Floats, other: Floats) -> Mask:
    if one is other:  # a column that was kept
        return np.zeros(len(one), dtype=bool)
    different: Mask = np.nan_to_num(one) != np.nan_to_num(other)
    return different
