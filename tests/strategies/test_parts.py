"""A log falls into parts that no change relates, and its bills are the sums of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import rows, table
from support.examples import costly

from llmcost.strategies.parts import components, parts

RELATIONS = st.fixed_dictionaries(
    {},
    optional={
        "task": st.none() | st.sets(st.sampled_from("abcxyz")),
        "call_site": st.none() | st.sets(st.sampled_from("stu")),
        "prompt": st.none(),
    },
)
ALL = {"task": None, "call_site": None, "prompt_key": None}


@st.composite
def logs(draw: Any) -> list[dict[str, Any]]:
    """Small logs in which few values are common, and some are not known; some records hold several calls."""
    log: list[dict[str, Any]] = draw(rows(max_size=14))
    for row in log:
        row["task"] = draw(st.none() | st.sampled_from("abcdef"))
        row["call_site"] = draw(st.none() | st.sampled_from("stuvw"))
        row["prompt"] = draw(st.none() | st.integers(0, 12))
        row["position"] = draw(st.none() | st.integers(0, 40))
    return log


def connected(log: list[dict[str, Any]], relation: Mapping[str, set[str] | None]) -> set[frozenset[int]]:
    """The groups of rows that a chain of common values connects, found one by one.

    Rows with all labels in common are put together in any case: there is no harm in it.
    """
    labels = relation.keys() - {"prompt"}

    def related(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return bool(labels and all(one[name] == other[name] for name in labels)) or any(
            one[name] is not None and one[name] == other[name] and (values is None or one[name] in values)
            for name, values in {**relation, "position": None}.items()
        )

    found: set[frozenset[int]] = set()
    for index, row in enumerate(log):
        joined = {group for group in found if any(related(row, log[other]) for other in group)}
        found = (found - joined) | {frozenset({index}).union(*joined)}
    return found


@costly
@given(logs(), RELATIONS)
def test_calls_are_in_one_component_just_where_a_chain_of_common_values_connects_them(log, relation):
    calls = table([row | {"source": 0, "part": 0} for row in log])
    named = {"prompt_key" if name == "prompt" else name: values for name, values in relation.items()}
    component = components(calls, named).tolist()
    found = {frozenset(row for row, each in enumerate(component) if each == number) for number in component}
    assert found == connected(log, relation)


@costly
@given(logs(), st.integers(1, 6))
def test_parts_hold_every_row_once_and_whole_components(log, least):
    calls = table(log)
    found = parts(calls, ALL, least)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(log)))
    assert all((np.diff(part) > 0).all() for part in found)
    component = components(calls, ALL)
    assert sum(len(set(component[part])) for part in found) == len(set(component))


def test_where_any_two_calls_may_matter_to_each_other_there_is_one_part():
    calls = table([{"task": name} for name in "abc"])
    assert [part.tolist() for part in parts(calls, None, 1)] == [[0, 1, 2]]
    assert len(parts(calls, {"task": None}, 1)) == 3
