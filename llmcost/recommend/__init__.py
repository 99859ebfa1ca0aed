"""Verdicts and strategies → the plan: a model map and one before/after bill."""
