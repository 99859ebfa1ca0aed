"""The fast part of the benchmark of the same name: how often the procedure is wrong, and that each guard is needed.

Rows without a Monte-Carlo error are held to the demand itself; the others, simulated in fewer worlds, to three standard
errors beyond it. What is measured with a guard switched off must miss even that.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, sqrt

import pytest


def assert_met(rows: Iterable, worlds: float = inf) -> None:
    error = 3 * sqrt(0.05 * 0.95 / worlds)
    rows = list(rows)
    assert rows
    for row in rows:
        low, high = row.at_least - error, row.at_most + error
        assert low <= row.measured <= high, row.text()
        assert row.without is None or not low <= row.without <= high, row.text()


def guards(rows: Iterable) -> set[str]:
    return {row.guard for row in rows if row.without is not None}


def test_at_the_margin_it_is_wrong_as_often_as_promised(benchmark_command):
    assert_met(benchmark_command.fixed.level_rows((150,)))


def test_far_worse_never_passes(benchmark_command):
    assert_met(benchmark_command.fixed.far_worse_rows((400,)))
    assert_met(benchmark_command.sequential.worse_rows((400,)))


def test_an_equal_candidate_passes(benchmark_command):
    assert_met(benchmark_command.fixed.power_rows())
    assert_met(benchmark_command.sequential.power_rows())


def test_ties_are_not_enough_until_they_are(benchmark_command):
    assert_met(benchmark_command.fixed.ties_rows())


def test_intervals_cover(benchmark_command):
    assert_met(benchmark_command.fixed.coverage_rows((150, 400)))


def test_graded_differences_keep_the_level(benchmark_command):
    assert_met(benchmark_command.fixed.graded_rows(200, (150,)), 200)


def test_looking_five_times_is_paid_for(benchmark_command):
    assert_met(benchmark_command.sequential.boundary_rows())
    assert_met(benchmark_command.sequential.level_rows((400,)))


def test_no_plan_at_the_margin_is_wrong_more_often(benchmark_command):
    assert_met([benchmark_command.sequential.plan_row(400)])


def test_a_bound_holds_after_stopping(benchmark_command):
    assert_met(benchmark_command.sequential.bound_rows((400,)))


def test_a_size_planned_from_a_pilot_keeps_the_level(benchmark_command):
    assert_met(benchmark_command.sequential.planned_rows(100), 100)


def test_the_rules_in_use_are_wrong_where_ours_is_not(benchmark_command):
    assert_met(benchmark_command.naive.rows(0))


def test_a_bad_candidate_is_asked_little(benchmark_command):
    assert_met(benchmark_command.economy.rows(0))


def test_a_noisy_judge_fools_it_only_without_deflation(benchmark_command):
    assert_met(benchmark_command.judges.deflation_rows((400, 2_000)))


def test_a_judge_is_believed_by_a_bound_and_by_half_without_people(benchmark_command):
    assert_met(benchmark_command.judges.calibration_rows())


def test_unfit_judges_and_unfaithful_replays_decide_nothing(benchmark_command):
    rows = [*benchmark_command.judges.control_rows(4), *benchmark_command.judges.again_rows(40)]
    assert_met((row for row in rows if row.without is not None), inf)
    assert guards(rows) == {"planted errors", "incumbent asked again"}


def test_one_partial_judge_of_two_decides_nothing(benchmark_command):
    assert_met([benchmark_command.judges.two_judges_row(150)], 150)


def test_a_liking_for_length_makes_no_switch(benchmark_command):
    assert_met(benchmark_command.judges.length_rows(150), 150)


def test_what_is_missing_is_a_loss_or_decides_nothing(benchmark_command):
    assert_met(benchmark_command.missing.rows(100), 100)


def test_clusters_are_fewer_witnesses(benchmark_command):
    assert_met(benchmark_command.clusters.rows(300, (2_000,)), 300)


def test_samples_by_cost_keep_the_level_wherever_the_losses_are(benchmark_command):
    rows = list(benchmark_command.survey.rows(300, (200,)))
    assert_met(rows, 300)
    assert guards(rows) == {"weights", "the effective n"}


def test_savings_intervals_cover_a_heavy_tail(benchmark_command):
    assert_met([benchmark_command.savings.row(400, 500, 2.0, 1.0)], 400)


@pytest.mark.parametrize("n", [200, 500])
def test_a_cascade_keeps_its_promise(benchmark_command, n):
    assert_met(benchmark_command.cascade.cell_rows(200, n, 0.75), 200)


def test_a_grader_that_sees_nothing_gets_no_cascade(benchmark_command):
    assert_met([benchmark_command.cascade.blind_row(20)])


def test_people_outrank_a_partial_judge(benchmark_command):
    assert_met(benchmark_command.people.label_rows(60), 60)
    assert_met(benchmark_command.people.reliability_rows(200), 200)


def test_a_promise_may_be_watched_at_any_time(benchmark_command):
    assert_met(benchmark_command.monitor.rows(200), 200)


def test_the_gate_is_not_fooled_by_chance_the_mix_or_conversations(benchmark_command):
    gate = benchmark_command.gate
    assert_met([next(gate.level_rows(60)), gate.mix_row(40), gate.cluster_row(60)], 60)


def test_the_gate_sees_a_rise_of_a_suite_and_tells_its_parts(benchmark_command):
    assert_met(benchmark_command.gate.power_rows(15), 15)
    assert_met(benchmark_command.gate.parts_rows(20))


def test_a_walk_is_wrong_no_more_often_than_its_first_rung(benchmark_command):
    walks = benchmark_command.walks
    assert_met(walks.sequence_rows((400,)))
    assert_met([walks.together_row(400), walks.second_rung_row(400)], 400)


def test_the_walk_of_a_replay_ends_at_the_rung_where_its_counts_say(benchmark_command):
    assert_met([benchmark_command.walks.product_walk.row(10)])


def test_all_that_is_tried_shares_alpha(benchmark_command):
    assert_met([benchmark_command.walks.task_row(300)], 300)


def test_what_is_tried_on_a_model_that_passed_shares_the_level_it_has_won(benchmark_command):
    assert_met([benchmark_command.walks.gate_row()])


def test_hits_of_one_entry_are_fewer_witnesses(benchmark_command):
    assert_met(benchmark_command.walks.near_rows(600), 600)


def test_a_cascade_of_several_judges_and_a_last_tier_keeps_its_promise(benchmark_command):
    climbs = benchmark_command.walks.climbs
    assert_met([*climbs.judges_rows(200), climbs.clusters_row(200), climbs.last_row(200)], 200)
    assert_met(climbs.early_rows(200), 200)
