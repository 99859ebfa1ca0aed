"""The tags of a log: which keys there are, and one key's value for every call."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.calls import Calls
from llmcost.errors import ConfigError

SHOWN_KEYS = 12


def tag_keys(calls: Calls) -> dict[str, int]:
    """Every tag key of the log with the number of calls that carry it, most frequent first."""
    counts: Counter[str] = Counter()
    for chunk in calls.column("tags").chunks:
        for pair in pc.value_counts(_keys(chunk)).to_pylist():
            counts[pair["values"]] += pair["counts"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def tag_values(calls: Calls, field: str) -> pa.ChunkedArray:
    """The value of tag `field` for every call as text, null where a call does not carry it.

    A field names a tag key exactly or by its last parts: "task" finds "metadata.task". Of several, the exact key
    counts first, then the shortest. Raises ConfigError, naming the keys there are, if no call carries it.
    """
    keys = tag_keys(calls)
    if not (found := matching_keys(keys, field)) and len(calls):
        raise ConfigError(f"no call carries the tag {field!r}", _hint(list(keys)))
    return first_known(calls, found)


def matching_keys(keys: dict[str, int], field: str) -> list[str]:
    """The keys that `field` names, best match first."""
    return sorted((key for key in keys if key == field or key.endswith("." + field)), key=lambda key: (len(key), key))


def first_known(calls: Calls, keys: list[str]) -> pa.ChunkedArray:
    """For every call the value of the first of these tag keys that it carries; an empty value is unknown."""
    wanted = pa.array(keys, pa.string())
    return pa.chunked_array([_first_of(chunk, wanted) for chunk in calls.column("tags").chunks], pa.string())


def _first_of(chunk: pa.MapArray, wanted: pa.Array) -> pa.Array:
    """The same for the rows of a chunk. All keys are looked at once, whatever their number."""
    edges = np.asarray(chunk.offsets)
    values = chunk.items.slice(edges[0], edges[-1] - edges[0])
    which = np.asarray(pc.fill_null(pc.index_in(_keys(chunk), value_set=wanted), -1))
    at = np.flatnonzero(which >= 0)
    row = np.searchsorted(edges - edges[0], at, side="right") - 1
    pairs, first = np.unique(row * len(wanted) + which[at], return_index=True)  # a key said twice counts once
    said = np.asarray(pc.fill_null(pc.not_equal(values.take(pa.array(at[first])), ""), False), dtype=bool)
    rows, best = np.unique(pairs[said] // max(len(wanted), 1), return_index=True)
    places = np.full(len(chunk), -1)
    places[rows] = at[first[said][best]]
    return values.take(pa.array(places, mask=(places < 0) | ~np.asarray(chunk.is_valid(), dtype=bool)))


def _keys(chunk: pa.MapArray) -> pa.Array:
    # `keys` of a slice are those of the whole array: the offsets say which are its own.
    if len(chunk) == 0:
        return pa.array([], pa.string())
    start, stop = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
    return chunk.keys.slice(start, stop - start)


def _hint(keys: list[str]) -> str:
    if not keys:
        return "the log carries no tags at all; leave the field out to group calls by their call site"
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return f"tags in this log: {', '.join(keys[:SHOWN_KEYS])}{more}"
