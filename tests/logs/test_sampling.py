"""A log that holds a share of the traffic says what a call stands for; a fraction that is none is only a tag."""

from __future__ import annotations

from typing import Any

import pytest

ROW = {"model": "gpt-4o-mini", "prompt": "Capital of France?", "response": "Paris"}


@pytest.mark.parametrize("name", ["sampling_fraction", "sampling_rate"])
@pytest.mark.parametrize(
    ("fraction", "weight"),
    [(0.25, 4.0), ("0.1", 10.0), (1, 1.0), (0, None), (-0.5, None), (1.5, None), ("half", None), (1e-300, None)],
)
def test_a_call_stands_for_one_over_the_fraction(read_records, name: str, fraction: Any, weight: float | None) -> None:
    log, (call,) = read_records({**ROW, name: fraction})
    assert call.weight == weight
    assert call.tags[name] == str(fraction)
    assert log.calls.table["weight"].to_pylist() == [weight]
    assert log.calls.weights().tolist() == [1.0 if weight is None else weight]


def test_the_fraction_is_read_from_where_the_user_says(read_records) -> None:
    row = {**ROW, "export": {"share": "0.5"}, "metadata": {"kept": 0.2}}
    _, (nested,) = read_records(row, fields={"sampling_fraction": "export.share"})
    assert nested.weight == 2.0
    _, (tagged,) = read_records(row, fields={"sampling_fraction": "metadata.kept"})
    assert (tagged.weight, tagged.tags["metadata.kept"]) == (5.0, "0.2")


def test_the_fraction_itself_may_be_given_where_the_log_does_not_say(read_records) -> None:
    _, (call,) = read_records(ROW, fields={"sampling_fraction": "0.1"})
    assert call.weight == 10.0
    _, (call,) = read_records(ROW, fields={"sampling_fraction": "nowhere"})
    assert call.weight is None


def test_a_log_that_is_no_sample_counts_every_call_once(read_records) -> None:
    log, (call,) = read_records(ROW)
    assert call.weight is None
    assert log.calls.weights().tolist() == [1.0]
