"""The same plan on the same traffic costs what was predicted: replayed on a sample, run by the runtime, then audited.

In every world it is known who is right. Requests are of very different length, the cheap model counts more tokens than
today's, by another share in each prompt, and what it gets wrong are mostly long requests: a prediction that forgets any
of this is beside its interval.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import shop, truths
from support.loopback import Body, Loopback, Reply, prompt
from support.truths import Site, World, luck

import llmcost
from llmcost.runtime import Router
from llmcost.serving.plan import Plan, TaskPlan

CALLS, SAMPLE = 360, 180
LONG = 20  # sentences
SITES = (
    Site("climbs", CALLS),  # the cheap model errs where requests are long; the run-time grader sees it
    Site("moves", CALLS, wrong={}),
    Site("moves-and-repeats", CALLS, wrong={}),
    Site("repeats", CALLS, wrong={"tiny": 1.0}),
    Site("shortens", CALLS, wrong={"tiny": 1.0}),
)
WRONG = {True: 0.4, False: 0.02}  # share of the tickets that the cheap model gets wrong, by whether they are long


def sentences(site: Site, ticket: int) -> int:
    """How long a request is: few are long, and they make most of the bill. No text of `repeats` is worth shortening."""
    return 2 if site.task == "repeats" else 2 + int(60 * luck("length", site.task, ticket) ** 4)


class Uneven(World):
    """Longer requests are harder, and the cheap model has a tokenizer of its own."""

    def __call__(self, body: Body) -> Reply:
        reply = super().__call__(body)
        if body["model"] != "tiny":
            return reply
        asked = len(json.dumps(body["messages"]).encode()) / 4
        tokens = round(asked * (1 + 0.4 * luck("tokens", prompt(body))))
        return replace(reply, usage={"prompt_tokens": tokens, "completion_tokens": len(reply.text or "")})

    def _answer(self, body: Body, question: str) -> str:
        site, ticket = self._about(question)
        if site.task != "climbs" or body["model"] != "tiny":
            return super()._answer(body, question)
        wrong = luck("hard", ticket) < WRONG[sentences(site, ticket) > LONG]
        return site.wrong_answer(ticket) if wrong else site.right(ticket)


def record(site: Site, number: int) -> dict[str, Any]:
    """A call every seven minutes; where requests repeat, two thirds are asked twice, one right after the other."""
    twice = site.task.endswith("repeats") and number // 2 % 3 > 0
    ticket = number // 2 if twice else 10_000 + number
    at = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=7 * number)
    return truths.record(replace(site, sentences=sentences(site, ticket)), ticket) | {"timestamp": at.isoformat()}


@dataclass(frozen=True)
class Run:
    """What was predicted of every task, and what running the plan came to, by the audit of the router's own log."""

    plans: Mapping[str, TaskPlan]
    logged: Mapping[str, float]  # dollars a call before
    actual: Mapping[str, float]  # dollars a call
    hits: int
    charged: float
    audited: float

    def predicted_well(self, task: str) -> bool:
        """Whether a call costs what the plan says, within its interval, give or take the last bits of a float."""
        said = self.plans[task].predicted
        assert said is not None
        return said.low * (1 - 1e-9) <= self.actual[task] <= said.high * (1 + 1e-9)

    def width(self, task: str) -> float:
        """Of the interval, over the prediction."""
        said = self.plans[task].predicted
        assert said is not None
        return (said.high - said.low) / said.usd_per_call


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("prediction")
    records = [record(site, number) for site in SITES for number in range(CALLS)]
    truths.write(folder, records)
    with Loopback(Uneven(SITES)) as server:
        sample = ("--sample", str(SAMPLE))
        replayed = truths.finished(folder, server, truths.command(server, "map,cascade,cache,compress", *sample))
        assert shop.run_here("export", "--to", "plan", "-o", "plan.json", cwd=folder).returncode == 0
        before = len(server.requests)
        hits = asked_again(folder, server, records)
        paid = truths.paid(server.requests[before:])
    audited = llmcost.audit([str(folder / "router.jsonl")], config=folder / "llmcost.toml", workspace=folder / "own")
    count = Counter(each["metadata"]["task"] for each in records)
    return Run(
        plans=plans(folder),
        logged={task["task"]: task["cost_usd"] / task["calls"] for task in replayed.report["tasks"]},
        actual={row.task: (row.cost_usd or 0.0) / count[row.task] for row in audited.result.by_task},
        hits=hits,
        charged=paid,
        audited=audited.result.totals.cost_usd or 0.0,
    )


def plans(folder: Path) -> dict[str, TaskPlan]:
    found = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    return {task.task: task for task in found.tasks}


def asked_again(folder: Path, server: Loopback, records: Sequence[Mapping[str, Any]]) -> int:
    """Every call of the log in order of time, as a service makes it under the plan; how many the cache answered."""
    tiers = {name: plan.tiers for name, plan in plans(folder).items()}
    with Router.load(folder / "plan.json", base_url=server.base_url) as router:
        router.log_to(folder / "router.jsonl")
        for each in sorted(records, key=lambda each: str(each["timestamp"])):
            task, request = each["metadata"]["task"], dict(each["request"])
            messages, own = request.pop("messages"), request.pop("model")
            router.chat(task, messages, **request, **({} if tiers.get(task) else {"model": own}))
        return router.stats.hits_exact


def test_every_task_got_the_plan_that_it_is_here_for(run: Run) -> None:
    assert [(tier.model, tier.keep_from is None) for tier in run.plans["climbs"].tiers] == [
        ("tiny", False),
        ("gpt-4o", True),
    ]
    for task in ("moves", "moves-and-repeats"):
        assert [tier.model for tier in run.plans[task].tiers] == ["tiny"]
    assert run.plans["repeats"].tiers == []
    assert run.plans["shortens"].compression is not None
    assert {task for task, plan in run.plans.items() if plan.caching} == {"moves-and-repeats", "repeats"}
    assert run.hits == 2 * CALLS // 3


def test_the_audit_of_the_routers_log_is_what_the_endpoint_charged(run: Run) -> None:
    assert run.audited == pytest.approx(run.charged, rel=1e-9)


@pytest.mark.parametrize("task", [site.task for site in SITES])
def test_a_call_costs_what_was_predicted_within_the_interval(run: Run, task: str) -> None:
    assert run.predicted_well(task), (run.plans[task].predicted, run.actual[task])
    assert run.actual[task] < run.logged[task]


def test_the_intervals_say_something(run: Run) -> None:
    """No interval is so wide that the log's own cost is in it, and one has no width where nothing was estimated."""
    for task, plan in run.plans.items():
        assert plan.predicted is not None
        assert plan.predicted.high < run.logged[task], task
    assert run.width("repeats") == 0
    assert 0 < run.width("moves") < 0.1
    assert 0 < run.width("shortens") < 0.1
    assert run.width("moves") < run.width("climbs") < 0.5
