"""Pages whose commands are run: a block ```console holds `$ command` lines, each followed by what it writes to stdout.

`head=N` shows N lines of each.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support import demo_run, shop

BLOCK = re.compile(r"```console(?: head=(\d+))?\n(.*?)```", re.DOTALL)
RUN = re.compile(r"\b(run\s+)[0-9a-f]{8}\b")  # names the endpoint, whose port is any free one
ELIDED = "…"
SHELL_ONLY = re.compile(r"[|><$&;*]")


@dataclass
class Shell:
    """Runs commands one after the other, in a folder that `cd` changes."""

    folder: Path
    demo: Path | None = None  # where the demo was run already

    def stdout(self, command: str) -> str:
        if command == demo_run.COMMAND and self.demo is not None:
            shutil.copytree(self.demo, self.folder, dirs_exist_ok=True)
            return ""
        if command.startswith("cd "):
            self.folder = (self.folder / command.removeprefix("cd ")).resolve()
            return ""
        done = self.run(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=shop.environment({"COLUMNS": "80", "PATH": path}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@dataclass
class QuickShell(Shell):
    """The same, with plain `llmcost` commands in this process: the same code without the start of an interpreter."""

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        if not command.startswith("llmcost ") or SHELL_ONLY.search(command):
            return super().run(command)
        return shop.run_here(*shlex.split(command)[1:], cwd=self.folder, env={"COLUMNS": "80"})


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
