"""The page and the table show whatever a log holds, and neither runs nor hides any of it."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.labelling.packet import ShownItem
from llmcost.report.label_page import LONGEST_CELL, label_page, label_table

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]>&lt;\u2028x\u2029y",
    "\u202egnp.exe\u202c \u2066x\u2069 \x1b[31mred \x00\x7f\u200b",
    "${alert(1)} $script $$",
    "\\u003c/script\\u003e",
)


def page_of(*texts: str) -> str:
    return label_page("p1", [ShownItem(f"p1-{n}", text, text, text) for n, text in enumerate(texts)])


def shown_on(page: str) -> list[dict[str, str]]:
    data = re.search(r'<script type="application/json" id="packet">(.*?)</script>', page, re.DOTALL)
    assert data
    items: list[dict[str, str]] = json.loads(data[1])["items"]
    return items


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=1, max_size=4))
def test_no_text_leaves_the_element_that_holds_it(texts: list[str]) -> None:
    page, empty = page_of(*texts), page_of("x")
    assert page.count("<") == empty.count("<") and page.count("&") == empty.count("&")
    assert len(shown_on(page)) == len(texts)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", page)


def test_lines_stay_and_what_would_mislead_is_spelt_out() -> None:
    [item] = shown_on(page_of("one\r\ntwo\tthree \u202ecba\x07\ufeff"))
    assert item["first"] == "one\ntwo\tthree \\u202ecba\\x07\\ufeff"
    [plain] = shown_on(page_of("Grüße, 你好 👩‍👩‍👧 </b> don't"))
    assert plain["question"] == "Grüße, 你好 👩‍👩‍👧 </b> don't"


def test_the_page_runs_its_own_script_alone_and_loads_nothing() -> None:
    page = page_of(*HOSTILE)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy and policy[1].startswith("default-src 'none'") and "unsafe" not in policy[1]
    for tag in ("style", "script"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy[1]
        assert not re.search(r"innerHTML|document\.write|eval|fetch|XMLHttp|import\b|url\(", text)
    assert not re.search(r"(?:src|href)\s*=|https?://| style=| on\w+=", page.partition("<script type")[0])


def test_every_control_has_a_name_and_none_is_a_mere_box() -> None:
    page = page_of("x")
    assert set(re.findall(r'data-verdict="(\w+)"', page)) == {"1", "2", "tie", "skip"}
    for button in re.findall(r"<button[^>]*>.*?</button>", page):
        assert re.search(r'aria-label="\w|>[^<]*\w', button), button
    for field in re.findall(r'<input id="(\w+)"', page):
        assert f'<label for="{field}">' in page
    assert '<html lang="en">' in page and 'name="viewport"' in page and "prefers-color-scheme" in page


def cells_of(*texts: str) -> list[list[str]]:
    rows = list(
        csv.reader(io.StringIO(label_table([ShownItem("p1-1", text, text, text) for text in texts]), newline=""))
    )
    assert rows[0] == ["item", "verdict", "question", "answer_1", "answer_2"]
    return rows[1:]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "\n=", "＝", "x;=", "x\n@", "x; +"])
def test_a_spreadsheet_computes_nothing(start: str) -> None:
    [row] = cells_of(f"{start}cmd|' /C calc'!A0")
    assert row[1] == ""
    for cell in row[2:]:
        for piece in re.split(r"[;\t\n]", cell):
            assert not piece.lstrip().startswith(tuple("=+-@＝＋－＠"))


def test_harmless_text_stays_as_it_is_and_long_text_is_cut_for_the_cell() -> None:
    assert cells_of('a - b = c, "quoted"\nand more')[0][2] == 'a - b = c, "quoted"\nand more'
    assert len(cells_of("x" * 50_000)[0][3]) == LONGEST_CELL
