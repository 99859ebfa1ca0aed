"""Pairs that a near-duplicate cache would have made of a log: each once, with the weight of all its hits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from support import truths

from llmcost import logs
from llmcost.api.experiment import Experiment
from llmcost.calls import Call
from llmcost.serving import Caching, ask_now
from llmcost.strategies import NearPolicy
from llmcost.strategies.near_duplicates import near_hits
from llmcost.trial.near import near_walks
from llmcost.trial.walks import Rung


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Pairs of questions, most of which are put again in other months: the first ones most often."""
    console, records = truths.Console(), list[dict[str, Any]]()
    for month in range(3):
        again = console.records({"paraphrases": 40 - 15 * month, "mixed": 60 - 25 * month})
        records += [each | {"timestamp": each["timestamp"].replace("2026-10-", f"2026-1{month}-")} for each in again]
    return truths.planned(tmp_path_factory.mktemp("near"), records, ("map", "cache"))


def rungs(experiment: Experiment) -> list[tuple[str, Rung]]:
    return [(task, rung) for task, found in experiment.tries.near.rungs.items() for rung in found]


def question(call: Call) -> str:
    assert call.request is not None
    return str(call.request["messages"][-1]["content"])


def hits(experiment: Experiment, task: str, rung: Rung) -> list[tuple[Call, Call]]:
    """Every hit of a cache of this likeness and the call whose answer it would have been given, hit by hit."""
    calls, rule = experiment.traffic.calls, rung.rule
    assert isinstance(rule, Caching) and rule.near is not None
    found, every = near_hits(calls, NearPolicy(rule.ttl_s, rule.near), experiment.stack.hits), logs.bodies(calls)
    own = [row for row in np.flatnonzero(found.hit) if calls.labels("task")[row] == task]
    return [(every[row], every[found.entry[row]]) for row in own]


def given(rung: Rung) -> list[str | None]:
    """The answers that the cache would have given, in the order of the sample."""
    assert rung.arm.way is not None
    served = ask_now(rung.arm.way(range(len(rung.arm.requests))), lambda requests: [])
    return [each.completion.answer.text if each.completion.answer else None for each in served]


def test_each_pair_is_graded_once_with_the_weight_of_all_its_hits(repeated: Experiment) -> None:
    assert len(rungs(repeated)) > 4
    for task, rung in rungs(repeated):
        every = hits(repeated, task, rung)
        reference = Counter((question(later), question(earlier)) for later, earlier in every)
        found = list(zip(map(question, rung.design.bodies), given(rung), rung.design.sample.weights, strict=True))
        answers = {(question(later), question(earlier)): earlier.answer for later, earlier in every}
        assert len(found) == len(reference) < len(every)
        assert sorted(found) == sorted(
            (pair[0], answer.text if (answer := answers[pair]) else None, count) for pair, count in reference.items()
        )
        assert rung.design.sample.calls_per_task == {task: len(every)}


def test_pairs_of_one_earlier_prompt_fail_together(tmp_path: Path) -> None:
    """An answer that is reused for two questions is one witness."""
    console = truths.Console()
    records = console.records({"paraphrases": 40})
    again = [each for each in records if question_of(each).endswith("?")][:10]
    shouted = [asked_anew(each, question_of(each).upper(), minutes=20) for each in again]
    found = truths.planned(tmp_path, records + shouted, ("map", "cache"))
    _, rung = rungs(found)[0]
    sizes = Counter(rung.design.clusters.tolist())
    assert Counter(sizes.values()) == {2: 10, 1: 30}


def question_of(record: dict[str, Any]) -> str:
    return str(record["request"]["messages"][-1]["content"])


def asked_anew(record: dict[str, Any], question: str, minutes: int) -> dict[str, Any]:
    """The same call, put in other words so many minutes after the full two hours."""
    *before, last = record["request"]["messages"]
    at = datetime.fromisoformat(record["timestamp"]).replace(minute=minutes)
    messages = [*before, {**last, "content": question}]
    return record | {"timestamp": at.isoformat(), "request": record["request"] | {"messages": messages}}


def test_a_sample_of_the_pairs_stands_for_all_of_them(repeated: Experiment) -> None:
    """Drawn without regard to their weights: each stands for its own hits, divided by the chance to be drawn."""
    traffic, stack = repeated.traffic, repeated.stack
    small = replace(repeated.design, replay=msgspec.structs.replace(repeated.design.replay, sample=10))
    rules = repeated.design.tried.likenesses
    drawn = near_walks(traffic.calls, traffic.costs, small, rules, stack.hits, repeated.design.tasks())
    for task, whole in repeated.tries.near.rungs.items():
        for rung, every in zip(drawn.rungs[task], whole, strict=True):
            pairs = len(every.design.bodies)
            weights = dict(zip(map(question, every.design.bodies), every.design.sample.weights, strict=True))
            assert len(rung.design.bodies) == min(10, pairs)
            for body, weight in zip(rung.design.bodies, rung.design.sample.weights, strict=True):
                assert weight == pytest.approx(weights[question(body)] * max(pairs / 10, 1))
        assert drawn.hits[task] == repeated.tries.near.hits[task], "the hits are those of the whole log"
