"""Which sampled prompts belong together, so that their answers may fail together: fewer witnesses than prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.minhash import SKETCH_BYTES
from llmcost.strategies.alike import distinct_prompts, leaders, raw_bytes
from llmcost.strategies.parts import connected

Ints = npt.NDArray[np.int64]

NEARLY_THE_SAME = 0.8  # Jaccard index of what is not template
TOO_COMMON = 0.2  # share of a task's prompts beyond which a session id names no conversation but an application
FEW = 20  # prompts of one session that may well be one conversation, however few the task has


def clusters(calls: Calls, tasks: Sequence[str]) -> Ints:
    """For each prompt the number of its cluster: prompts of one task and one conversation, or nearly the same.

    calls, tasks  parallel, one entry a distinct prompt
    """
    task = np.unique(np.asarray(tasks, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
    pairs = [_of_one_session(calls, task), _nearly_the_same(calls, task)]
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return connected(one, other, len(calls))


def _of_one_session(calls: Calls, task: Ints) -> tuple[Ints, Ints]:
    """Each prompt of a conversation with the first of it."""
    keys = calls.column("session_key").combine_chunks().dictionary_encode()
    session = np.asarray(pc.fill_null(keys.indices, -1), dtype=np.int64)
    rows = np.flatnonzero(session >= 0)
    group = np.unique(task[rows] * (len(calls) + 1) + session[rows], return_inverse=True)[1]
    allowed = np.maximum(TOO_COMMON * np.bincount(task, minlength=1)[task[rows]], FEW)
    kept = np.bincount(group)[group] <= allowed if rows.size else np.zeros(0, bool)
    return _with_the_first(rows[kept], group[kept])


def _nearly_the_same(calls: Calls, task: Ints) -> tuple[Ints, Ints]:
    """Each prompt with the one that leads those of its task that are nearly the same."""
    known = calls.column("sketch").is_valid()
    rows = np.flatnonzero(np.asarray(known))
    if not rows.size:
        return rows, rows
    sketches = raw_bytes(calls.column("sketch").filter(known), SKETCH_BYTES)
    sites = np.asarray(pc.fill_null(pa.array(calls.codes("call_site")[0]), -1), dtype=np.int64)[rows]
    prompts, place = distinct_prompts(sketches, task[rows], sites)
    return _with_the_first(rows, leaders(prompts, NEARLY_THE_SAME)[place])


def _with_the_first(rows: Ints, group: Ints) -> tuple[Ints, Ints]:
    """Pairs of each row with the first row of its group."""
    if not rows.size:
        return rows, rows
    _, first, which = np.unique(group, return_index=True, return_inverse=True)
    return rows, rows[first[which]]
