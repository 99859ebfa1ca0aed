"""The pages of the findings: what each means, how it is counted, when it is wrong, what to do."""

from __future__ import annotations

import re
from importlib import resources

import msgspec

from llmcost.audit.findings import RULES
from llmcost.audit.result import Finding
from llmcost.pricing.result import PriceStamp
from llmcost.version import VERSION

_LEAD = re.compile(r"\*\*(.+?)\*\*\s*")


class Paragraph(msgspec.Struct, frozen=True):
    """One answer of a page: the question it answers ("What it means.") and the text."""

    lead: str
    text: str


class Explanation(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.explain/1"):
    """A kind of finding: its page, and what the last audit here found of it, dearest first.

    `files`, `start` and `end` say which log that was, `prices` what it was priced with; they are empty where nothing
    was audited yet.
    """

    kind: str
    page: list[Paragraph]
    findings: list[Finding] = []
    files: list[str] = []
    start: str | None = None
    end: str | None = None
    llmcost_version: str = VERSION
    prices: PriceStamp | None = None

    @property
    def meaning(self) -> str:
        """What the finding means, in one sentence."""
        return re.split(r"(?<=[.;:])\s", self.page[0].text, maxsplit=1)[0].rstrip(";:.") + "."


class Explanations(msgspec.Struct, frozen=True, tag_field="schema", tag="llmcost.findings/1"):
    """Every kind of finding there is."""

    kinds: list[Explanation]
    llmcost_version: str = VERSION
    prices: PriceStamp | None = None


def page(kind: str) -> list[Paragraph]:
    """The paragraphs of a finding's page, in order."""
    _, *blocks = markdown(kind).strip().split("\n\n")
    return [_paragraph(" ".join(block.split())) for block in blocks]


def markdown(kind: str) -> str:
    """The page of a finding as it is written."""
    return (resources.files("llmcost.audit.findings") / "pages" / f"{kind}.md").read_text("utf-8")


def kinds() -> list[str]:
    """Every kind of finding, in the order that the rules are asked."""
    return list(RULES)


def _paragraph(text: str) -> Paragraph:
    found = _LEAD.match(text)
    return Paragraph(found[1], text[found.end() :]) if found else Paragraph("", text)
