"""Which of two answers is better: checks where the truth is known, a blind judge where it is not."""

from llmcost.grading.agreement import agreement, chance_corrected, position_bias
from llmcost.grading.damage import Answered, Planted, plant
from llmcost.grading.decide import may_need_judge
from llmcost.grading.family import families
from llmcost.grading.judge import Judge, judge_requests_upper_bound, read_prompt, verdict_text, write_prompt
from llmcost.grading.pairs import Grade, Grader, Pair
from llmcost.grading.panel import (
    CHECKS_ALONE,
    GRADERS,
    GradedPairs,
    excluded,
    grade,
    grader,
    may_judge,
    refuse_related_judges,
    to_outcomes,
)

__all__ = [
    "CHECKS_ALONE",
    "GRADERS",
    "Answered",
    "Grade",
    "GradedPairs",
    "Grader",
    "Judge",
    "Pair",
    "Planted",
    "agreement",
    "chance_corrected",
    "excluded",
    "families",
    "grade",
    "grader",
    "judge_requests_upper_bound",
    "may_judge",
    "may_need_judge",
    "plant",
    "position_bias",
    "read_prompt",
    "refuse_related_judges",
    "to_outcomes",
    "verdict_text",
    "write_prompt",
]
