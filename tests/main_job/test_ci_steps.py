"""The files of docs/ci: the action's own steps, run as a runner runs them, on two versions of an application's log."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from support import shop

CI = Path(__file__).parents[2] / "docs" / "ci"
ACTION: dict[str, Any] = yaml.safe_load((CI / "action.yml").read_text(encoding="utf-8"))
[INSTALL, CHECK] = ACTION["runs"]["steps"]


@dataclass
class Ran:
    code: int
    outputs: dict[str, str]
    summary: str
    comment: str
    said: str
    failures: int


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout: the application's log before, its baseline, and the log after its prompts grew."""
    folder = tmp_path_factory.mktemp("app")
    shop.write_log(folder / "before.jsonl", 120)
    text = (folder / "before.jsonl").read_text(encoding="utf-8")
    longer = re.sub(r'"completion_tokens": (\d+)', lambda m: f'"completion_tokens": {int(m[1]) * 3}', text)
    assert longer != text
    (folder / "after; touch pwned.jsonl").write_text(longer, encoding="utf-8")
    made = shop.run("baseline", "before.jsonl", "--paired", "-o", "llmcost-baseline.json", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


def ran(app: Path, tmp: Path, **inputs: str) -> Ran:
    """The step "Check" with these inputs, as GitHub's runner starts it: bash -eo pipefail, files named in variables."""
    (app / "llmcost-junit.xml").unlink(missing_ok=True)
    given = {name: spec.get("default", "") for name, spec in ACTION["inputs"].items()} | inputs
    values = {name: _input(expression, given) for name, expression in CHECK["env"].items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    files = {"GITHUB_OUTPUT": tmp / "output", "GITHUB_STEP_SUMMARY": tmp / "summary"}
    runner = {name: str(file) for name, file in files.items()} | {"RUNNER_TEMP": str(tmp), "GITHUB_ACTIONS": "true"}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", CHECK["run"]],
        cwd=app, env=shop.environment({"PATH": path, **values, **runner}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    written = {name: file.read_text(encoding="utf-8") if file.exists() else "" for name, file in files.items()}
    junit, outputs = app / "llmcost-junit.xml", _outputs(written["GITHUB_OUTPUT"])
    found = Ran(
        done.returncode,
        outputs,
        written["GITHUB_STEP_SUMMARY"],
        Path(outputs["comment"]).read_text(encoding="utf-8") if "comment" in outputs else "",
        done.stdout + done.stderr,
        len(ElementTree.parse(junit).findall(".//failure")) if junit.exists() else -1,
    )
    print(f"exit {found.code}, {found.failures} failures in JUnit, {found.outputs}\n{found.said}")
    return found


def _input(expression: str, given: dict[str, str]) -> str:
    found = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", expression)
    assert found, "an input reaches a script by its environment alone"
    return given[found[1]]


def _outputs(text: str) -> dict[str, str]:
    """name=value and name<<DELIMITER lines, as the runner reads them."""
    several = {name: value for name, _, value in re.findall(r"(?ms)^(\w+)<<(\S+)\n(.*?)\n\2$", text)}
    return several | dict(re.findall(r"(?m)^(\w+)=(.*)$", text))


def test_the_same_log_passes_and_is_quiet(app: Path, tmp_path: Path) -> None:
    found = ran(app, tmp_path, logs="before.jsonl", paired="true")
    assert (found.code, found.outputs["passed"], found.outputs["changed"]) == (0, "true", "false")
    assert "nothing changed" in found.comment and found.failures == 0
    assert "::error" not in found.said and "::warning" not in found.said


def test_longer_answers_fail_and_are_said_everywhere(app: Path, tmp_path: Path) -> None:
    found = ran(app, tmp_path, logs="\nafter; touch pwned.jsonl\n", paired="true")
    assert (found.code, found.outputs["passed"], found.outputs["changed"]) == (1, "false", "true")
    assert float(found.outputs["change"]) > 0.05
    assert "::error title=llmcost%3A cost per call::" in found.said
    assert found.comment.startswith("<!-- llmcost-check -->") and "FAIL" in found.comment
    assert "output tokens" in found.summary and found.failures >= 1
    assert not (app / "pwned.jsonl").exists()
    named = {
        re.fullmatch(r"\$\{\{ steps\.check\.outputs\.(\w+) \}\}", each["value"])[1]
        for each in ACTION["outputs"].values()
    }
    assert named <= set(found.outputs)


def test_what_is_allowed_passes_and_is_still_said(app: Path, tmp_path: Path) -> None:
    found = ran(app, tmp_path, logs="after; touch pwned.jsonl", paired="true", **{"max-increase": "900%"})
    assert (found.code, found.outputs["passed"], found.outputs["changed"]) == (0, "true", "true")
    assert "PASS" in found.comment


def test_a_check_that_cannot_run_is_no_verdict(app: Path, tmp_path: Path) -> None:
    found = ran(app, tmp_path, logs="nowhere.jsonl")
    assert (found.code, found.outputs, found.comment, found.failures) == (3, {}, "", -1)


def test_what_a_file_is_called_starts_no_command(app: Path, tmp_path: Path) -> None:
    """GitHub reads stderr as well, and a pull request names its files."""
    name = "x\n::stop-commands::forged ##[add-mask]a.jsonl"
    (app / name).write_text('{"no": "call"}\n', encoding="utf-8")
    found = ran(app, tmp_path, logs="x*.jsonl")
    assert found.code == 3 and "forged" in found.said
    assert not [line for line in found.said.splitlines() if re.search(r"^\s*::|##\[", line)]


def test_what_cannot_be_written_is_said_and_keeps_the_verdict_from_no_other_place(app: Path, tmp_path: Path) -> None:
    given = ["after; touch pwned.jsonl", "--baseline", "llmcost-baseline.json", "--paired", "--format", "json"]
    places = {
        "GITHUB_OUTPUT": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_ACTIONS": "true",
    }
    files = ["--markdown", str(tmp_path / "no" / "folder.md"), "--junit", str(tmp_path / "junit.xml")]
    done = shop.run_here("check", *given, *files, cwd=app, env=places)
    assert done.returncode == 3
    assert json.loads(done.stdout)["passed"] is False
    assert "FAIL  cost per case" in done.stderr and "error: cannot write" in done.stderr
    assert "::error title=" in done.stderr and "Traceback" not in done.stderr
    assert "FAIL" in (tmp_path / "summary").read_text(encoding="utf-8") and (tmp_path / "junit.xml").exists()


def test_no_script_holds_an_expression_and_no_job_but_one_may_write() -> None:
    workflow = yaml.safe_load((CI / "workflow.yml").read_text(encoding="utf-8"))
    steps = [INSTALL, CHECK, *(step for job in workflow["jobs"].values() for step in job["steps"])]
    scripts = [step.get("run") or step.get("with", {}).get("script", "") for step in steps]
    assert len(list(filter(None, scripts))) == 4 and not [script for script in scripts if "${{" in script]
    assert workflow["permissions"] == {"contents": "read"}
    writers = [name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()]
    assert writers == ["comment"]
    assert not any("checkout" in step.get("uses", "") for step in workflow["jobs"]["comment"]["steps"])


POST = """
const comments = JSON.parse(process.argv[1]), did = []
const rest = { issues: { listComments: 'list', updateComment: async (with_) => did.push(['update', with_.comment_id]),
                         createComment: async (with_) => did.push(['create', with_.body]) } }
const github = { rest, paginate: async () => comments }
const context = { repo: { owner: 'o', repo: 'r' }, issue: { number: 1 } }
const run = Object.getPrototypeOf(async () => {}).constructor
const script = run('github', 'context', 'require', process.argv[2])
script(github, context, require).then(() => console.log(JSON.stringify(did)))
"""
MARKED = "<!-- llmcost-check --> FAIL"
OLD = [
    {"id": 1, "user": {"type": "User"}, "body": MARKED},
    {"id": 2, "user": {"type": "Bot"}, "body": "ours?"},
    {"id": 3, "user": {"type": "Bot"}, "body": MARKED},
]


@pytest.mark.skipif(shutil.which("node") is None, reason="what posts the comment is JavaScript")
@pytest.mark.parametrize(
    ("comments", "changed", "expected"),
    [
        (OLD[:2], "false", []),
        (OLD[:2], "true", [["create", "PASS"]]),
        (OLD, "true", [["update", 3]]),
        (OLD, "false", [["update", 3]]),
    ],
)
def test_one_comment_is_kept_up_to_date_and_none_is_made_where_nothing_changed(
    comments: list[dict[str, Any]], changed: str, expected: list[list[Any]], tmp_path: Path
) -> None:
    workflow = yaml.safe_load((CI / "workflow.yml").read_text(encoding="utf-8"))
    script = workflow["jobs"]["comment"]["steps"][-1]["with"]["script"]
    (tmp_path / "llmcost-comment.md").write_text("PASS", encoding="utf-8")
    done = subprocess.run(
        ["node", "-e", POST, json.dumps(comments), script],
        cwd=tmp_path, env=os.environ | {"CHANGED": changed}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize("page", ["gitlab-ci.yml", "pre-commit-config.yaml", "workflow.yml", "action.yml"])
def test_every_flag_of_the_examples_is_one_of_the_command(page: str) -> None:
    text = (CI / page).read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    known = set(re.findall(r"(--[a-z-]+)", shop.run_here("check", "--help", cwd=Path.cwd()).stdout))
    for command in re.findall(r"llmcost check (.*)", text) + re.findall(r"options\+?=\((.*?)\)", text):
        assert set(re.findall(r"(--[a-z-]+)", command)) <= known
