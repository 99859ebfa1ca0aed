"""What the workspace keeps → gone, or what would be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from llmcost.api.traffic import duration_us
from llmcost.api.views import PurgeView
from llmcost.errors import ConfigError
from llmcost.workspace import Workspace
from llmcost.workspace import purge as purging


def purge(
    what: Sequence[str] = (),
    *,
    runs: Sequence[str] | None = None,
    older_than: str | None = None,
    really: bool = True,
    workspace: Path | None = None,
    now: datetime | None = None,
) -> PurgeView:
    """Deletes what the workspace keeps: "answers", "runs", "labels", "logs", or all of it if none is named.

    runs        only what these runs left
    older_than  only what was last written so long ago: "30d", "12w"
    really      False: only says what would be deleted
    """
    before = None
    if older_than is not None:
        age_us = duration_us(older_than)
        if age_us is None:
            raise ConfigError(f"--older-than {older_than!r} is no length of time", "write 30d, 12w, 24h")
        before = (now or datetime.now(UTC)).timestamp() - age_us / 1e6
    wanted = purging.Purge(purging.kinds_of(what), None if runs is None else tuple(runs), before)
    place = Workspace.at(workspace)
    return PurgeView(purging.delete(place, wanted) if really else purging.would_delete(place, wanted))
