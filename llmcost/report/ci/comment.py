"""A check as a comment of a pull request: Markdown that a later run finds again and replaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmcost.gate.result import CheckResult
from llmcost.report.document import Block, Document, Notes, Table, line
from llmcost.report.renderers.markdown import whole_markdown
from llmcost.report.screens.check import check_document

COMMENT_MARK = "<!-- llmcost-check -->"
LONGEST_COMMENT = 65_536  # characters, GitHub's limit
MOST_ROWS = 50  # of a table that is cut, beside its total
MOST_NOTES = 20
_CUT = "\n_The details are left out: all of it is longer than may be shown here. `--format json` holds it._\n"


def comment(result: CheckResult, most: int = LONGEST_COMMENT) -> str:
    """The mark, the check, what it was made with: at most `most` characters.

    Where all of it is longer, the details are left out, then what is more than is read at all, and that is said.
    """
    document = check_document(result)
    head, foot = f"{COMMENT_MARK}\n", _foot(result)
    whole = whole_markdown(document)
    room = most - len(head) - len(foot)
    return head + (whole if len(whole) <= room else _cut(document, room - len(_CUT))) + foot


def _foot(result: CheckResult) -> str:
    prices = f"prices of {result.prices.as_of} ({result.prices.sha256[:12]})"
    return f"\n<sub>llmcost {result.llmcost_version} · {prices}</sub>\n"


def _cut(document: Document, room: int) -> str:
    """What stands above the details, at the end of a line if that is too long as well, and that it was cut."""
    text = whole_markdown(Document(document.title, tuple(_brief(document))))
    return (text if len(text) <= room else text[: text.rindex("\n", 0, room) + 1]) + _CUT


def _brief(document: Document) -> Iterator[Block]:
    for block in document.blocks:
        if isinstance(block, Table) and not block.detail:
            yield _fewer_rows(block)
        elif isinstance(block, Notes):
            yield _fewer_notes(block)
        elif not isinstance(block, Table):
            yield block


def _fewer_rows(table: Table) -> Table:
    """The first rows, and the last, which is the total."""
    *rows, total = table.rows
    return replace(table, rows=(*rows[:MOST_ROWS], total))


def _fewer_notes(notes: Notes) -> Notes:
    more = len(notes.items) - MOST_NOTES
    return notes if more <= 0 else replace(notes, items=(*notes.items[:MOST_NOTES], line(f"and {more:,} more")))
