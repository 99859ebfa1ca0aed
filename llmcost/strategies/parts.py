"""Parts of a log that no change relates: what becomes of a call depends on nothing outside its part.

The bill under a set of changes is the sum of the bills of the parts, and so is what a change is worth, because Shapley
shares are linear in the game. In a part most changes find nothing, so there are few subsets to price there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmcost.calls import SCHEMA, Calls
from llmcost.strategies.attempts import requests
from llmcost.strategies.timeline import dense, key_codes

Ints = npt.NDArray[np.int64]
# Columns, and which of their values relate the calls that have them in common; None: all.
Relation: TypeAlias = Mapping[str, Collection[str] | None]

# By strategy the columns in which two calls must say the same for one to matter to what becomes of the other.
RELATED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "near_duplicates": ("call_site", "prompt_key"),
        "compression": ("task",),  # latencies are mapped rank for rank, here and below
        "route": ("task",),
        "cascade": ("task",),
        "batching": ("task",),
        "batch_api": (),
        "prompt_cache": ("call_site",),
    }
)
LEAST_ROWS = 1 << 16  # of a part: fewer calls are not worth the overhead of a walk of their own
MOST_PARTS = 64  # or about so many: taking a part means to look through the whole log


def parts(calls: Calls, relation: Relation | None, least: int = LEAST_ROWS) -> list[Ints]:
    """The rows of every part, rising; calls that are related are in one. None: all are.

    Small parts are put together until they have so many rows, and a good part of the log.
    """
    if relation is None or len(calls) <= least:
        return [np.arange(len(calls))]
    least = max(least, len(calls) // MOST_PARTS)
    component = components(calls, relation)
    sizes = np.bincount(component)
    bin_of = dense((np.cumsum(sizes) - sizes) // least)
    number = bin_of[component]
    small = number.max() <= np.iinfo(np.int16).max  # numpy sorts 16-bit integers by radix
    order = np.argsort(number.astype(np.int16) if small else number, kind="stable")
    return np.split(order, np.cumsum(np.bincount(number))[:-1])


def components(calls: Calls, relation: Relation) -> Ints:
    """A number for every call, the same for those that a chain of related calls connects.

    Attempts of one request are connected, too.
    """
    labels = [name for name in sorted(relation) if _labels(name)]
    node, examples = _nodes(len(calls), [calls.codes(name)[0] for name in labels])
    edges = [_edges(np.arange(len(examples)), _codes(calls, name, relation[name], examples)) for name in labels]
    edges += [_edges(node, key_codes(calls, name)) for name in relation if name not in labels]
    if (request := requests(calls)) is not None:
        edges.append(_edges(node, request))
    one, other = np.concatenate(edges, axis=1) if edges else np.zeros((2, 0), np.int64)
    return connected(one, other, len(examples))[node]


def connected(one: Ints, other: Ints, size: int) -> Ints:
    """A number for each of so many nodes, the same for those that these edges connect."""
    from scipy.sparse import coo_array  # an audit that bills nothing in parts does without scipy
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _nodes(n: int, labels: Sequence[Ints]) -> tuple[Ints, Ints]:
    """A number for all calls that have all labels in common, and a row of each; without labels, for every call.

    They need not be related, but much the same happens to them.
    """
    if not labels:
        return np.arange(n), np.arange(n)
    node = np.zeros(n, np.int64)
    for code in labels:
        node = dense(node * (code.max(initial=0) + 2) + code + 1)
    examples = np.zeros(node.max(initial=-1) + 1, np.int64)
    examples[node] = np.arange(n)
    return node, examples


def _edges(node: Ints, code: Ints) -> Ints:
    """Pairs of nodes that have a value in common: each with the last one that has it."""
    node, code = node[code >= 0], code[code >= 0]
    last = np.zeros(code.max(initial=0) + 1, np.int64)
    last[code] = node
    apart = np.flatnonzero(node != last[code])
    return np.unique(np.stack([node[apart], last[code[apart]]]), axis=1)


def _labels(name: str) -> bool:
    """Whether it is a column of labels, of which there are few, rather than of fingerprints."""
    return bool(pa.types.is_dictionary(SCHEMA.field(name).type))


def _codes(calls: Calls, name: str, values: Collection[str] | None, rows: Ints) -> Ints:
    """For these rows a number for every distinct label of a column; −1: none, or none of these values."""
    codes, names = calls.codes(name)
    number = [code if values is None or label in values else -1 for code, label in enumerate(names)]
    return np.array([*number, -1], dtype=np.int64)[codes[rows]]
