"""How many files and connections this process may have open."""

from __future__ import annotations

from contextlib import suppress

from llmcost.errors import ConfigError

BESIDES = 64  # what a process has open besides: logs, the store, libraries


def room_for(connections: int) -> None:
    """Raises this process's own limit of open files, if it must be, and says so if it may not.

    Raises ConfigError where the system allows too few.
    """
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    needed = connections + BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft < needed:
        raise ConfigError(
            f"{connections} requests in flight need {needed} open files, and this process may have {soft}",
            f"ulimit -n {needed}, or --concurrency {max(soft - BESIDES, 1)}",
        )
