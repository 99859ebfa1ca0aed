"""docs/exports.md shows what exporters write, names every one of them, and its example of an own one works.

A block whose language is followed by a target holds the export of one run (`head=N`: its first lines).
`LLMCOST_UPDATE_DOCS=1` writes them into the page, to be read before it is committed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support import results, sources
from support.sources import Given

from llmcost.report import exporters

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
BLOCK = re.compile(r"^```(\w+) (\w+)(?: head=(\d+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST = 116


def written(block: re.Match[str]) -> str:
    """The block with what its exporter writes now; `own` is the page's own."""
    language, to, head, _ = block.groups()
    if to == "own":
        return block[0]
    report = sources.of(results.beyond_models(), "support chat", "code")
    made = exporters()[to](Given(report, sample=sources.PROMPTS[2:3])).splitlines()
    lines = [line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in made]
    cut = [*lines[: int(head)], "…"] if head and len(lines) > int(head) else lines
    opening = f"```{language} {to}" + (f" head={head}" if head else "")
    return "\n".join([opening, *cut, "```"])


def test_the_page_shows_what_is_written() -> None:
    page = PAGE.read_text(encoding="utf-8")
    now = BLOCK.sub(written, page)
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
        pytest.fail("docs/exports.md was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now
    assert {block[2] for block in BLOCK.finditer(page)} == {*exporters(), "own"}


def test_the_example_of_an_own_exporter_works() -> None:
    [example] = [block[4] for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if block[2] == "own"]
    names: dict[str, object] = {}
    exec(example, names)
    export = names["export_shell"]
    assert callable(export)
    assert export(Given(sources.switched())) == "support chat\tQwen/Qwen3-8B\nclassify\tQwen/Qwen3-8B\ncode\tgpt-4o\n"
