"""Laws of folding and of making log text harmless."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llmcost.report.document import Cell, Column, Span, Table
from llmcost.report.renderers.layout import cell_lines, fold
from llmcost.report.untrusted import elide, escape_json, visible


@given(st.text(max_size=120), st.integers(4, 40), st.integers(1, 4))
def test_a_folded_text_fits(text: str, width: int, lines: int) -> None:
    folded = fold(visible(text, 100), width, lines)
    assert 1 <= len(folded) <= lines
    assert all(cell_len(line) <= width for line in folded)


@given(st.text("ab -/:%客", max_size=30))
def test_what_fits_loses_nothing(text: str) -> None:
    assert "".join(fold(text, 8, 40)).replace(" ", "") == text.replace(" ", "")


def test_the_middle_gives_way_and_a_percentage_stays_whole() -> None:
    assert fold("gpt-4o-2024-08-06-with-a-long-tail", 10, 2) == ["gpt-4o-", "2…ong-tail"]
    assert fold("SWITCH at 3.8 %", 12, 2) == ["SWITCH at", "3.8 %"]


@given(st.text("ab -/:%客", max_size=300), st.integers(6, 40))
def test_a_sentence_is_wrapped_and_never_cut(text: str, width: int) -> None:
    lines = cell_lines(Cell(text), Column("", "key", shrink=True, prose=True), width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)


@given(st.text(), st.integers(3, 50))
def test_elided_text_keeps_both_ends(text: str, longest: int) -> None:
    shown = elide(text, longest)
    assert len(shown) <= longest
    assert shown[:1] == text[:1]
    assert shown[-1:] == text[-1:]


@given(st.text(st.characters(), max_size=60))
def test_visible_text_steers_nothing(text: str) -> None:
    shown = visible(text, 200)
    assert len(shown) <= 200
    assert not {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown, 200) == shown


def test_every_part_of_a_document_is_made_harmless() -> None:
    evil = "a\x1bb"
    table = Table(evil, (Column(evil, "key"),), (), evil)
    parts = [Span(evil).text, Cell(evil).text, Cell("", value=evil).value, table.name, table.title]
    assert {*parts, table.columns[0].header} == {"a\\x1bb"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_json_means_the_same(text: str) -> None:
    encoded = json.dumps({"text": text}, ensure_ascii=False)
    assert json.loads(escape_json(encoded)) == {"text": text}
