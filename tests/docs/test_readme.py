"""Every command of the README runs, and prints what the README shows.

A block ```console holds `$ command` lines, each followed by what it writes to stdout; `head=N` shows N lines of each.
`LLMCOST_UPDATE_DOCS=1` writes what the commands print into the page, to be read before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import demo_run, shop

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"```console(?: head=(\d+))?\n(.*?)```", re.DOTALL)
RUN = re.compile(r"\b(run\s+)[0-9a-f]{8}\b")  # names the endpoint, whose port is any free one
ELIDED = "…"


@dataclass
class Shell:
    """Runs commands one after the other, in a folder that `cd` changes."""

    folder: Path
    demo: Path  # where the demo was run already

    def stdout(self, command: str) -> str:
        if command == demo_run.COMMAND:
            shutil.copytree(self.demo, self.folder, dirs_exist_ok=True)
            return ""
        if command.startswith("cd "):
            self.folder = (self.folder / command.removeprefix("cd ")).resolve()
            return ""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=shop.environment({"COLUMNS": "80", "PATH": path}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout


def shown(text: str, head: int | None) -> str:
    """What of a command's output the page shows."""
    lines = [line.rstrip() for line in text.splitlines()]
    if head is not None and len(lines) > head:
        lines = [*lines[:head], ELIDED]
    return RUN.sub(r"\g<1>00000000", "\n".join(lines).strip("\n"))


def replayed(block: re.Match[str], shell: Shell) -> str:
    """The block with what its commands print now."""
    head = int(block[1]) if block[1] else None
    parts = []
    for command in re.findall(r"^\$ (.*)$", block[2], re.MULTILINE):
        output = shown(shell.stdout(command), head)
        parts.append(f"$ {command}\n" + (f"{output}\n" if output else ""))
    opening = f"```console head={head}" if head else "```console"
    return f"{opening}\n{''.join(parts)}```"


def test_every_command_prints_what_the_readme_shows(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (tmp_path / "sample_logs").symlink_to(ROOT / "sample_logs")
    shell, page = Shell(tmp_path, demo_run.demo_folder(tmp_path_factory)), README.read_text(encoding="utf-8")
    now = BLOCK.sub(lambda block: replayed(block, shell), page)
    if os.environ.get("LLMCOST_UPDATE_DOCS"):
        README.write_text(now, encoding="utf-8")
        pytest.fail("the README was rewritten: read it, then run the test without LLMCOST_UPDATE_DOCS")
    assert page == now


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample_logs").symlink_to(ROOT / "sample_logs")
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
