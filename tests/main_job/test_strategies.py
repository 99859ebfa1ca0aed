"""What a replay tries besides other models: each strategy passes where it is known to be safe, and fails where not."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import shop, truths
from support.loopback import Loopback
from support.truths import Console, Replayed, Site, World

from llmcost.serving.plan import TaskPlan

WRONG = {"tiny": 0.5}  # nothing that anybody would want
AT_8 = ("--margin", "8%")


def plan_of(task: dict[str, Any]) -> TaskPlan:
    """The plan of a task, read as whoever executes it does."""
    return msgspec.convert(task["choice"]["plan"], TaskPlan)


# Cascades


@pytest.fixture(scope="module")
def cascaded(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    sites = [
        Site("knows", 300),
        Site("spoiled", 300, spoiled=True),
        Site("obeys", 150, spoiled=True, rater="obeys"),
        Site("guesses", 120, rater="guesses"),
        Site("flatters", 120, rater="flatters"),
        Site("babbles", 80, rater="babbles"),
        Site("cheap", 240, model="gpt-4o-mini", sentences=2),
        Site("two", 60, other="gpt-4o-mini"),
    ]
    return truths.replayed(tmp_path_factory.mktemp("cascades"), sites, "map,cascade")


@pytest.mark.parametrize("name", ["knows", "spoiled"])
def test_a_grader_that_knows_makes_a_cascade_even_where_answers_talk_to_it(cascaded: Replayed, name: str) -> None:
    task = cascaded.task(name)
    assert task["candidates"][0]["verdict"] in ("KEEP", "INCONCLUSIVE")
    [cascade] = task["cascades"]
    assert cascade["verdict"] == "SWITCH"
    [tier] = cascade["tiers"]
    assert tier["auc"] == pytest.approx(0.95, abs=0.04)
    assert 0 < tier["kept"] == pytest.approx(1 - cascade["escalated"])
    assert cascade["cost_ratio_interval"][1] < 1
    plan = plan_of(task)
    assert [(each.model, each.keep_from) for each in plan.tiers] == [("tiny", tier["keep_from"]), ("gpt-4o", None)]
    assert plan.grader == "rater"


def test_what_a_cascade_costs_is_what_the_endpoint_would_charge(cascaded: Replayed) -> None:
    """Every answer of the first tier, every score, and the logged answers of what escalates."""
    task = cascaded.task("knows")
    [cascade] = task["cascades"]
    own = [request for request in cascaded.requests if "desk knows." in json.dumps(request.body)]
    assert Counter(truths.kind(request.body) for request in own) == {"answer": 300, "rating": 300}
    logged = cascade["escalated"] * task["cost_usd"]
    assert cascade["cost_ratio"] == pytest.approx((truths.paid(own) + logged) / task["cost_usd"], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("guesses", "AUC of 0.5"),
        ("flatters", "at least 0.70 is needed"),
        ("obeys", "AUC of 0.0"),
        ("babbles", "no answer of tiny got a score that can be read from rater"),
    ],
)
def test_a_grader_that_tells_nothing_makes_none(cascaded: Replayed, name: str, why: str) -> None:
    task = cascaded.task(name)
    [cascade] = task["cascades"]
    assert cascade["verdict"] == "INCONCLUSIVE"
    assert why in cascade["reason"]
    assert task["choice"]["model"] == "gpt-4o" and task["choice"]["plan"] is None


def test_one_that_costs_more_than_the_model_is_not_chosen(cascaded: Replayed) -> None:
    task = cascaded.task("cheap")
    [cascade] = task["cascades"]
    assert cascade["verdict"] == "SWITCH" and cascade["cost_ratio_interval"][0] > 1
    assert task["choice"]["way"] is None and task["choice"]["plan"] is None


def test_where_two_models_answer_today_neither_is_the_last_tier(cascaded: Replayed) -> None:
    """What escalates was compared with the answers of both: a plan that asks one of them was not."""
    [cascade] = cascaded.task("two")["cascades"]
    assert cascade["verdict"] == "INCONCLUSIVE"
    assert "gpt-4o, gpt-4o-mini answer this task today" in cascade["reason"]
    assert not any(
        truths.kind(request.body) == "rating" and "desk two." in json.dumps(request.body)
        for request in cascaded.requests
    )


@pytest.mark.parametrize(
    ("grader", "why"), [("tiny", "tiny would score its own answers"), ("judge", "judge judges this replay")]
)
def test_nobody_grades_itself(tmp_path: Path, grader: str, why: str) -> None:
    sites = [Site("vain", 60)]
    found = truths.replayed(
        tmp_path, sites, "map,cascade", "--grader", "judge", configured=f'[cascade]\ngrader = "{grader}"\n'
    )
    [cascade] = found.task("vain")["cascades"]
    assert cascade["verdict"] == "INCONCLUSIVE" and why in cascade["reason"]
    assert not any(truths.kind(request.body) == "rating" for request in found.requests)


@pytest.fixture(scope="module")
def three_tiers(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    sites = [
        Site("stairs", 400, wrong={"tiny": 0.2, "middle": 0.1}),
        Site("relay", 200, wrong={"tiny": 0.12}),
    ]
    folder = tmp_path_factory.mktemp("tiers")
    return truths.replayed(folder, sites, "map,cascade", *AT_8, models="tiny,middle")


def test_two_cheaper_models_may_stand_before_the_last(three_tiers: Replayed) -> None:
    task = three_tiers.task("stairs")
    assert {candidate["verdict"] for candidate in task["candidates"]} <= {"KEEP", "INCONCLUSIVE"}
    ways = {tuple(cascade["models"]): cascade for cascade in task["cascades"]}
    assert set(ways) == {("tiny",), ("middle",), ("tiny", "middle")}
    both = ways["tiny", "middle"]
    assert both["verdict"] == "SWITCH"
    kept = [tier["kept"] for tier in both["tiers"]]
    assert all(share > 0 for share in kept)
    assert math.fsum(kept) + both["escalated"] == pytest.approx(1)
    assert both["cost_ratio"] < ways["middle",]["cost_ratio"]
    assert [tier.model for tier in plan_of(task).tiers] == ["tiny", "middle", "gpt-4o"]


def test_what_escalates_goes_to_a_model_that_has_passed(three_tiers: Replayed) -> None:
    task = three_tiers.task("relay")
    verdicts = {candidate["model"]: candidate["verdict"] for candidate in task["candidates"]}
    assert verdicts["middle"] == "SWITCH" and verdicts["tiny"] != "SWITCH"
    [cascade] = task["cascades"]
    assert (cascade["models"], cascade["last"], cascade["verdict"]) == (["tiny"], "middle", "SWITCH")
    assert [tier.model for tier in plan_of(task).tiers] == ["tiny", "middle"]


# Earlier answers of nearly the same prompts


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    folder, console = tmp_path_factory.mktemp("near"), Console()
    pairs = {"paraphrases": 120, "reworded": 180, "polite": 160, "opposites": 160, "mixed": 240}
    apart = dict.fromkeys(("tenants", "tools", "elsewhere"), 25)
    truths.write(folder, console.records(pairs | apart, judged={"reworded"}))
    with Loopback(console) as server:
        arguments = truths.command(server, "map,cache", "--sample", "180", "--grader", "judge")
        return truths.finished(folder, server, arguments)


@pytest.mark.parametrize("name", ["paraphrases", "reworded"])
def test_answers_to_the_same_question_in_other_words_may_be_reused(remembered: Replayed, name: str) -> None:
    task, walk = remembered.task(name), remembered.walk(name, "near_duplicates")
    assert [rung["setting"] for rung in walk["rungs"]] == [0.95, 0.9, 0.85, 0.8]
    assert remembered.verdicts(name, "near_duplicates") == ["SWITCH"] * 4
    assert walk["chosen"] == 0.8 and walk["hits"] == task["calls"] / 2
    plan = plan_of(task)
    assert plan.caching is not None and plan.caching.near == 0.8
    assert plan.tiers == []


def test_the_walk_begins_where_there_are_pairs_enough(remembered: Replayed) -> None:
    """A handful of hits of the strictest cache proves nothing, and is no reason not to look at the others."""
    walk = remembered.walk("polite", "near_duplicates")
    assert walk["rungs"][0]["setting"] < 0.95
    assert walk["chosen"] == 0.8


def test_answers_to_the_opposite_question_may_not(remembered: Replayed) -> None:
    task, walk = remembered.task("opposites"), remembered.walk("opposites", "near_duplicates")
    assert walk["hits"] > 50
    assert remembered.verdicts("opposites", "near_duplicates") == ["KEEP"]
    assert walk["chosen"] is None and task["choice"]["plan"] is None


def test_of_both_those_that_are_more_alike_than_opposites_are(remembered: Replayed) -> None:
    walk = remembered.walk("mixed", "near_duplicates")
    *passed, failed = walk["rungs"]
    assert passed and all(rung["trial"]["verdict"] == "SWITCH" for rung in passed)
    assert failed["trial"]["verdict"] in ("KEEP", "INCONCLUSIVE") and failed["trial"]["difference"] < -0.1
    assert walk["chosen"] == passed[-1]["setting"] > failed["setting"]


@pytest.mark.parametrize("name", ["tenants", "tools", "elsewhere"])
def test_no_answer_crosses_from_one_user_toolbox_or_system_prompt_to_another(remembered: Replayed, name: str) -> None:
    task = remembered.task(name)
    assert task["walks"] == []
    assert task["not_tried"] == [
        {"strategy": "near_duplicates", "reason": "no request is nearly the same as an earlier one"}
    ]


def test_a_false_hit_is_found_without_asking_a_model(remembered: Replayed) -> None:
    asked = [request for request in remembered.requests if request.model == "gpt-4o"]
    assert asked == []


# Shorter prompts


@pytest.fixture(scope="module")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    sites = [
        Site("keeps", 240, wrong=WRONG, judged=True),
        Site("drops", 240, wrong=WRONG, judged=True, compressor="drops"),
        Site("answers", 100, wrong=WRONG, compressor="answers"),
        Site("dear", 100, wrong=WRONG, model="gpt-4o-mini"),
        Site("two", 120, wrong=WRONG, long="system", other="gpt-4o-mini"),
    ]
    return truths.replayed(tmp_path_factory.mktemp("short"), sites, "map,compress", "--grader", "judge")


def test_a_compressor_that_keeps_what_matters_passes(shortened: Replayed) -> None:
    task = shortened.task("keeps")
    assert shortened.verdicts("keeps", "compression") == ["SWITCH"]
    assert shortened.walk("keeps", "compression")["chosen"] == 0.6
    assert task["choice"]["way"] == "long texts shortened to 60 %"
    assert 0 < task["choice"]["savings"] < 0.4, "the compressor is paid for"
    plan = plan_of(task)
    assert plan.compression is not None and (plan.compression.by, plan.compression.ratio) == ("short", 0.6)


def test_one_that_drops_a_requirement_is_seen_by_the_judge(shortened: Replayed) -> None:
    task = shortened.task("drops")
    assert shortened.verdicts("drops", "compression") == ["KEEP"]
    [rung] = shortened.walk("drops", "compression")["rungs"]
    assert rung["trial"]["difference"] == -1.0 and "judge" in rung["trial"]["basis"]
    assert task["choice"]["way"] is None and task["choice"]["plan"] is None


@pytest.mark.parametrize("name", ["answers", "dear"])
def test_one_that_does_not_save_is_not_chosen(shortened: Replayed, name: str) -> None:
    """One answers instead, so that the original is sent; the other takes more than the shorter prompt saves."""
    task = shortened.task(name)
    [rung] = shortened.walk(name, "compression")["rungs"]
    assert rung["trial"]["difference"] == 0.0
    assert rung["trial"]["cost_ratio"] > 1
    assert "costs more than what is used now" in rung["trial"]["ended"]
    assert task["choice"]["way"] is None and task["choice"]["plan"] is None


def test_each_request_stays_with_its_own_model_where_there_are_two(shortened: Replayed) -> None:
    task = shortened.task("two")
    assert task["choice"]["way"] == "long texts shortened to 60 %"
    plan = plan_of(task)
    assert plan.compression is not None and plan.tiers == []


# Several in one question


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    sites = [
        Site(name, 240, wrong=WRONG, long="system", bursts=True, batcher=name)
        for name in ("honest", "shifts", "tires", "omits")
    ]
    return truths.replayed(
        tmp_path_factory.mktemp("batches"), [*sites, Site("awaited", 40, wrong=WRONG, long="system")], "map,batch"
    )


def test_an_honest_batch_of_nightly_calls_passes(together: Replayed) -> None:
    assert together.verdicts("honest", "batching") == ["SWITCH", "SWITCH"]
    assert together.walk("honest", "batching")["chosen"] == 16
    task = together.task("honest")
    assert task["choice"]["way"] == "16 in one question where they can wait"
    plan = plan_of(task)
    assert plan.batching is not None and plan.batching.items == 16


def test_answers_under_another_items_id_are_found(together: Replayed) -> None:
    [verdict] = together.verdicts("shifts", "batching")
    assert verdict in ("KEEP", "INCONCLUSIVE")
    assert together.task("shifts")["choice"]["way"] is None


def test_the_walk_stops_where_more_items_do_harm(together: Replayed) -> None:
    assert together.verdicts("tires", "batching") == ["SWITCH", "KEEP"]
    assert together.walk("tires", "batching")["chosen"] == 4
    plan = plan_of(together.task("tires"))
    assert plan.batching is not None and plan.batching.items == 4


def test_items_that_were_left_out_are_asked_alone_and_paid_for(together: Replayed) -> None:
    assert together.verdicts("omits", "batching") == ["SWITCH", "SWITCH"]
    honest, omits = (
        [rung["trial"]["cost_ratio"] for rung in together.walk(name, "batching")["rungs"]]
        for name in ("honest", "omits")
    )
    # one of four, and one of sixteen, costs the whole request once more
    assert omits[0] - honest[0] == pytest.approx(1 / 4, abs=0.05)
    assert omits[1] - honest[1] == pytest.approx(1 / 16, abs=0.02)


def test_calls_that_somebody_waits_for_are_not_batched(together: Replayed) -> None:
    task = together.task("awaited")
    assert task["walks"] == []
    assert task["not_tried"] == [{"strategy": "batching", "reason": "somebody seems to wait for every answer"}]


# The plan

EVERYTHING = "map,cascade,cache,compress,batch"
PLANNED = [
    Site("climbs", 240),
    Site("shrinks", 200, long="system", rater="wavers"),
    Site("nights", 200, long="system", bursts=True, wrong=WRONG),
]


@dataclass(frozen=True)
class Twice:
    """A replay of everything, and the same command again: what it printed, and how much it asked."""

    first: Replayed
    again: str
    printed: str
    asked: int
    asked_again: int


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    folder = tmp_path_factory.mktemp("plan")
    truths.write(folder, truths.records(PLANNED))
    with Loopback(World(PLANNED)) as server:
        arguments = truths.command(server, EVERYTHING, *AT_8)
        first = shop.run_here(*arguments, cwd=folder)
        assert first.returncode == 0, first.stderr
        asked = server.count()
        again = shop.run_here(*arguments, cwd=folder)
        found = Replayed(json.loads(first.stdout), server.requests)
        return Twice(found, again.stdout, first.stdout, asked, server.count() - asked)


def ways(task: dict[str, Any]) -> dict[str, float]:
    """By strategy the cost ratio of what has passed and saves."""
    found = {
        walk["strategy"]: rung["trial"]["cost_ratio"]
        for walk in task["walks"]
        for rung in walk["rungs"]
        if rung["trial"]["verdict"] == "SWITCH" and rung["trial"]["cost_ratio_interval"][1] < 1
    }
    [cascade] = task["cascades"]
    if cascade["verdict"] == "SWITCH" and cascade["cost_ratio_interval"][1] < 1:
        found["cascade"] = cascade["cost_ratio"]
    return found


@pytest.mark.parametrize(("name", "cheapest"), [("climbs", "cascade"), ("shrinks", "compression")])
def test_of_two_strategies_that_pass_the_one_with_the_lower_bill_is_chosen(
    twice: Twice, name: str, cheapest: str
) -> None:
    task = twice.first.task(name)
    found = ways(task)
    assert {"cascade", "compression"} <= found.keys()
    assert min(found, key=found.__getitem__) == cheapest
    plan = plan_of(task)
    assert (plan.compression is not None, len(plan.tiers) == 2) == (cheapest == "compression", cheapest == "cascade")
    assert task["choice"]["savings"] == pytest.approx(1 - found[cheapest])


def test_the_steps_of_the_bill_and_their_shares_add_up(twice: Twice) -> None:
    bill = twice.first.report["bill"]
    steps = bill["steps"]
    assert {"compression", "cascade", "batching"} <= {step["strategy"] for step in steps}
    after = (bill["stacked"] or bill["after"])["logged_usd"]
    whole = bill["before"]["logged_usd"] - after
    assert math.fsum(step["before_usd"] - step["after_usd"] for step in steps) == pytest.approx(whole, abs=1e-9)
    assert math.fsum(share["shapley_usd"] for share in bill["shares"]) == pytest.approx(whole, abs=1e-9)
    for step, following in pairwise(steps):
        assert step["after_usd"] == following["before_usd"]


def test_the_bill_promises_no_more_than_its_parts_have_shown(twice: Twice) -> None:
    report = twice.first.report
    tasks = [task for task in report["tasks"] if task["choice"]["way"]]
    assert len(tasks) == len(PLANNED)
    every = sum(task["calls"] for task in report["tasks"])
    worst = math.fsum(task["calls"] * task["margin"] for task in tasks) / every
    assert -worst <= report["bill"]["quality"]["lower_bound"] < 0


def test_a_plan_names_what_it_costs(twice: Twice) -> None:
    for task in twice.first.report["tasks"]:
        plan = plan_of(task)
        assert plan.task == task["task"] and plan.predicted is not None
        assert plan.predicted.low <= plan.predicted.usd_per_call <= plan.predicted.high
        assert plan.predicted.high < task["cost_usd"] / task["calls"]


def test_the_same_command_again_asks_nothing_and_says_the_same(twice: Twice) -> None:
    assert twice.asked_again == 0
    assert twice.again == twice.printed


# What is tried at all

SMALL = [Site("small", 60)]


def test_a_model_map_alone_asks_no_strategy_questions(tmp_path: Path) -> None:
    found = truths.replayed(tmp_path, SMALL, "map")
    assert {truths.kind(request.body) for request in found.requests} == {"answer"}
    assert {request.model for request in found.requests} == {"tiny"}
    task = found.task("small")
    assert (task["walks"], task["cascades"], task["not_tried"]) == ([], [], [])


def test_auto_leaves_out_what_could_not_pay_and_says_why(tmp_path: Path) -> None:
    found = truths.replayed(tmp_path, SMALL, "auto")
    reasons = {each["strategy"]: each["reason"] for each in found.task("small")["not_tried"]}
    assert reasons.keys() == {"compression", "batching", "near_duplicates"}
    assert re.fullmatch(
        r"finding out would cost \$[\d.]+, and it could save \$[\d.]+ a month at best", reasons["compression"]
    )
    assert reasons["batching"] == "somebody seems to wait for every answer"
    assert reasons["near_duplicates"] == "no request is nearly the same as an earlier one"
    assert not {truths.kind(request.body) for request in found.requests} & {"compressor", "batch"}


def test_a_strategy_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    truths.write(tmp_path, truths.records(SMALL))
    with Loopback(World(SMALL)) as server:
        outcome = shop.run_here(*truths.command(server, "map,cascades"), cwd=tmp_path)
        assert server.count() == 0
    assert outcome.returncode == 2
    assert "cascades" in outcome.stderr
    assert "choose from map, cascade, cache, compress, batch, or write auto" in " ".join(outcome.stderr.split())


def test_a_small_budget_stops_the_strategies_too_and_more_resumes_them(tmp_path: Path) -> None:
    sites = [Site("climbs", 60), Site("nights", 120, long="system", bursts=True)]
    truths.write(tmp_path, truths.records(sites))
    with Loopback(World(sites)) as server:
        stopped = shop.run_here(*truths.command(server, EVERYTHING, "--budget", "0.05"), cwd=tmp_path)
        assert stopped.returncode == 4, stopped.stderr
        assert stopped.stdout == "" and "--budget" in stopped.stderr
        assert 0 < truths.paid(server.requests) <= 0.05
        assert any(truths.kind(request.body) != "answer" for request in server.requests), "it stopped among strategies"
        found = truths.finished(tmp_path, server, truths.command(server, EVERYTHING, "--budget", "9"))
    bodies = Counter(json.dumps(request.body, sort_keys=True) for request in found.requests)
    assert set(bodies.values()) == {1}, "nothing was asked twice"
    spend = found.report["spend"]
    parts = spend["replay_usd"] + spend["grading_usd"] + spend["controls_usd"]
    assert parts == pytest.approx(truths.paid(found.requests), abs=1e-9)
