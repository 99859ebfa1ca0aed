"""Dask: on a cluster of its own and on one that stands somewhere, what users get is the same as without."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import forms
from support.pieces import refused

from llmcost import engine
from llmcost.errors import ConfigError, InputError

TESTS = Path(__file__).parents[1]
WORKERS = 2
DASK = "import sys; from distributed.cli.dask_{name} import main; sys.argv[0] = 'dask'; main()"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent)))}


def started(name: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DASK.format(name=name), *arguments, "--no-dashboard", "--host", "127.0.0.1"]
    return subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    folder = tmp_path_factory.mktemp("dask")  # not where the logs are
    with ExitStack() as stack:
        head = stack.enter_context(started("scheduler", folder, "--port", "0"))
        stack.callback(head.terminate)
        assert head.stderr is not None
        address = next(found[0] for line in head.stderr if (found := re.search(r"tcp://127\.0\.0\.1:\d+", line)))
        for _ in range(WORKERS):
            worker = stack.enter_context(started("worker", folder, address, "--no-nanny", "--nthreads", "1"))
            stack.callback(worker.terminate)
        yield address


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several files, so that there is something to share out."""
    folder = tmp_path_factory.mktemp("logs") / "logs"
    folder.mkdir()
    for part in range(6):
        rows = [log_record(1_000 * part + number) for number in range(200)]
        (folder / f"{part}.jsonl").write_bytes(forms.jsonl(rows) + b'{"cut": \n')
    return folder


def audited(log: Path, *flags: str) -> str:
    place = log.parent / "_".join(("workspace", *(re.sub(r"\W", "", flag) for flag in flags)))
    command = [sys.executable, "-m", "llmcost", "audit", str(log), "--format", "json", *flags]
    environ = {**environment(), "LLMCOST_WORKSPACE": str(place)}
    done = subprocess.run(command, cwd=log.parent, env=environ, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_any_cluster_gives_the_same_bytes(log: Path, scheduler: str) -> None:
    here = audited(log)
    assert '"calls":1200' in here.replace(" ", "")
    assert audited(log, "--engine", "dask", "--workers", str(WORKERS)) == here
    assert audited(log, "--engine", "dask", "--scheduler", scheduler) == here


def test_an_error_of_a_piece_comes_from_a_cluster_as_it_is(scheduler: str) -> None:
    results = engine.run(refused, range(5), dask=scheduler)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="cannot read piece 2") as raised:
        next(results)
    assert raised.value.hint == "write it again"


def test_without_dask_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="not installed") as raised:
        list(engine.run(abs, [1, 2], dask="local"))
    assert raised.value.hint is not None and "llmcost-cli[dask]" in raised.value.hint


NOBODY = """
import sys
from llmcost import engine
from llmcost.engine import cluster
from llmcost.errors import ConfigError

cluster.CONNECT_S = 1
try:
    list(engine.run(abs, [1, 2], dask=sys.argv[1]))
except ConfigError as error:
    print(error.message, error.hint)
"""


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "no address at all", "tcp://127.0.0.1:no-port", "x://y"])
def test_where_nobody_is_there_it_is_said_how_to_start_one(address: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = address.format(port=unused.getsockname()[1])
        # In a process of its own: a second client in one where the first failed may wait for ever inside Dask.
        command = [sys.executable, "-c", NOBODY, place]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=True)
    assert f"no Dask scheduler at {place}" in done.stdout and "dask scheduler" in done.stdout


def log_record(number: int) -> dict[str, object]:
    return {"timestamp": 1_790_000_000 + number, "model": "gpt-4o", "prompt": f"What is {number}?", "response": "It.",
            "prompt_tokens": 10, "completion_tokens": 3}  # fmt: skip
