"""Every kind of finding has a page that a reader can be sent to."""

from importlib import resources

import pytest

from llmcost.audit.findings import RULES

PAGES = resources.files("llmcost.audit.findings") / "pages"
SAID = ("**What it means.**", "**How it is counted.**", "**When it is wrong.**", "**What to do.**")


@pytest.mark.parametrize("kind", RULES)
def test_a_kind_has_a_page_that_says_what_it_means_and_what_to_do(kind):
    page = (PAGES / f"{kind}.md").read_text("utf-8")
    assert page.startswith(f"# {kind}\n")
    places = [page.index(part) for part in SAID]
    assert places == sorted(places)
    assert 8 <= len(page.splitlines()) <= 30
    assert max(map(len, page.splitlines())) <= 120


def test_no_page_is_left_of_a_kind_that_is_gone():
    assert {page.name for page in PAGES.iterdir()} == {f"{kind}.md" for kind in RULES}
