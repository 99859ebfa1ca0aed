"""A plan from its file, and whether it can be executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from llmcost.errors import InputError
from llmcost.serving import Caching, Plan, TaskPlan

HINT = "write it with `llmcost export --to plan`"


def read_plan(path: str | Path) -> Plan:
    """The plan in this file. Raises InputError if it cannot be read, or is of another version."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", HINT) from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is not a plan: {error}", HINT) from error


def by_task(plan: Plan) -> dict[str, TaskPlan]:
    """The plans of the tasks. Raises InputError naming everything that cannot be executed."""
    faults = list(_faults(plan))
    if faults:
        raise InputError(f"the plan cannot be executed: {'; '.join(faults)}", HINT)
    return {task.task: task for task in plan.tasks}


def _faults(plan: Plan) -> Iterator[str]:
    for name, count in Counter(task.task for task in plan.tasks).items():
        if count > 1:
            yield f"task {name!r} has {count} plans"
    for task in plan.tasks:
        if task.caching is not None and not _usable(task.caching):
            yield f"task {task.task!r} has a cache of {task.caching.ttl_s:g} s and a likeness of {task.caching.near}"


def _usable(caching: Caching) -> bool:
    return caching.ttl_s > 0 and (caching.near is None or 0 < caching.near <= 1)
