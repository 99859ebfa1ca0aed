"""This log against a committed baseline: has the cost per call got worse than allowed?"""
