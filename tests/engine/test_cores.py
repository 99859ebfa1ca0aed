"""Processes of this machine: results in order, errors as they are, nobody left behind, no script run twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import forms
from support.pieces import deadly, late, refused

from llmcost import engine
from llmcost.errors import InputError, LLMCostError

TESTS = Path(__file__).parents[1]
PATIENCE_S = 20


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent)))}


def test_results_come_in_order_whoever_is_quick() -> None:
    pieces = [(number, 0.05 * (number % 3 == 0)) for number in range(20)]
    found = list(engine.run(late, pieces, workers=3))
    assert [number for number, _ in found] == list(range(20))
    assert os.getpid() not in {process for _, process in found}


@pytest.mark.parametrize(("count", "workers"), [(1, 4), (5, 1), (0, 4)])
def test_a_single_piece_or_worker_needs_no_process(count: int, workers: int) -> None:
    found = list(engine.run(late, [(number, 0.0) for number in range(count)], workers=workers))
    assert found == [(number, os.getpid()) for number in range(count)]


def test_an_error_of_a_piece_comes_in_its_place_as_it_is() -> None:
    results = engine.run(refused, range(9), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="cannot read piece 2") as raised:
        next(results)
    assert raised.value.hint == "write it again"


def test_a_worker_that_dies_is_said_so() -> None:
    with pytest.raises(LLMCostError, match="worker process died") as raised:
        list(engine.run(deadly, range(9), workers=2))
    assert raised.value.hint is not None and "--workers 1" in raised.value.hint


SCRIPT = """
import sys
from llmcost import engine
from support.pieces import marked

for _ in engine.run(marked, [(number, sys.argv[1]) for number in range(60)], workers=2):
    pass
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent_however_it_ends(ending: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    parent = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, start_new_session=True)
    until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(file.name) for file in tmp_path.iterdir()]
    if ending == signal.SIGINT:
        os.killpg(parent.pid, ending)  # as a terminal does: to all of them
    else:
        parent.send_signal(ending)
    _, said = parent.communicate(timeout=PATIENCE_S)
    until(lambda: not any(alive(worker) for worker in workers))
    assert said.count(b"Traceback") <= 1, "workers say nothing of an interrupt"


def until(done: object) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # one that ended and that nobody asked for yet


GUARDLESS = """
import sys
print("started", flush=True)
import llmcost
from llmcost.logs import fragments
fragments.FRAGMENT_BYTES = 20_000
found = llmcost.audit([sys.argv[1]], options=llmcost.Options(workers=int(sys.argv[2])))
import json, msgspec
print(json.dumps(msgspec.to_builtins(found.result)))
print(sys.modules["__main__"].__file__ == __file__)
"""


def test_a_script_without_a_guard_is_not_run_again_by_workers(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(GUARDLESS)
    (tmp_path / "log.jsonl").write_bytes(forms.jsonl([log_record(number) for number in range(1_000)]))
    said = []
    for workers in ("1", "2"):
        home = {**environment(), "LLMCOST_WORKSPACE": str(tmp_path / f"workspace{workers}")}
        command = [sys.executable, "script.py", "log.jsonl", workers]
        done = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        said.append(done.stdout.splitlines())
    assert said[0] == said[1]
    assert len(said[0]) == 3 and said[0][0] == "started" and said[0][2] == "True"
    assert json.loads(said[0][1])["totals"]["calls"] == 1_000


def log_record(number: int) -> dict[str, object]:
    return {"timestamp": 1_790_000_000 + number, "model": "gpt-4o", "prompt": f"What is {number}?", "response": "It.",
            "prompt_tokens": 10, "completion_tokens": 3}  # fmt: skip
