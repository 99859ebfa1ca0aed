"""Plans, requests and gates for tests of `llmcost.runtime`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from llmcost.serving import Caching, Plan, TaskPlan, Tier
from support.loopback import Answerer, Body, Reply, echo

KEY = "sk-planted-0123456789abcdef"


def plan(*tasks: TaskPlan) -> Plan:
    """A plan of these tasks."""
    return Plan(llmcost_version="0", run="0123abcd", tasks=list(tasks))


def mapped(task: str = "classify", model: str = "small", **parts: Any) -> TaskPlan:
    """One model for a task."""
    return TaskPlan(task, [Tier(model)], **parts)


def cached(ttl_s: float = 60.0, near: float | None = None, **parts: Any) -> Plan:
    """A plan that maps and caches `classify`."""
    return plan(mapped(caching=Caching(ttl_s, near), **parts))


def said(text: str = "red or blue?", system: str | None = None) -> list[dict[str, Any]]:
    """The messages of a question."""
    first = [] if system is None else [{"role": "system", "content": system}]
    return [*first, {"role": "user", "content": text}]


class Gate:
    """An answerer that answers nobody before it is opened; then, the first ones with `first`, else an echo."""

    def __init__(self, first: tuple[Reply, ...] = (), then: Answerer = echo) -> None:
        self._open = threading.Event()
        self._first, self._then = list(first), then

    def open(self) -> None:
        """Lets answers out."""
        self._open.set()

    def __call__(self, body: Body) -> Reply:
        if not self._open.wait(30):
            raise RuntimeError("nobody opened the gate")
        return self._first.pop(0) if self._first else self._then(body)


def until(holds: Callable[[], bool]) -> None:
    """Returns when this holds; an error after half a minute."""
    tick = threading.Event()
    for _ in range(30_000):
        if holds():
            return
        tick.wait(0.001)
    raise AssertionError("it never came to be")
