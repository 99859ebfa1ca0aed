"""Which prompts are one witness: those of a conversation and those nearly the same, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.calls import Calls, Source, from_rows
from llmcost.logs.sketch import sketches
from llmcost.trial.clusters import clusters


def calls(sessions: Sequence[int | None], prompts: Sequence[str | None] | None = None) -> Calls:
    texts = prompts or [None] * len(sessions)
    sketched = iter(sketches([text for text in texts if text is not None]).to_pylist())
    rows = [
        {
            "session_key": None if session is None else session.to_bytes(16, "big"),
            "sketch": None if text is None else next(sketched),
            "call_site": "site",
            "source": 0,
            "position": place,
            "part": 0,
        }
        for place, (session, text) in enumerate(zip(sessions, texts, strict=True))
    ]
    return from_rows(rows, [Source("log.jsonl", "plain", "jsonl")])


def groups(found: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(found == number).tolist() for number in dict.fromkeys(found.tolist())]


def test_a_conversation_is_one_cluster_within_its_task() -> None:
    found = clusters(calls([1, 1, 2, 1, None, None]), ["a", "a", "a", "b", "a", "a"])
    assert groups(found) == [[0, 1], [2], [3], [4], [5]]


def test_a_session_id_that_all_share_names_no_conversation() -> None:
    assert len(set(clusters(calls([7] * 200), ["a"] * 200))) == 200
    assert len(set(clusters(calls([7] * 15), ["a"] * 15))) == 1  # so few may well be one


def test_prompts_that_are_nearly_the_same_are_one_cluster() -> None:
    question = "Where is the parcel that I ordered on Monday? It should have arrived at my house by now, shouldn't it"
    other = "Please write a limerick about a lighthouse keeper whose cat has learnt to sail a boat across the bay"
    found = clusters(calls([None] * 3, [question, question + "?!", other]), ["a"] * 3)
    assert groups(found) == [[0, 1], [2]]
    apart = clusters(calls([None] * 3, [question, question + "?!", other]), ["a", "b", "a"])
    assert len(set(apart)) == 3


def test_clusters_join_through_both() -> None:
    question = "Where is the parcel that I ordered on Monday? It should have arrived at my house by now, shouldn't it"
    found = clusters(calls([1, 1, None], [None, question, question + "!"]), ["a"] * 3)
    assert groups(found) == [[0, 1, 2]]


@given(st.lists(st.tuples(st.none() | st.integers(0, 5), st.sampled_from("ab")), min_size=1, max_size=40))
def test_every_prompt_has_a_cluster_of_its_own_task(prompts: list[tuple[int | None, str]]) -> None:
    sessions, tasks = [session for session, _ in prompts], [task for _, task in prompts]
    found = clusters(calls(sessions), tasks)
    assert len(found) == len(prompts)
    for group in groups(found):
        assert len({tasks[place] for place in group}) == 1
        assert len(group) == 1 or len({sessions[place] for place in group}) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_few_prompts_have_clusters_too(count: int) -> None:
    assert len(clusters(calls([None] * count), ["a"] * count)) == count
