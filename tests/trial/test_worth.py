"""What is worth trying: a strategy that could not pay for its evidence is left out, with the two sums that say so."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support import truths
from support.truths import Site

from llmcost.api.experiment import Experiment
from llmcost.trial.near import NearWalks
from llmcost.trial.worth import Facts, Worth, worth_trying

EVERY = ("cascade", "cache", "compress", "batch")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Long prompts in a turn, long ones in a system prompt that can wait, and short ones of a cheap model."""
    sites = [
        Site("turn", 30),
        Site("system", 120, long="system", bursts=True),
        Site("cheap", 30, model="gpt-4o-mini", sentences=1, judged=True),
    ]
    return truths.planned(tmp_path_factory.mktemp("worth"), truths.records(sites), ("map", *EVERY))


def worth(experiment: Experiment, month: float, *, must_pay: bool = True, **facts: object) -> Worth:
    """What is tried if the log's dollars are so much of a month's; other facts as in a log that would pay."""
    known = Facts(
        month=month,
        cost={"turn": 0.04, "system": 0.15, "cheap": 0.002},
        can_wait={"system": 0.15},
        near=experiment.tries.near,
        cheapest={"turn": 0.04, "system": 0.04, "cheap": 0.7},
    )
    design, tariff = experiment.design, experiment.tariff
    return worth_trying(design, tariff, ["judge"], replace(known, **facts), EVERY, must_pay=must_pay)  # type: ignore[arg-type]


def test_more_traffic_is_never_a_reason_to_try_less(experiment: Experiment) -> None:
    months = [worth(experiment, 4.0**power) for power in range(-4, 6)]
    for task in experiment.design.tasks():
        tried = [each.tried.get(task, frozenset()) for each in (*months, worth(experiment, 1.0, must_pay=False))]
        assert all(few <= many for few, many in pairwise(tried))
        assert not tried[0] and tried[-1], "there is something to decide"
        for each in months:
            chosen, left_out = each.tried.get(task, frozenset()), each.left_out.get(task, {}).keys()
            assert chosen | left_out == set(EVERY) and not chosen & left_out


def test_what_cannot_be_done_is_left_out_even_if_it_need_not_pay(experiment: Experiment) -> None:
    found = worth(experiment, 1.0, must_pay=False)
    assert found.tried == {
        "turn": {"cascade", "compress"},
        "system": {"cascade", "compress", "batch"},
        "cheap": {"cascade"},
    }
    assert found.left_out["cheap"] == {
        "cache": "no request is nearly the same as an earlier one",
        "compress": "no text that may be shortened has 300 tokens",
        "batch": "somebody seems to wait for every answer",
    }


def test_what_could_pay_in_a_month_of_such_traffic_is_tried(experiment: Experiment) -> None:
    assert worth(experiment, 1e4).left_out == worth(experiment, 1.0, must_pay=False).left_out
    none = worth(experiment, 1e-6)
    assert none.tried == {}
    assert none.left_out["turn"]["compress"].endswith("it could save $0.00 a month at best")


@pytest.mark.parametrize(
    ("facts", "task", "strategy", "why"),
    [
        ({"cheapest": {}}, "turn", "cascade", "no candidate is cheaper than today's model"),
        ({"cheapest": {"turn": 1.0}}, "turn", "cascade", "no candidate is cheaper than today's model"),
        ({"can_wait": {}}, "system", "batch", "somebody seems to wait for every answer"),
        ({"can_wait": {"turn": 0.04}}, "turn", "batch", "no two requests share a template that is worth sending once"),
        ({"near": NearWalks()}, "turn", "cache", "no request is nearly the same as an earlier one"),
    ],
)
def test_why_there_is_nothing_to_save(
    experiment: Experiment, facts: dict[str, object], task: str, strategy: str, why: str
) -> None:
    assert worth(experiment, 1e4, must_pay=False, **facts).left_out[task][strategy] == why


def test_a_task_of_which_nothing_was_sampled_has_nothing_to_try(experiment: Experiment, tmp_path: Path) -> None:
    sample = replace(experiment.design.sample, tasks=["turn"] * len(experiment.design.sample.tasks))
    bare = replace(experiment.design, sample=sample)
    found = worth(replace(experiment, tries=replace(experiment.tries, design=bare)), 1e4)
    assert found.tried.keys() == {"turn"} and found.left_out.keys() == {"turn"}
