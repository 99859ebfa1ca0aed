"""Command lines run in a process that notes what else they do: `python watched.py CASES`, JSON in, JSON out.

A case is a folder and the arguments of a command line. What is noted are audit events (PEP 578) of files opened, code
run, processes started, hosts asked and foreign libraries loaded, once all that any command imports is imported.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

NOTED = ("open", "exec", "os.", "subprocess.", "socket.", "ctypes.", "pickle.", "webbrowser.", "shutil.", "urllib.")
PASSED_OVER = ("os.listdir", "os.scandir", "os.walk", "os.putenv", "os.unsetenv", "os.chmod", "os.utime", "os.mkdir")
INSTALLED = tuple({os.path.realpath(place) for place in (*sys.path[1:], sys.prefix, sys.base_prefix)})

seen: list[list[str]] = []
watching: set[str] = set()


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Keeps an event that a stranger's files must not bring about, with what it is about."""
    if not watching or not event.startswith(NOTED) or event in PASSED_OVER:
        return
    about = str(getattr(arguments[0], "co_filename", arguments[0])) if arguments else ""
    ours = event in ("open", "exec") and os.path.realpath(about).startswith(INSTALLED)
    if not ours and not (event == "exec" and about.startswith("<")) and not (event == "open" and about.isdigit()):
        seen.append([event, str(Path.cwd() / about) if event == "open" else about])


def run(folder: str, arguments: list[str], environ: dict[str, str]) -> dict[str, Any]:
    """What a command line says and does in a folder."""
    from llmcost import cli

    out, err = io.StringIO(), io.StringIO()
    os.chdir(folder)
    os.environ.update(environ)
    seen.clear()
    watching.add(folder)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(arguments)
    watching.clear()
    for name in environ:
        del os.environ[name]
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "seen": [*seen]}


if __name__ == "__main__":
    sys.addaudithook(note)
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps({name: run(*case) for name, case in cases.items()}))
