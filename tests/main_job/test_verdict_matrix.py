"""What whole replays come to, by judge and candidate: a fast part of `benchmarks/verdict_matrix.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import parcels
from support.loopback import Loopback

from llmcost.grading.damage import Kind, plant
from llmcost.recommend.result import TaskReport

SEEDS = (0, 1)
CANDIDATES = ("5-worse", "better")
BELIEVED = ("fair", "position", "verbosity", "unreachable", "self-preferring+fair")
WORTHLESS = ("random", "obedient")


@pytest.fixture(scope="module", params=SEEDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[parcels.World]:
    with Loopback(parcels.answer) as server:
        yield parcels.World(request.param, tmp_path_factory.mktemp("world"), server.base_url)


def outcomes(task: TaskReport) -> dict[str, str]:
    return {item.model: parcels.outcome(item) for item in task.candidates}


@pytest.mark.parametrize("judge", BELIEVED)
def test_a_candidate_at_the_margin_is_kept_out_and_a_better_one_passes(world: parcels.World, judge: str) -> None:
    found = outcomes(world.replay(judge, CANDIDATES))
    assert found["5-worse"] in ("KEEP", "INCONCLUSIVE")
    assert found["better"] in ("SWITCH", "INCONCLUSIVE")
    if judge == "fair":
        assert found["better"] == "SWITCH"


@pytest.mark.parametrize("judge", WORTHLESS)
def test_a_judge_that_guesses_or_obeys_decides_nothing(world: parcels.World, judge: str) -> None:
    task = world.replay(judge)
    assert set(outcomes(task).values()) == {"CANNOT_JUDGE"}
    assert task.choice.model == parcels.INCUMBENT
    assert not any(item.n for item in task.candidates)  # and nothing was spent on it


def test_answers_that_are_none_never_pass(world: parcels.World) -> None:
    found = outcomes(world.replay("fair", ["empty", "cut-off", "constant"]))
    assert set(found.values()) == {"KEEP"}


def test_two_points_are_too_much_where_two_are_the_margin(world: parcels.World) -> None:
    assert outcomes(world.replay("fair", ["2-worse"], margin=0.02))["2-worse"] != "SWITCH"


@pytest.mark.parametrize("kind", ["gross", "subtle"])
def test_the_facts_of_a_world_show_every_damage(kind: Kind) -> None:
    """What the simulated judges go by: a planted error is one fact less at least, unless the answer was wrong there."""
    planted = plant([parcels.logged(3, case) for case in range(90)], kind, seed=3)
    assert len(planted) == 60
    assert sum(parcels.facts_lost(item.pair) > 0 for item in planted) >= 57
