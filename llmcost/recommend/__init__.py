"""Verdicts and strategies → the plan: a model map and one before/after bill.

`result` is the contract, `assemble` makes it; importing the contract alone stays cheap.
"""
