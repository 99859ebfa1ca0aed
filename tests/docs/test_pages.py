"""docs/findings.md and docs/formats.md repeat what the program says of itself, word for word.

Both have a hand-written head that ends with a mark; what follows is put together here. `LLMCOST_UPDATE_DOCS=1` writes
it into the page, to be read before it is committed.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import textwrap
from pathlib import Path

import pytest

from llmcost.audit import pages
from llmcost.logs import formats
from llmcost.logs.model import LogFormat

DOCS = Path(__file__).parents[2] / "docs"
MARK = "<!-- What follows is put together by tests/docs/test_pages.py. -->\n"


def findings() -> str:
    """The table of all kinds, then the page of each."""
    meaning = {kind: first_sentence(pages.page(kind)[0].text) for kind in pages.kinds()}
    rows = [f"| [`{kind}`](#{kind}) | {said} |" for kind, said in meaning.items()]
    sections = [re.sub(r"^# ", "## ", pages.markdown(kind)).strip() for kind in pages.kinds()]
    return "\n\n".join(["| finding | what it means |\n|---|---|\n" + "\n".join(rows), *sections]) + "\n"


def formats_page() -> str:
    """The table of all formats in order of precedence, then what each one's module says of its tokens."""
    rows = [f"| {form.title} | `{form.name}` |" for form in formats.BUILTIN.values()]
    table = "| format | `--input-format` |\n|---|---|\n" + "\n".join(rows)
    sections = [f"## {form.title}\n\n{said(form)}" for form in formats.BUILTIN.values()]
    return "\n\n".join([table, *sections]) + "\n"


def said(form: LogFormat) -> str:
    """The docstring of the module that makes the format."""
    for found in pkgutil.iter_modules(formats.__path__):
        module = importlib.import_module(f"{formats.__name__}.{found.name}")
        made_here = type(form).__module__ == module.__name__ or any(form is value for value in vars(module).values())
        if made_here:
            return textwrap.dedent(module.__doc__ or "").strip()
    raise AssertionError(f"no module makes {form.name}")


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]


@pytest.mark.parametrize(("name", "made"), [("findings.md", findings), ("formats.md", formats_page)])
def test_the_page_says_what_the_program_says(name, made) -> None:
    page = DOCS / name
    head, mark, rest = page.read_text(encoding="utf-8").partition(MARK)
    assert mark, "the page has lost its mark"
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        page.write_text(f"{head}{MARK}\n{made()}", encoding="utf-8")
        pytest.fail(f"docs/{name} was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert rest == f"\n{made()}"


def test_every_format_says_what_becomes_of_its_tokens() -> None:
    assert len(formats.BUILTIN) >= 22
    for form in formats.BUILTIN.values():
        assert re.search(r"^\| (input_tokens|all token counts) ", said(form), re.MULTILINE), form.name


def test_every_format_is_named_in_the_readme() -> None:
    readme = " ".join((DOCS.parent / "README.md").read_text(encoding="utf-8").split())
    assert [form.title for form in formats.BUILTIN.values() if form.title not in readme] == []


def test_every_kind_of_finding_is_named_in_the_readme() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in pages.kinds() if f"`{kind}`" not in readme] == []
