"""Whatever a spreadsheet makes of the file, the verdicts in it are found; what is none is named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcost.errors import InputError
from llmcost.labelling.read import read

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252")
SPELLINGS = {
    "first": ("1", "1.0", "1,0", "A", "a", " 1 ", "Answer 1", "'1"),
    "second": ("2", "2.0", "B", "answer 2"),
    "tie": ("tie", "TIE", "=", "'=", "same", "3", "No  difference", "no material difference"),
}
choices = st.sampled_from(sorted(SPELLINGS)).flatmap(lambda choice: st.sampled_from([*SPELLINGS[choice]]))


def said(path: Path) -> dict[str, str]:
    return {item: verdict.choice for item, verdict in read(path).said.items()}


def meaning(word: str) -> str:
    return next(choice for choice, words in SPELLINGS.items() if word in words)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    words=st.lists(choices, min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(ENCODINGS),
    ending=st.sampled_from(["\n", "\r\n"]),
    above=st.sampled_from(["", "sep={}\n", "\n"]),
    luck=st.randoms(use_true_random=False),
)
def test_dialects(
    tmp_path: Path, words: list[str], delimiter: str, encoding: str, ending: str, above: str, luck
) -> None:  # type: ignore[no-untyped-def]
    columns = ["Item", "VERDICT", "answer_1", "note"]
    luck.shuffle(columns)
    rows = [{"Item": f"p1-{n}", "VERDICT": word, "answer_1": 'é "x";\ny,\tz'} for n, word in enumerate(words)]
    luck.shuffle(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator=ending)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "labels.csv"
    path.write_bytes((above.format(delimiter) + text.getvalue()).encode(encoding))
    assert said(path) == {f"p1-{n}": meaning(word) for n, word in enumerate(words)}


def test_rows_that_say_nothing_are_counted_or_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        'item,question,verdict\np1-1,"two\nlines",1\np1-2,q,maybe\np1-3,q,\np1-4,q,skip\n,,\n,total,2\np1-1,q,2\np1-5\n'
    )
    reading = read(path)
    assert {item: (verdict.choice, verdict.place) for item, verdict in reading.said.items()} == {
        "p1-1": ("first", f"{path}:2")
    }
    assert reading.skipped == 3
    assert [row.place for row in reading.bad] == [f"{path}:4", f"{path}:8", f"{path}:9"]
    for row, word in zip(reading.bad, ("'maybe'", "without an item", f"{path}:2"), strict=True):
        assert word in row.reason


@pytest.mark.parametrize(
    "content", [b"", b"item\np1-1\n", b"<!doctype html>", b"\x89PNG\r\n\0", b'item,verdict\n"' + b"x" * 200_000]
)
def test_what_is_no_table_of_verdicts_is_an_error_with_a_way_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    if content.startswith(b"item,verdict"):
        assert read(path).said == {}
        return
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.hint


def test_a_workbook_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="workbook"):
        read(tmp_path / "labels.xlsx")
    with pytest.raises(InputError, match="cannot read"):
        read(tmp_path / "gone.csv")
