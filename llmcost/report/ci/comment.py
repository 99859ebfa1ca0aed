"""A check as a comment of a pull request: Markdown that a later run finds again and replaces."""

from __future__ import annotations

from llmcost.gate.result import CheckResult
from llmcost.report.document import Document, Table
from llmcost.report.renderers.markdown import whole_markdown
from llmcost.report.screens.check import check_document

COMMENT_MARK = "<!-- llmcost-check -->"
LONGEST_COMMENT = 65_536  # characters, GitHub's limit
_CUT = "\n_The details are left out: all of it is longer than may be shown here. `--format json` holds it._\n"


def comment(result: CheckResult, most: int = LONGEST_COMMENT) -> str:
    """The mark, the check, what it was made with: at most `most` characters.

    Where all of it is longer, the details are left out, and that is said.
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
    blocks = (block for block in document.blocks if not (isinstance(block, Table) and block.detail))
    text = whole_markdown(Document(document.title, tuple(blocks)))
    return (text if len(text) <= room else text[: text.rindex("\n", 0, room) + 1]) + _CUT
