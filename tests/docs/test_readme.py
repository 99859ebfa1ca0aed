"""Every command of the README runs, and prints what the README shows.

`LLMCOST_UPDATE_DOCS=1` writes what the commands print into the page, to be read before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from support import demo_run
from support.console import BLOCK, QuickShell, replayed

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def test_every_command_prints_what_the_readme_shows(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    shutil.copytree(ROOT / "sample_logs", tmp_path / "sample_logs")
    shell, page = QuickShell(tmp_path, demo_run.demo_folder(tmp_path_factory)), README.read_text(encoding="utf-8")
    now = BLOCK.sub(lambda block: replayed(block, shell), page)
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        README.write_text(now, encoding="utf-8")
        pytest.fail("the README was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "sample_logs", tmp_path / "sample_logs")
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert len(names["found"].by_task) >= 8  # type: ignore[attr-defined]


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["demo", "check"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(commands) <= set(targets)


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").rglob("*.md")), README, ROOT / "CHANGELOG.md"], ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    from llmcost import errors

    kinds = [errors.LLMCostError, *errors.LLMCostError.__subclasses__()]
    codes = {kind.exit_code for kind in kinds} | {errors.EXIT_OK, errors.EXIT_GATE_FAILED, errors.EXIT_INTERRUPTED}
    said = re.findall(r"^\| (\d+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(code) for code in said} == codes
