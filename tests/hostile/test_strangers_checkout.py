"""A check of a stranger's changes: no file outside the checkout, no host, no code but ours, whatever the files say."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import shop, watched
from support.shop import environment

SECRET = "hunter2-of-somebody-else"
CHECK = ["check", "log.jsonl", "--baseline", "base.json"]
OF_CONFIG = ["check", "--baseline", "base.json"]
EVIL = "import os\nos.system('touch pwned')\nraise SystemExit\n"

# Each is a folder within the checkout with what is planted there (a link, if it begins with @) and a command.
REFUSED: dict[str, tuple[dict[str, str], list[str]]] = {
    "a configuration that is a link": ({"llmcost.toml": "@secret.toml"}, CHECK),
    "a project file that is a link": ({"pyproject.toml": "@secret.toml"}, CHECK),
    "a configuration that was named and is a link": ({"c.toml": "@secret.toml"}, [*CHECK, "--config", "c.toml"]),
    "a log of an absolute path": ({"llmcost.toml": '[logs]\npaths = ["OUTSIDE/log.jsonl"]'}, OF_CONFIG),
    "a log somewhere above": ({"llmcost.toml": '[logs]\npaths = ["../../outside/log.jsonl"]'}, OF_CONFIG),
    "a glob that leads out": ({"llmcost.toml": '[logs]\npaths = ["../../outside/*.jsonl"]'}, OF_CONFIG),
    "a folder that is a link": ({"logs": "@.", "llmcost.toml": '[logs]\npaths = ["logs"]'}, OF_CONFIG),
    "a folder that is a link, named": ({"logs": "@."}, ["check", "logs", "--baseline", "base.json"]),
    "an object store": ({"llmcost.toml": '[logs]\npaths = ["s3://bucket/log.jsonl"]'}, OF_CONFIG),
    "a web address": ({"llmcost.toml": '[logs]\npaths = ["https://evil.example/log.jsonl"]'}, OF_CONFIG),
    "another cloud": ({"llmcost.toml": '[logs]\npaths = ["az://a/b"]'}, OF_CONFIG),
    "what is typed": ({"llmcost.toml": '[logs]\npaths = ["-"]'}, OF_CONFIG),
    "a log that is a link": ({"log.jsonl": "@log.jsonl"}, CHECK),
    "a log in a folder that is a link": ({"l/x.jsonl": "@log.jsonl"}, ["check", "l", "--baseline", "base.json"]),
    "a log that matches and is a link": ({"x.jsonl": "@log.jsonl"}, ["check", "x.*", "--baseline", "base.json"]),
    "a link behind dots": ({"sub": "@."}, ["check", "sub/../outside/log.jsonl", "--baseline", "base.json"]),
    "a link to itself": ({"log.jsonl": "@@log.jsonl"}, CHECK),
    "memory": ({"log.jsonl": "@@/proc/self/environ"}, CHECK),
    "a baseline that is a link": ({"base.json": "@secret.toml"}, CHECK),
    "a report that is a link": ({"r.json": "@secret.toml"}, [*CHECK, "--run", "r.json"]),
    "a run that is a link": ({".llmcost/runs/0123456789ab.json": "@secret.toml"}, [*CHECK, "--run", "0123456789ab"]),
    "a run somewhere above": ({}, [*CHECK, "--run", "../../../outside/secret"]),
    "prices that are a link": ({".llmcost/prices.json.gz": "@prices.json.gz"}, CHECK),
    "a workspace that is a link": ({".llmcost": "@."}, CHECK),
    "a result that is a link": ({"out.md": "@mine.txt"}, [*CHECK, "-o", "out.md"]),
    "a comment that is a link": ({"c.md": "@mine.txt"}, [*CHECK, "--markdown", "c.md"]),
    "a test report that is a link": ({"j.xml": "@mine.txt"}, [*CHECK, "--junit", "j.xml"]),
    "a result in a folder that is a link": ({"out": "@."}, [*CHECK, "-o", "out/mine.txt"]),
    "a new baseline that is a link": ({"llmcost-baseline.json": "@mine.txt"}, ["baseline", "log.jsonl"]),
    "a baseline of what is outside": ({"log.jsonl": "@log.jsonl"}, ["baseline", "log.jsonl"]),
    "a report on what is inside": ({"out.html": "@mine.txt"}, ["audit", "log.jsonl", "--format", "html", "-o",
                                                               "out.html"]),
}  # fmt: skip
DONE: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing planted": ({}, CHECK),
    "code in every place": (
        {f"{name}.py": EVIL for name in ("msgspec", "rich", "yaml", "sitecustomize", "conftest", "llmcost_plugin")}
        | {"evil-1.dist-info/entry_points.txt": "[llmcost.formats]\nevil = llmcost_plugin:x\n",
           "evil-1.dist-info/METADATA": "Name: evil\nVersion: 1\n"},
        CHECK,
    ),
    "an endpoint": ({"llmcost.toml": '[replay]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "HOME"\n'}, CHECK),
    "what is outside, as it was typed": ({}, ["check", "OUTSIDE/log.jsonl", "--baseline", "OUTSIDE/base.json"]),
    "what is above, as it was typed": ({}, ["check", "../../outside/log.jsonl", "--baseline", "base.json"]),
    "a configuration elsewhere, as it was typed": ({}, [*CHECK, "--config", "OUTSIDE/fine.toml"]),
    "a result elsewhere, as it was typed": ({}, [*CHECK, "-o", "OUTSIDE/typed.txt"]),
    "a link within": ({"link.jsonl": "@@log.jsonl"}, ["check", "link.jsonl", "--baseline", "base.json"]),
    "an index of somebody": ({".llmcost/index/0.arrow": "x" * 100}, CHECK),
}  # fmt: skip


def plant(folder: Path, outside: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if content.startswith("@"):
            file.symlink_to(content[2:] if content.startswith("@@") else outside / content[1:])
        else:
            file.write_text(content.replace("OUTSIDE", str(outside)), encoding="utf-8")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world") / "outside"


@pytest.fixture(scope="module")
def found(outside: Path) -> dict[str, Any]:
    """What each command said and did; all of them in one process that is watched."""
    outside.mkdir()
    shop.write_log(outside / "log.jsonl", 24)
    made = shop.run_here("baseline", "log.jsonl", "-o", "base.json", cwd=outside)
    assert made.returncode == 0, made.stderr
    (outside / "secret.toml").write_text(f"[{SECRET}]\nx = = {SECRET}", encoding="utf-8")
    (outside / "mine.txt").write_text("mine", encoding="utf-8")
    (outside / "fine.toml").write_text("[gate]\nmax_increase = 0.5\n", encoding="utf-8")
    (outside / "prices.json.gz").write_bytes(gzip.compress(SECRET.encode()))
    checkout = outside.parent / "checkout"
    (checkout / ".git").mkdir(parents=True)
    cases = {"warm": [str(outside), ["check", "log.jsonl", "--baseline", "base.json"], {}]}
    for number, (name, (files, command)) in enumerate({**REFUSED, **DONE}.items()):
        folder = checkout / str(number)
        folder.mkdir()
        for kept in ("log.jsonl", "base.json"):
            (folder / kept).write_bytes((outside / kept).read_bytes())
        plant(folder, outside, files)
        cases[name] = [str(folder), [part.replace("OUTSIDE", str(outside)) for part in command], {}]
    asked = outside.parent / "cases.json"
    asked.write_text(json.dumps(cases), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, watched.__file__, str(asked)], capture_output=True, text=True, timeout=120, check=False,
        env=environment(), cwd=checkout,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers: dict[str, Any] = json.loads(ran.stdout)
    return answers


@pytest.mark.parametrize("name", REFUSED)
def test_what_leads_out_is_refused_by_its_name_alone(found: dict[str, Any], outside: Path, name: str) -> None:
    said = found[name]
    assert said["code"] in (2, 3), said
    assert said["err"].startswith("error: ") or "\nerror: " in said["err"]
    assert SECRET not in said["err"] + said["out"]
    opened = [
        about for event, about in said["seen"] if event == "open" and os.path.realpath(about).startswith(str(outside))
    ]
    assert opened == []


def test_nothing_outside_was_written_over(found: dict[str, Any], outside: Path) -> None:
    assert found["a result that is a link"]["code"] and found["a new baseline that is a link"]["code"]
    assert (outside / "mine.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", DONE)
def test_what_was_typed_and_what_lies_within_is_used(found: dict[str, Any], outside: Path, name: str) -> None:
    assert found[name]["code"] == 0, found[name]


def test_a_check_runs_nothing_starts_nothing_and_asks_nobody(found: dict[str, Any]) -> None:
    foreign = {
        (name, event, about) for name in (*REFUSED, *DONE) for event, about in found[name]["seen"] if event != "open"
    }
    assert {each for each in foreign if each[1] not in ("os.rename", "os.remove", "os.truncate")} == set()


def test_nothing_of_the_machine_is_opened_that_was_not_named(found: dict[str, Any], outside: Path) -> None:
    opened = {about for name in DONE for event, about in found[name]["seen"] if event == "open"}
    here = str(outside.parent)
    assert opened, "nothing was watched"
    assert [about for about in opened if not os.path.realpath(about).startswith(here)] == []


def test_the_watch_sees_what_it_should(tmp_path: Path) -> None:
    script = f"""
import os, socket, sys
sys.path.insert(0, {str(Path(watched.__file__).parents[1])!r})
from support import watched
sys.addaudithook(watched.note)
watched.watching.add("here")
os.system("true")
try:
    socket.create_connection(("127.0.0.1", 9), 0.1)
except OSError:
    pass
open("/etc/hostname")
watched.watching.clear()
print({{event for event, _ in watched.seen}})
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert all(event in said for event in ("os.system", "socket.connect", "open"))
