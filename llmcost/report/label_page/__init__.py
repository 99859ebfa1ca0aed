"""A packet for people to fill in: one page that works offline, and the same pairs as a table for a spreadsheet.

What stands in either comes from a log: it is shown, never run. The page's policy lets it load nothing and run its own
script only, which is named by its hash.
"""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from string import Template

import msgspec

from llmcost.labelling.packet import ShownItem
from llmcost.report.untrusted import elide, inert_cell, visible_lines

COLUMNS = ("item", "verdict", "question", "answer_1", "answer_2")
LONGEST_CELL = 32_000  # characters; spreadsheets hold 32,767
IN_MARKUP = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def label_page(packet: str, items: Sequence[ShownItem]) -> str:
    """The packet as one HTML file."""
    style, script = _part("page.css"), _part("page.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    shown = {"packet": packet, "items": [_harmless(item) for item in items]}
    return Template(_part("page.html")).substitute(
        policy=f"{policy}; form-action 'none'", style=style, script=script, packet=_inert_json(shown)
    )


def label_table(items: Sequence[ShownItem]) -> str:
    """The packet as CSV with an empty column for the verdict."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for item in map(_harmless, items):
        writer.writerow((item.id, "", *map(_cell, (item.question, item.first, item.second))))
    return text.getvalue()


def _harmless(item: ShownItem) -> ShownItem:
    texts = map(visible_lines, (item.question, item.first, item.second))
    return ShownItem(item.id, *texts)


def _inert_json(value: object) -> str:
    """JSON in which nothing can end the element that it stands in."""
    return msgspec.json.encode(value).decode().translate(IN_MARKUP)


def _cell(text: str) -> str:
    """Text that a spreadsheet takes for text: a quote in front of what it would compute, cut where it would cut."""
    return inert_cell(elide(text, LONGEST_CELL))


def _part(name: str) -> str:
    return (resources.files("llmcost.report.label_page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    """How the page's policy names a part of it that may be used."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
