"""Which of two answers is better: checks where the truth is known, a blind judge where it is not."""

from llmcost.grading.pairs import Grade, Grader, Pair

__all__ = ["Grade", "Grader", "Pair"]
