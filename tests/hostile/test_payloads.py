"""Over a hundred ways to steer whoever reads a report, in every text of every screen, in every format: none works."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from markdown_it import MarkdownIt
from support import checks, results
from support.payloads import PAYLOADS, SURROGATES, poison

from llmcost.report import (
    Document,
    audit_document,
    check_document,
    ci,
    estimate_document,
    explain_document,
    prices_document,
    renderers,
    replay_document,
    simulate_document,
    to_json,
)

FIRSTS = range(0, len(PAYLOADS), 40)  # with which payload a screen begins: it has room for some at a time
FIRSTS_OF_CHECKS = range(0, len(PAYLOADS), 7)
CLEAN = -1
RESULTS: dict[str, tuple[Callable[[Any], Document], Callable[[], Any]]] = {
    "audit": (audit_document, results.audit),
    "replay": (replay_document, results.full),
    "replay with texts": (replay_document, lambda: results.full(texts=True)),
    "replay beyond models": (replay_document, results.beyond_models),
    "estimate": (estimate_document, results.estimate),
    "simulate": (simulate_document, results.simulation),
    "check that fails": (check_document, checks.CHECKS["total"]),
    "check of quality": (check_document, checks.CHECKS["quality"]),
    "prices": (prices_document, results.prices),
    "explain": (explain_document, results.explanation),
}
CHECKS = ("check that fails", "check of quality")
WITH_TABS = "replay with texts"  # a text that is shown as it is keeps its tabs
SPELT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
VOID = {"meta", "br", "hr", "link", "img", "input", "col", "wbr"}
JOINERS = {"\u200c", "\u200d"}  # which emoji and Persian need, and which reorder nothing


@cache
def result(screen: str, first: int) -> Any:
    made = RESULTS[screen][1]()
    return made if first == CLEAN else results.poisoned(made, poison(first))


@cache
def drawn(screen: str, first: int, name: str) -> str:
    return renderers()[name](RESULTS[screen][0](result(screen, first)), width=100)


def firsts(screen: str) -> range:
    return FIRSTS_OF_CHECKS if screen in CHECKS else FIRSTS


def all_drawn(name: str) -> Iterator[tuple[str, int, str]]:
    for screen in RESULTS:
        for first in firsts(screen):
            yield screen, first, drawn(screen, first, name)


def steering(text: str) -> set[str]:
    return {each for each in set(text) - JOINERS if unicodedata.category(each) in SPELT and each != "\n"}


def test_every_payload_stands_in_some_text() -> None:
    for screen in ("audit", "replay", "check that fails"):
        held = [text for first in firsts(screen) for text in results.texts(result(screen, first))]
        assert [payload for payload in PAYLOADS if not any(text.startswith(payload) for text in held)] == [], screen


@pytest.mark.parametrize("name", renderers())
def test_nothing_steers_a_terminal_or_hides_what_it_says(name: str) -> None:
    for screen, _, text in all_drawn(name):
        kept = {"\t"} if screen == WITH_TABS else set()
        assert steering(text.replace("\r\n", "\n")) <= kept, screen
        text.encode()


@pytest.mark.parametrize("name", renderers())
def test_no_line_starts_a_command_of_a_build_server(name: str) -> None:
    for screen, _, text in all_drawn(name):
        for line in text.splitlines():
            assert not re.match(
                r"\s*(::(error|warning|set-output|add-mask|stop-commands)\b|##(vso|teamcity)?\[)", line
            ), (screen, line)
            assert "##[" not in line and "##vso[" not in line and "##teamcity[" not in line, (screen, line)


class Parts(HTMLParser):
    """The elements of a page, their attributes, and all that is not text; an element that is not closed is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.inert: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "action", "style")}
        self._open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            self.inert.append(data)

    def handle_comment(self, data: str) -> None:
        self.inert.append(f"<!--{data}")

    handle_decl = handle_pi = unknown_decl = handle_comment


def test_a_page_holds_our_elements_alone() -> None:
    parts = {screen: Parts(drawn(screen, CLEAN, "html")) for screen in RESULTS}
    elements = set().union(*(part.found for part in parts.values()))
    assert not {name for _, name in elements if name.startswith("on") or name in ("src", "srcdoc", "style", "action")}
    for screen, _, page in all_drawn("html"):
        found, clean = Parts(page), parts[screen]
        assert found.found <= elements, screen
        assert found.inert == clean.inert, screen
        assert all(link.startswith("#") or link in clean.links for link in found.links), screen
        assert "default-src 'none'" in page


def test_a_spreadsheet_computes_nothing_whatever_it_splits_cells_at() -> None:
    for screen, _, text in all_drawn("csv"):
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row if not re.fullmatch(r"-?[\d.]+(e[+-]\d+)?", cell)):
            for part in re.split("[;\t\n]", cell):
                assert part.strip()[:1] not in set("=+-@＝＋－＠"), (screen, cell)


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(r"</?(?:details|summary|b|br|sub)>|<!-- -->|<!-- llmcost-check -->")
LINKED = re.compile(  # what GitHub makes a link, or a message to somebody, of a plain text
    r"(?i)(?<![\w/])@[\w-]|\b(?:https?|ftp|mailto|xmpp):\S|\bwww\.\w|(?<![&\w])#\d|\bGH-\d|[\w.+-]@[\w-]+\.\w|\w/\w+#\d"
)


@cache
def parsed(text: str) -> Any:
    return MARKDOWN.parse(text)


def inlines(tokens: Any) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from inlines(token.children or ())


def active(text: str) -> Iterator[str]:
    """What is more than text in Markdown, and not ours."""
    for token in inlines(parsed(text)):
        if token.type in ("link_open", "image", "hr", "blockquote_open", "ordered_list_open"):
            yield f"{token.type} {token.attrs}"
        elif token.type in ("html_block", "html_inline"):
            yield from (tag for tag in re.findall(r"<[^>]*>?", OURS.sub("", token.content)))
            yield from LINKED.findall(re.sub(r"<!-- -->|&#?\w+;", "\0", token.content))
        elif token.type == "text":
            yield from LINKED.findall(token.content)


def comments() -> Iterator[tuple[str, str]]:
    yield from ((screen, text) for screen, _, text in all_drawn("markdown"))
    for screen in CHECKS:
        yield from ((f"comment on {screen}", ci.comment(result(screen, first))) for first in firsts(screen))


def test_markdown_links_shows_and_calls_nobody() -> None:
    for screen, text in comments():
        assert list(active(text)) == [], screen


def test_markdown_is_made_of_ours_alone_and_marked_once() -> None:
    ours = {token.type for screen in RESULTS for token in MARKDOWN.parse(drawn(screen, CLEAN, "markdown"))}
    for screen, text in comments():
        assert {token.type for token in parsed(text)} <= ours, screen
        assert text.count("<!-- llmcost-check -->") == screen.startswith("comment"), screen


def test_a_test_report_is_xml_of_ours() -> None:
    for screen in CHECKS:
        clean = [each.tag for each in ElementTree.fromstring(ci.junit(result(screen, CLEAN))).iter()]
        for first in firsts(screen):
            text = ci.junit(result(screen, first))
            assert [each.tag for each in ElementTree.fromstring(text.encode()).iter()] == clean
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text) and "<!" not in text


def test_annotations_and_outputs_are_those_of_the_check() -> None:
    for screen in CHECKS:
        for first in firsts(screen):
            said = result(screen, first)
            lines = list(ci.workflow_commands(said))
            assert all(re.fullmatch(r"::(error|warning) title=[^:,\r\n]*::[^\r\n]*", line) for line in lines)
            values = re.findall(r"(?ms)^(\w+)<<(\S+)\n(.*?)\n\2$", ci.outputs(said))
            assert [name for name, _, _ in values] == [
                "passed", "changed", "change", "past_cost_per_call_usd", "cost_per_call_usd", "delta_usd", "failed",
                "headline",
            ]  # fmt: skip
            assert all("\n" not in value for _, _, value in values)


def test_json_says_the_same_and_steers_nothing() -> None:
    for screen in RESULTS:
        for first in firsts(screen):
            text = to_json(result(screen, first))
            assert steering(text) == set()
            assert msgspec.json.decode(text, type=type(result(screen, first))) == result(screen, first)


@pytest.mark.parametrize("name", renderers())
def test_half_a_character_breaks_nothing(name: str) -> None:
    for document, make in (RESULTS["audit"], RESULTS["replay with texts"]):
        whole = document(results.poisoned(make(), poison(0, SURROGATES)))
        renderers()[name](whole, width=100).encode()
