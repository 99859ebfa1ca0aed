"""What stands behind a report: what was read, spend over time, and what a cache would save by how long it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from llmcost.audit import money_sums
from llmcost.audit.ledger import UNKNOWN_DAY, Labels, days
from llmcost.audit.result import SourceSummary
from llmcost.audit.savings import Stack
from llmcost.audit.spend import unpriced_models
from llmcost.recommend.result import CacheLife, DataQuality, DaySpend
from llmcost.recommend.simulate import cache_lives

MOST_DAYS = 400
MOST_TASKS = 60


def data_quality(stack: Stack, source: SourceSummary) -> DataQuality:
    """What was read of the log, and what limits its figures."""
    entries = stack.entries
    return DataQuality(
        files=list(source.files),
        format=list(source.format),
        start=entries.span.start,
        end=entries.span.end,
        records=source.records,
        rejected=source.rejected,
        calls=entries.total,
        failed_calls=entries.count(entries.failed),
        priced_calls=entries.count(entries.priced),
        unpriced_models=[row.model for row in unpriced_models(entries)],
        estimated_token_calls=entries.count(entries.calls.floats("tokens_estimated") == 1),
        untimed_calls=entries.count(~entries.calls.known("start_time")),
    )


def spend_by_day(stack: Stack) -> list[DaySpend]:
    """What each task cost on each day, in order of days; of a longer log the last `MOST_DAYS`, of the dearest tasks.

    Calls without a time are in none of them.
    """
    entries = stack.entries
    dates, tasks = days(entries.calls), entries.tasks
    kept_days = [at for at, day in enumerate(dates.names) if day != UNKNOWN_DAY][-MOST_DAYS:]
    kept_tasks = sorted(_dearest(stack)[:MOST_TASKS], key=tasks.names.__getitem__)
    day, task = _places(kept_days, dates), _places(kept_tasks, tasks)
    width, rest = len(kept_tasks), len(kept_days) * len(kept_tasks)
    together = Labels(np.where((day < 0) | (task < 0), rest, day * width + task), [""] * (rest + 1))
    calls, usd = entries.counts(together), money_sums(together.codes, len(together.names), entries.costs)
    return [
        DaySpend(dates.names[day], tasks.names[task], calls[place], usd[place])
        for place, (day, task) in enumerate(product(kept_days, kept_tasks))
        if calls[place]
    ]


def _places(kept: Sequence[int], labels: Labels) -> npt.NDArray[np.int64]:
    """For every row where its group stands among the kept ones; −1 for a group that is not kept."""
    place = np.full(max(len(labels.names), 1), -1, np.int64)
    place[list(kept)] = np.arange(len(kept))
    return place[labels.codes]


def lives(stack: Stack) -> list[CacheLife]:
    """An exact response cache alone on the whole log, by how long it keeps answers."""
    return [CacheLife(row.ttl, round(row.ttl_s), row.hit_rate, row.saved_usd) for row in cache_lives(stack)]


def _dearest(stack: Stack) -> Sequence[int]:
    """The tasks by what they cost, the dearest first."""
    spent = money_sums(stack.entries.tasks.codes, len(stack.entries.tasks.names), stack.entries.costs)
    order: Sequence[int] = np.argsort([-(usd or 0.0) for usd in spent], kind="stable").tolist()
    return order
