"""Log files → calls with their tasks and costs: what audit, replay and the gate all start from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, cast, get_args

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost import logs, tasks
from llmcost.audit.result import Reject, SourceSummary
from llmcost.calls import Calls
from llmcost.config import CostMode, Settings
from llmcost.endpoint.egress import egress
from llmcost.engine.cluster import LOCAL
from llmcost.errors import ConfigError, InputError
from llmcost.logs import Index, Log, Progress, Readers, ReadOptions, no_progress, stores
from llmcost.pricing import PriceBook, costs
from llmcost.pricing import load as load_prices
from llmcost.workspace import Workspace

Say = Callable[[str], None]

INSTANT = "write 2026-10-31, 2026-10-31T12:00:00Z, or 7d, 24h, 30m, 2w before the last call"
UNITS_US = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 7 * 86_400_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to read logs and which part of them to take; what a user says with flags.

    cost_mode      computed, logged or auto (see `AuditSettings`); None: as configured
    since, until   dates or times (ISO 8601, UTC unless they say otherwise), or lengths of time ("7d", "24h" …) counted
                   back from the last call of the log, not from today; until is exclusive
    workers        processes that read; None: as many as there are cores, where the log is worth it
    dask           address of a Dask scheduler whose workers read instead; "local": a cluster on this machine
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    expected_field: str | None = None
    estimate_tokens: bool = False
    task_field: str | None = None
    since: str | None = None
    until: str | None = None
    workers: int | None = None
    dask: str | None = None
    cost_mode: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for the workspace to remember."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A log, read: calls with tasks, their cost in USD (NaN unknown), and the prices used."""

    calls: Calls
    costs: npt.NDArray[np.float64]
    book: PriceBook
    log: Log
    settings: Settings
    options: Options

    def source(self) -> SourceSummary:
        """Where the calls come from, and what was not understood."""
        log = self.log
        rejects = [Reject(r.file, r.line, r.reason) for r in log.rejects]
        outside = len(log.calls) - len(self.calls)
        return SourceSummary(log.files, log.formats, log.records, log.rejected, rejects, outside, log.passed_over)


def load(
    paths: Sequence[str],
    options: Options,
    settings: Settings,
    workspace: Workspace,
    say: Say,
    progress: Progress = no_progress,
    *,
    indexed: bool = True,
) -> Traffic:
    """The calls of these logs, within the asked window, with tasks and costs, and the settings with these options.

    Unless it is `indexed`, nothing is taken from the workspace's index, and nothing kept there.
    Raises ConfigError if a store or a scheduler is where nothing may be sent.
    """
    settings = _with_cost_mode(settings, options.cost_mode)
    _refuse_forbidden(paths, options.dask, settings)
    read = ReadOptions(
        fields={**settings.logs.map, **options.fields},
        expected_field=options.expected_field or settings.logs.expected_field,
        format=options.format,
        estimate_tokens=options.estimate_tokens,
    )
    readers = Readers(options.workers, options.dask, Index(workspace) if indexed else None)
    log = logs.read(paths, read, call_site=tasks.call_site, say=say, readers=readers, progress=progress)
    if len(log.calls) == 0:
        first = "".join(f"; first: {r.file}:{r.line} {r.reason}" for r in log.rejects[:1])
        raise InputError(
            f"no call found in {', '.join(log.files)} (records: {log.records:,}, rejected: {log.rejected:,}{first})",
            "if the shape is unusual, name its fields: --map model=… --map messages=…",
        )
    calls = window(tasks.assign(log.calls, settings.tasks, options.task_field, logs.bodies), options)
    pa.default_memory_pool().release_unused()  # of columns that were merged, and of texts that named tasks
    book = load_prices(settings.models, workspace.prices_path())
    billed = costs(calls, book, settings.audit.cost_mode)
    return Traffic(calls, billed, book, log, settings, options)


def _refuse_forbidden(paths: Sequence[str], scheduler: str | None, settings: Settings) -> None:
    allowed = egress(settings.egress.allow_hosts)
    stores.require(paths, allowed)
    if scheduler not in (None, LOCAL):
        allowed.require(scheduler if "://" in scheduler else f"tcp://{scheduler}")


def _with_cost_mode(settings: Settings, mode: str | None) -> Settings:
    known = get_args(CostMode)
    if mode is None:
        return settings
    if mode not in known:
        raise ConfigError(f"unknown cost mode {mode!r}", f"choose one of {', '.join(known)}")
    replace = msgspec.structs.replace
    return replace(settings, audit=replace(settings.audit, cost_mode=cast("CostMode", mode)))


def window(calls: Calls, options: Options) -> Calls:
    """The calls that started within the asked time. Calls without a time are left out of any window."""
    if not (options.since or options.until):
        return calls
    times = pc.cast(calls.column("start_time"), pa.int64())
    low, high = _bound(options.since, "--since", times), _bound(options.until, "--until", times)
    mask = pc.is_valid(times)
    for bound, compare in ((low, pc.greater_equal), (high, pc.less)):
        if bound is not None:
            mask = pc.and_(mask, pc.fill_null(compare(times, bound), False))
    chosen = calls.filter(mask)
    if len(chosen) == 0:
        raise InputError(f"no call in the asked time; the log has {_extent(times)}", "check --since and --until")
    return chosen


def _bound(text: str | None, flag: str, times: pa.ChunkedArray) -> int | None:
    """The moment that a flag means: a date, or so long before the last call."""
    if not text:
        return None
    back = duration_us(text)
    return _instant(text, flag) if back is None else (pc.max(times).as_py() or 0) - back


def duration_us(text: str) -> int | None:
    """A length of time such as "7d", "24h", "30m", "2w" in microseconds; None if it is none."""
    match = re.fullmatch(r"(\d{1,6})\s*([mhdw])", text.strip())
    return int(match[1]) * UNITS_US[match[2]] if match else None


def log_paths(paths: Sequence[str], settings: Settings) -> Sequence[str]:
    """The logs asked for, else those of the configuration. Raises ConfigError if a store of theirs is not allowed."""
    chosen = paths or settings.logs.paths
    if not chosen:
        raise ConfigError("no log named", "pass files, directories or globs, or set [logs] paths in llmcost.toml")
    _refuse_forbidden(chosen, None, settings)
    return chosen


def _instant(text: str, flag: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{flag} {text!r} is neither a date nor a length of time", INSTANT) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1_000_000)


def _extent(times: pa.ChunkedArray) -> str:
    bounds = pc.min_max(times).as_py()
    if bounds["min"] is None:
        return "no timestamps"
    first, last = (datetime.fromtimestamp(bounds[k] / 1e6, UTC).date().isoformat() for k in ("min", "max"))
    return f"{first} to {last}"
