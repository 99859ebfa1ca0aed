"""A check as a comment of a pull request: Markdown that a later run finds again and replaces."""

from __future__ import annotations

from dataclasses import replace

from llmcost.gate.result import CheckResult
from llmcost.report.document import Document, Table
from llmcost.report.renderers.markdown import render_markdown
from llmcost.report.screens.check import check_document

COMMENT_MARK = "<!-- llmcost-check -->"
LONGEST_COMMENT = 65_536  # characters, GitHub's limit
_CUT = "\n\n_The details are left out: they are longer than a comment may be._\n"


def comment(result: CheckResult, most: int = LONGEST_COMMENT) -> str:
    """The mark, the check, what it was made with; details are left out where all of it is longer than `most`."""
    document = check_document(result)
    whole = _marked(render_markdown(document), result)
    if len(whole) <= most:
        return whole
    short = Document(document.title, tuple(block for block in document.blocks if not _is_detail(block)))
    return _marked(render_markdown(_fewer(short)) + _CUT, result)[:most]


def _marked(text: str, result: CheckResult) -> str:
    prices = f"prices of {result.prices.as_of} ({result.prices.sha256[:12]})"
    return f"{COMMENT_MARK}\n{text}\n<sub>llmcost {result.llmcost_version} · {prices}</sub>\n"


def _is_detail(block: object) -> bool:
    return isinstance(block, Table) and block.detail


def _fewer(document: Document, rows: int = 50) -> Document:
    """The document with as many rows of each table as are read at all, and its last, which is the total."""
    blocks = (
        replace(block, rows=(*block.rows[:rows], block.rows[-1]))
        if isinstance(block, Table) and len(block.rows) > rows + 1
        else block
        for block in document.blocks
    )
    return Document(document.title, tuple(blocks))
