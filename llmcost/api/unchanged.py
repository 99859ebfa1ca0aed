"""The state of everything that an audit is made of: while it is the same, so is the result."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from llmcost.api.traffic import Options
from llmcost.audit.result import AuditResult
from llmcost.config import Settings
from llmcost.logs import states
from llmcost.version import build
from llmcost.workspace import Workspace


def state_of(
    paths: Sequence[str], options: Options, settings: Settings, by: Sequence[str], place: Workspace
) -> str | None:
    """A hash of the logs' states, how they are read, the settings, the prices and this program; None for stdin."""
    files = states(paths)
    if files is None:
        return None
    prices = place.prices_path()
    priced = None if prices is None else (str(prices), prices.stat().st_mtime_ns)
    how = {name: value for name, value in options.as_dict().items() if name not in ("workers", "dask")}
    return hashlib.sha256(msgspec.json.encode((files, how, settings, by, priced, build()))).hexdigest()


def kept(state: str | None, place: Workspace) -> AuditResult | None:
    """The result of an audit of this very state, if there was one."""
    content = None if state is None else place.kept_audit(state)
    try:
        return None if content is None else msgspec.json.decode(content, type=AuditResult)
    except msgspec.DecodeError:
        return None


def keep(state: str | None, result: AuditResult, place: Workspace) -> None:
    """Keeps the result for the next audit of this state."""
    if state is not None:
        place.keep_audit(state, msgspec.json.encode(result))
