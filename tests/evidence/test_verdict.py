"""The decision: what it may never do, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llmcost.evidence import (
    MIN_RELIABILITY,
    HumanVerdicts,
    Outcomes,
    Rule,
    critical_value,
    decide,
    prompts_floor,
    prompts_needed,
    tango_statistic,
)
from llmcost.evidence.calibration import UNCALIBRATED

TWO_PERCENT = Rule(0.02)
NAN = float("nan")


def outcomes(wins=0, ties=0, losses=0, half_wins=0, half_losses=0, **counted):
    values = np.repeat([1.0, 0.0, -1.0, 0.5, -0.5], [wins, ties, losses, half_wins, half_losses])
    return Outcomes(values, np.ones(values.size), **counted)


rules = st.builds(
    Rule,
    margin=st.floats(0.005, 0.2),
    alpha=st.floats(0.001, 0.2),
    comparisons=st.integers(1, 40),
    reliability=st.floats(0, 1),
    limit=st.none() | st.floats(0.01, 0.5),
)
samples = st.integers(1, 400).flatmap(
    lambda n: st.builds(
        Outcomes,
        arrays(np.float64, n, elements=st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0])),
        arrays(np.float64, n, elements=st.floats(0.5, 4)),
    )
)


@given(samples, rules)
@settings(max_examples=60, deadline=None)
def test_no_switch_that_did_not_pass(sample, rule):
    verdict = decide(sample, rule)
    z, margin = critical_value(rule), rule.reliability * rule.margin
    if verdict.decision == "SWITCH":
        assert verdict.lower_bound > -margin - 1e-9
        assert verdict.certified_margin <= rule.margin + 1e-9
        assert verdict.n_effective >= prompts_floor(margin, z)
        assert rule.reliability >= MIN_RELIABILITY
    if verdict.decision == "SWITCH_AT":
        assert rule.margin - 1e-9 <= verdict.certified_margin <= rule.limit + 1e-9
    if verdict.decision == "KEEP":
        assert verdict.difference <= verdict.upper_bound < -margin
    if verdict.lower_bound is not None:
        assert -1 <= verdict.lower_bound <= verdict.difference <= verdict.upper_bound <= 1
        assert verdict.tipping_bias == pytest.approx(verdict.lower_bound + margin)
    assert verdict.wins + verdict.ties + verdict.losses == verdict.n
    assert verdict.reason


@given(st.integers(0, 80), st.integers(0, 2_000), st.integers(0, 80), rules)
@settings(max_examples=150, deadline=None)
def test_of_plain_counts_a_switch_is_tango_above_the_critical_value(wins, ties, losses, rule):
    n = wins + ties + losses
    if n == 0 or rule.reliability < MIN_RELIABILITY:
        assert decide(outcomes(wins, ties, losses), rule).decision == "CANNOT_JUDGE"
        return
    z, margin = critical_value(rule), rule.reliability * rule.margin
    passes = tango_statistic(wins, losses, n, margin) > z and n >= prompts_floor(margin, z)
    assert (decide(outcomes(wins, ties, losses), rule).decision == "SWITCH") == passes


@given(samples, rules, st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_pairs_and_the_unit_of_the_weights_do_not_matter(sample, rule, random):
    order = list(range(sample.differences.size))
    random.shuffle(order)
    other = Outcomes(sample.differences[order], 8 * sample.weights[order])
    one, two = decide(sample, rule), decide(other, rule)
    assert one.decision == two.decision
    assert one.lower_bound == pytest.approx(two.lower_bound, abs=1e-9)


def test_132_ties_are_inconclusive_and_133_are_a_switch():
    assert decide(outcomes(ties=132), TWO_PERCENT).decision == "INCONCLUSIVE"
    assert decide(outcomes(ties=132), TWO_PERCENT).more_prompts == 1
    assert decide(outcomes(ties=133), TWO_PERCENT).decision == "SWITCH"


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("comparisons", [1, 8, 20])
def test_below_the_floor_nothing_passes_not_even_a_better_model(margin, comparisons):
    rule = Rule(margin, comparisons=comparisons)
    floor = int(np.ceil(prompts_floor(margin, critical_value(rule))))
    assert decide(outcomes(wins=40, ties=floor - 41), rule).decision == "INCONCLUSIVE"
    assert decide(outcomes(wins=40, ties=floor - 41), rule).more_prompts == 1
    assert decide(outcomes(wins=40, ties=floor - 40), rule).decision == "SWITCH"


def test_nothing_graded_cannot_be_judged():
    verdict = decide(outcomes(), TWO_PERCENT)
    assert (verdict.decision, verdict.reason) == ("CANNOT_JUDGE", "nothing was graded")
    assert verdict.lower_bound is verdict.difference is verdict.certified_margin is None


@pytest.mark.parametrize("hole", [NAN, np.inf, -np.inf])
def test_a_pair_without_a_grade_is_never_passed_over(hole):
    sample = outcomes(ties=1_000)
    sample.differences[7] = hole
    verdict = decide(sample, TWO_PERCENT)
    assert (verdict.decision, verdict.reason) == ("CANNOT_JUDGE", "1 of 1,000 pairs have no grade")


@pytest.mark.parametrize("hole", [NAN, np.inf, 0.0, -1.0])
def test_a_prompt_without_a_weight_is_never_passed_over(hole):
    sample = outcomes(ties=1_000)
    sample.weights[7] = hole
    assert decide(sample, TWO_PERCENT).decision == "CANNOT_JUDGE"


@pytest.mark.parametrize("reliability", [0.29, 0.0, -1.0, NAN])
def test_a_grader_that_shows_too_little_cannot_judge(reliability):
    verdict = decide(outcomes(ties=100_000), replace(TWO_PERCENT, reliability=reliability))
    assert verdict.decision == "CANNOT_JUDGE"
    assert "the grader shows only" in verdict.reason


def test_an_uncalibrated_judge_needs_twice_the_room():
    rule = replace(TWO_PERCENT, reliability=UNCALIBRATED)
    assert decide(outcomes(ties=200), rule).decision == "INCONCLUSIVE"
    verdict = decide(outcomes(ties=300), rule)
    assert verdict.decision == "SWITCH"
    assert verdict.certified_margin == pytest.approx(2 * -verdict.lower_bound)


def test_a_gain_as_judged_is_not_multiplied():
    exact = decide(outcomes(wins=200, ties=800), TWO_PERCENT)
    judged = decide(outcomes(wins=200, ties=800), replace(TWO_PERCENT, reliability=0.5))
    assert exact.lower_bound == judged.lower_bound > 0
    assert 0 < exact.certified_margin < judged.certified_margin < 0.02


def test_dividing_alpha_makes_it_harder():
    sample = outcomes(ties=200)
    assert decide(sample, TWO_PERCENT).decision == "SWITCH"
    assert decide(sample, replace(TWO_PERCENT, comparisons=20)).decision == "INCONCLUSIVE"


def test_a_looser_limit_may_be_named_only_where_the_margin_failed():
    sample = outcomes(wins=20, ties=1_000, losses=30)
    assert decide(sample, TWO_PERCENT).decision == "INCONCLUSIVE"
    verdict = decide(sample, replace(TWO_PERCENT, limit=0.05))
    assert verdict.decision == "SWITCH_AT"
    assert 0.02 < verdict.certified_margin < 0.05
    assert decide(sample, replace(TWO_PERCENT, limit=0.01)).decision == "INCONCLUSIVE"


def test_what_is_worse_is_kept_out_even_within_a_looser_limit():
    sample = outcomes(ties=9_000, losses=400)
    assert decide(sample, replace(TWO_PERCENT, limit=0.2)).decision == "KEEP"


def test_half_losses_are_not_hidden_by_the_signs_nor_by_the_mean():
    many_half_wins = outcomes(half_wins=60, ties=900, losses=60)
    assert decide(many_half_wins, TWO_PERCENT).decision != "SWITCH"  # the signs say 0, the mean −2.9
    few_wins = outcomes(wins=30, ties=900, half_losses=70)
    assert decide(few_wins, TWO_PERCENT).decision != "SWITCH"  # the mean says −0.5, the signs −4


def test_a_heavy_prompt_counts_for_its_calls():
    values, weights = np.zeros(600), np.ones(600)
    values[:5], weights[:5] = -1.0, 10.0
    verdict = decide(Outcomes(values, weights), TWO_PERCENT)
    assert verdict.difference == pytest.approx(-50 / 645)
    assert verdict.decision != "SWITCH"
    assert verdict.n_effective < 300
    assert decide(Outcomes(values, np.ones(600)), TWO_PERCENT).decision == "SWITCH"


def test_more_prompts_follow_the_plan_sizes():
    z = critical_value(TWO_PERCENT)
    # 80 % power for an equal model, exact judge, level .05, by discordance
    for margin, sizes in {0.02: (773, 1_546, 4_637), 0.05: (133, 248, 742)}.items():
        for discordance, size in zip((0.05, 0.10, 0.30), sizes, strict=True):
            assert prompts_needed(0.0, discordance, margin, z) == pytest.approx(size, rel=0.1)


def test_more_prompts_cannot_help_beyond_the_margin():
    verdict = decide(outcomes(wins=10, ties=300, losses=22), TWO_PERCENT)
    assert (verdict.decision, verdict.more_prompts) == ("INCONCLUSIVE", None)
    assert "more prompts will not" in verdict.reason


@pytest.mark.parametrize(
    ("sample", "rule", "reason"),
    [
        (outcomes(ties=200), TWO_PERCENT, "at most 1.4 points worse (n 200; limit 2)"),
        (outcomes(ties=133), TWO_PERCENT, "at most 2.0 points worse (n 133; limit 2)"),
        (outcomes(20, 1_000, 30), Rule(0.02, limit=0.05), "at most 2.2 points worse (n 1,050; limit 2)"),
        (outcomes(5, 200, 60), TWO_PERCENT, "20.8 points worse, at least 16.3 (n 265; limit 2)"),
        (outcomes(20, 300, 22), TWO_PERCENT,
         "not decided: between −3.8 and +2.6 points (n 342); about 3,500 more prompts"),
        (outcomes(10, 300, 22), Rule(0.02, reliability=0.5),
         "not decided: between −13.2 and −0.8 points (n 332); more prompts will not bring it within the limit 2 "
         "while the estimate is beyond it"),
    ],
)  # fmt: skip
def test_the_reason_is_plain_and_rounded_to_the_cautious_side(sample, rule, reason):
    assert decide(sample, rule).reason == reason


def test_figures_are_carried_through():
    verdict = decide(outcomes(3, 500, 2, half_wins=1, failures=2, unparsed=1), TWO_PERCENT)
    assert (verdict.n, verdict.wins, verdict.ties, verdict.losses) == (506, 4, 500, 2)
    assert (verdict.failures, verdict.unparsed, verdict.grade) == (2, 1, "B")
    assert verdict.difference == pytest.approx(1.5 / 506)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(0.0), Rule(1.0), Rule(NAN), Rule(0.02, alpha=0.0), Rule(0.02, alpha=0.5), Rule(0.02, comparisons=0),
        Rule(0.02, reliability=1.1), Rule(0.02, limit=0.0), Rule(0.02, limit=NAN),
    ],
)  # fmt: skip
def test_an_impossible_rule_is_refused(rule):
    with pytest.raises(ValueError, match=r"must be|at most"):
        decide(outcomes(ties=1_000), rule)


def test_impossible_outcomes_are_refused():
    with pytest.raises(ValueError, match="parallel"):
        decide(Outcomes(np.zeros(5), np.ones(4)), TWO_PERCENT)
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        decide(Outcomes(np.array([2.0]), np.ones(1)), TWO_PERCENT)


# --- looks, clusters, lengths, people ------------------------------------------------------------------------------


def test_a_look_asks_for_its_own_critical_value():
    sample = outcomes(ties=150)
    assert decide(sample, TWO_PERCENT).decision == "SWITCH"
    early = decide(sample, replace(TWO_PERCENT, critical=3.75, last=1.72))
    assert early.decision == "INCONCLUSIVE"
    assert early.more_prompts is not None and early.more_prompts < 150  # planned for the last look, not for this one


def test_prompts_that_belong_together_are_fewer_witnesses():
    alone = outcomes(ties=400)
    together = replace(alone, clusters=np.repeat(np.arange(20), 20))
    assert decide(alone, TWO_PERCENT).decision == "SWITCH"
    verdict = decide(together, TWO_PERCENT)
    assert verdict.decision == "INCONCLUSIVE"
    assert verdict.n == 400 and verdict.n_effective < 100


def test_clusters_of_one_are_no_clusters():
    sample = outcomes(5, 300, 7)
    assert decide(replace(sample, clusters=np.arange(312)), TWO_PERCENT) == decide(sample, TWO_PERCENT)


def test_a_liking_for_longer_answers_does_not_make_a_switch():
    rng = np.random.default_rng(3)
    shifts = rng.uniform(0.0, 0.8, 800)
    likes = rng.random(800) < 0.5 * shifts  # a judge that prefers what is longer, and nothing else
    harmed = ~likes & (rng.random(800) < 0.12)
    values = np.where(likes, 1.0, np.where(harmed, -1.0, 0.0))
    plain = Outcomes(values, np.ones(800))
    assert decide(plain, Rule(0.05)).decision == "SWITCH"
    verdict = decide(replace(plain, lengths=shifts), Rule(0.05))
    assert verdict.decision != "SWITCH"
    assert verdict.length_adjusted is not None and verdict.length_adjusted < decide(plain, Rule(0.05)).difference


def people(values, probability=1.0):
    return HumanVerdicts(
        np.arange(len(values)), np.asarray(values, float), np.full(len(values), probability), len(values)
    )


def test_enough_of_peoples_verdicts_make_the_grade_and_may_veto():
    judged = outcomes(ties=1_000)
    agreeing = decide(replace(judged, human=people(np.zeros(250), 0.25)), TWO_PERCENT)
    assert (agreeing.decision, agreeing.grade, agreeing.human_labels) == ("SWITCH", "A", 250)
    against = np.where(np.arange(250) % 5 == 0, -1.0, 0.0)
    refuted = decide(replace(judged, human=people(against, 0.25)), TWO_PERCENT)
    assert (refuted.decision, refuted.grade) == ("KEEP", "A")
    assert refuted.reason.startswith("people see it at least")


def test_people_outrank_a_suspicion_of_length() -> None:
    """A candidate that is longer throughout cannot be told apart from a liking for length; people can tell."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(1_000) < 0.02, rng.choice([-1.0, 1.0], 1_000), 0.0)
    judged = Outcomes(values, np.ones(1_000), lengths=np.full(1_000, 0.4))
    suspected = decide(judged, Rule(0.05))
    assert suspected.decision == "INCONCLUSIVE"
    assert "liking for longer answers" in suspected.reason
    assert suspected.more_prompts is None and suspected.lower_bound is not None and suspected.lower_bound > -0.05
    confirmed = decide(replace(judged, human=people(np.zeros(250), 0.25)), Rule(0.05))
    assert (confirmed.decision, confirmed.grade) == ("SWITCH", "A")


def test_few_of_peoples_verdicts_do_not_decide():
    judged = outcomes(ties=1_000)
    verdict = decide(replace(judged, human=people(-np.ones(50), 0.05)), TWO_PERCENT)
    assert (verdict.decision, verdict.grade, verdict.human_labels) == ("SWITCH", "B", 50)
