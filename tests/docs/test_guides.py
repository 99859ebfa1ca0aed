"""The guides: their commands print what they show, every flag that they name is one, their settings are settings.

Blocks ```console of the guides in `RUN` are run, one after the other, each guide in a folder of its own; what a replay
prints is told in words. `LLMCOST_UPDATE_DOCS=1` writes what the commands print into the page, to be read before it is
committed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import shop
from support.console import BLOCK, QuickShell, replayed

from llmcost import config

ROOT = Path(__file__).parents[2]
GUIDES = ("first-audit", "first-replay", "verdicts", "ci", "faq")
RUN = ("first-audit", "ci")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
CALL = re.compile(r"(?<![\w./-])llmcost ([a-z]+)\b((?:[^`|\n#]|\\\n)*)")


@dataclass
class Guide(QuickShell):
    """Commands of a guide: a check may fail, `echo $?` tells that it did, and what llmcost prints may be piped."""

    code: int = 0

    def stdout(self, command: str) -> str:
        if command == "echo $?":
            return f"{self.code}\n"
        first, _, rest = command.partition(" | ")
        done = self.run(first)
        self.code = done.returncode
        assert self.code == 0 or (first.startswith("llmcost check ") and self.code == 1), f"{command}: {done.stderr}"
        return piped(done.stdout, rest) if rest else done.stdout


def piped(given: str, command: str) -> str:
    """What a command that must succeed makes of a text."""
    return subprocess.run(["bash", "-c", command], input=given, capture_output=True, text=True, check=True).stdout


def guide(name: str) -> Path:
    return ROOT / "docs" / f"{name}.md"


def text(name: str) -> str:
    return guide(name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def flags() -> dict[str, set[str]]:
    """Every command with the flags of its --help."""
    wide = {"COLUMNS": "200"}
    listed = shop.run_here("--help", cwd=ROOT, env=wide).stdout.partition("Commands:")[2]
    names = re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE)
    return {name: set(FLAG.findall(shop.run_here(name, "--help", cwd=ROOT, env=wide).stdout)) for name in names}


@pytest.mark.parametrize("name", RUN)
def test_every_command_prints_what_the_guide_shows(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_logs", tmp_path / "sample_logs")
    shell = Guide(tmp_path)
    now = BLOCK.sub(lambda block: replayed(block, shell), text(name))
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        guide(name).write_text(now, encoding="utf-8")
        pytest.fail(f"docs/{name}.md was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert text(name) == now


@pytest.mark.parametrize("name", GUIDES)
def test_flags_of_the_guide_are_flags_of_the_command(name: str, flags: dict[str, set[str]]) -> None:
    page = text(name)
    assert len(flags) >= 14
    assert set(FLAG.findall(page)) <= set().union(*flags.values())
    for command, rest in CALL.findall(page):
        assert command in flags, command
        assert set(FLAG.findall(rest)) <= flags[command], f"llmcost {command}{rest}"


@pytest.mark.parametrize("name", GUIDES)
def test_every_setting_of_the_guide_is_one(name: str) -> None:
    for example in re.findall(r"```toml\n(.*?)```", text(name), re.DOTALL):
        config.parse(tomllib.loads(example), guide(name))


@pytest.mark.parametrize("name", [name for name in GUIDES if name not in RUN])
def test_other_guides_show_nothing_as_run_that_is_not(name: str) -> None:
    assert not BLOCK.search(text(name))
