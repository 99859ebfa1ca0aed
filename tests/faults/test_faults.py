"""Every fault of an endpoint has the outcome that its row states; what may pass is paid for once more at most."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import fault_run, faults
from support.fault_run import Outcome
from support.faults import ANSWER, FAULTS, NOTHING, WORST, Fault

from llmcost.endpoint import http

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: written by tests/faults -->\n", "<!-- /faults -->"
MAY_PASS = [fault for fault in FAULTS if fault.passes]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Outcome], dict[str, Outcome]]:
    assert http.LARGEST_REPLY == 64_000_000, "as the rows say"
    return fault_run.tried(FAULTS, tmp_path_factory.mktemp("faults"), largest=4_000_000)


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.title for fault in FAULTS])
def test_a_fault_that_lasts(tried: tuple[list[Outcome], dict[str, Outcome]], number: int) -> None:
    fault, outcome = FAULTS[number], tried[0][number]
    stated = (fault.status, fault.seen, fault.attempts, fault.money, fault.verdict)
    assert (outcome.status, outcome.seen, outcome.attempts, outcome.money, outcome.verdict) == stated
    if isinstance(fault.does, faults.Reply):
        assert outcome.reached == fault.attempts, "what is counted is what was sent"


@pytest.mark.parametrize("fault", MAY_PASS, ids=[fault.title for fault in MAY_PASS])
def test_a_fault_that_passes(tried: tuple[list[Outcome], dict[str, Outcome]], fault: Fault) -> None:
    """The answer counts as if nothing had been, and a lost attempt at its worst case where it may be charged."""
    outcome = tried[1][fault.title]
    assert (outcome.status, outcome.verdict, outcome.seen) == ("answered", "graded", faults.OK)
    assert (outcome.attempts, outcome.reached) == (2, 2)
    assert outcome.money == (ANSWER if fault.money == NOTHING else f"{WORST} + {ANSWER}")


def test_the_page_shows_the_table(tried: tuple[list[Outcome], dict[str, Outcome]]) -> None:
    """LLMCOST_UPDATE_DOCS=1 writes it into the page, to be read before it is committed."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    now = f"{before}{BEGIN}\n{fault_run.tables(FAULTS, tried[0])}\n\n{END}{after}"
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
        pytest.fail("docs/reliability.md was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now


def test_names_are_told_apart() -> None:
    assert len({fault.title for fault in FAULTS}) == len(FAULTS)
