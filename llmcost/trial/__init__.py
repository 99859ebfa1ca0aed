"""One experiment: sample, replay, grade, decide, for every candidate on every task."""
