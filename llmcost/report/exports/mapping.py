"""Which model each task uses from now on, and where it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from llmcost.audit.ttl import ttl_seconds
from llmcost.recommend.result import Bill, ReplayReport, TaskReport
from llmcost.report.screens.verdicts import switched
from llmcost.serving.plan import TaskPlan
from llmcost.serving.translation import EFFORTS

KEY_VARIABLE = "LLMCOST_API_KEY"
URL_VARIABLE = "LLMCOST_BASE_URL"


@dataclass(frozen=True, slots=True)
class Asked:
    """A model as an endpoint is asked for it: the label of a candidate, and its two parts."""

    label: str
    model: str
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a task from now on.

    fallback  today's model, where another one answers now; None: nothing changes
    cache_s   seconds that an exact response cache keeps its answers, where that pays; None: it does not
    unsaid    what else was certified, in words: only `llmcost.runtime` does it; empty: nothing
    """

    task: str
    chosen: Asked
    fallback: Asked | None
    cache_s: float | None
    unsaid: tuple[str, ...]


def routes(report: ReplayReport) -> list[Route]:
    """Every task's route, in the order of the report."""
    pays = cache_pays(report.bill)
    return [_route(task, pays) for task in report.tasks]


def model_map(report: ReplayReport) -> dict[str, str]:
    """Task → model: the candidate where one has passed, today's model everywhere else."""
    return {task.task: _model(task) for task in report.tasks}


def switches(report: ReplayReport) -> int:
    """How many tasks go to another model; a cascade that ends with today's is none."""
    return sum(_model(task) != task.incumbent.model for task in report.tasks)


def asked(label: str) -> Asked:
    """The model and effort of `model@effort`; of what has another ending, all is the model."""
    bare, _, effort = label.rpartition("@")
    return Asked(label, bare, effort) if bare and effort in EFFORTS else Asked(label, label)


def without_credentials(url: str) -> str:
    """The URL without user, password, query or fragment: an export may be committed."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def cache_pays(bill: Bill) -> bool:
    """Whether an exact response cache is a step of the bill that leaves less of it."""
    return any(
        step.strategy == "response_cache"
        and step.before_usd is not None
        and step.after_usd is not None
        and step.after_usd < step.before_usd
        for step in bill.steps
    )


def common_ttl(bill: Bill) -> float | None:
    """Seconds that a paying cache keeps the answers of all tasks; None: none pays, or tasks differ."""
    if not cache_pays(bill) or not bill.cache_ttl or "," in bill.cache_ttl:
        return None
    return ttl_seconds(bill.cache_ttl)


def unsaid(route: Route) -> str:
    """A line that says what of a task's plan is not in a gateway's configuration, and who does it."""
    return (
        f"{route.task}: {', '.join(route.unsaid)}: run by llmcost.runtime (llmcost export --to plan); "
        f"here it {'goes to' if route.fallback else 'stays on'} {route.chosen.label}"
    )


def _route(task: TaskReport, pays: bool) -> Route:
    chosen, plan = _model(task), task.choice.plan
    caching = plan.caching if plan is not None and pays else None
    return Route(
        task=task.task,
        chosen=asked(chosen),
        fallback=None if chosen == task.incumbent.model else asked(task.incumbent.model),
        cache_s=caching.ttl_s if caching is not None and caching.ttl_s > 0 else None,
        unsaid=() if plan is None else tuple(_beyond_a_model(plan)),
    )


def _beyond_a_model(plan: TaskPlan) -> Iterator[str]:
    if len(plan.tiers) > 1:
        yield f"a cascade ({' → '.join(tier.model for tier in plan.tiers)})"
    if plan.compression is not None:
        yield f"long texts shortened to {100 * plan.compression.ratio:g} %"
    if plan.batching is not None:
        yield f"{plan.batching.items:,} in one question"
    if plan.caching is not None and plan.caching.near is not None:
        yield "earlier answers to nearly the same prompts"


def _model(task: TaskReport) -> str:
    return task.choice.model if switched(task) else task.incumbent.model
