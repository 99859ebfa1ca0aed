"""Closed sets of answers: groups of calls whose answers are one of a few labels, told from fingerprints alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from llmcost.audit.groups import Ints, Mask
from llmcost.calls import Calls

MOST_LABELS = 12
COVERED = 0.99  # of the answers are one of the labels
MIN_LABELLED = 100  # calls: fewer say little of what else could be answered
LONGEST_LABEL = 120  # bytes: a word, or a small JSON object around it
TOOL_CALLS = frozenset({"tool_calls", "function_call", "tool_use"})


def labels_of(calls: Calls, answered: Mask, codes: Ints, size: int) -> Ints:
    """For every group of calls how many labels 99 % of its answers are; 0: they are no closed set, or too few."""
    said = answered & np.asarray(calls.column("answer_key").is_valid(), dtype=bool)
    called = calls.says("finish_reason", TOOL_CALLS)
    short = said & ~called & (calls.floats("answer_bytes") <= LONGEST_LABEL)
    answers = np.bincount(codes[said | (answered & called)], minlength=size)
    likely = (answers >= MIN_LABELLED) & (np.bincount(codes[short], minlength=size) >= COVERED * answers)
    rows = np.flatnonzero(short & likely[codes])
    group, frequency = _frequencies(codes[rows], _prints(calls, rows))
    rarer = np.cumsum(frequency) - frequency  # answers of earlier groups, and more frequent ones
    first = np.searchsorted(group, group)
    needed = np.bincount(group[rarer - rarer[first] < COVERED * answers[group]], minlength=size)
    return np.where(needed <= MOST_LABELS, needed, 0)


def _frequencies(codes: Ints, prints: Ints) -> tuple[Ints, Ints]:
    """The group and the number of every different answer, by group, the most frequent first."""
    spread = pa.array(prints ^ (codes * np.int64(0x1E3779B97F4A7C15))).dictionary_encode()
    answer = np.asarray(spread.indices, dtype=np.int64)
    frequency = np.bincount(answer)
    group = np.zeros(len(frequency), dtype=np.int64)
    group[answer] = codes
    order = np.lexsort((-frequency, group))
    return group[order], frequency[order]


def _prints(calls: Calls, rows: Ints) -> Ints:
    """The fingerprints of the answers of these rows, folded to 64 bits."""
    keys = calls.column("answer_key").take(pa.array(rows)).combine_chunks()
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    halves = np.frombuffer(keys.buffers()[1], dtype=np.int64)[2 * keys.offset : 2 * (keys.offset + len(keys))]
    return halves[::2] ^ (halves[1::2] * np.int64(0x2545F4914F6CDD1D))
