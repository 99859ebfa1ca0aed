"""What a run may take of money, files and memory: a small version of `benchmarks/budget_runs.py` and `soak.py`."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path

import pytest
from support.loopback import Loopback

from llmcost.endpoint import ChatRequest, Completion, Endpoint
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import Workspace

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROOM = "from llmcost.open_files import room_for; room_for({}); import resource; print(resource.getrlimit(7)[0])"


def test_no_run_spends_more_than_its_cap_whatever_fails() -> None:
    """In a process of its own, because its runs are forked and killed."""
    command = [sys.executable, str(BENCHMARKS / "budget_runs.py"), "--runs", "24", "--in-flight", "128"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "24 runs, 128 in flight: 0 spent more than their cap" in outcome.stdout
    assert "losses are dear, killed before, stopped by the cap" in outcome.stdout


def test_what_has_ended_is_let_go(tmp_path: Path) -> None:
    async def main(base_url: str) -> int:
        with open_store(Workspace(tmp_path)) as store:
            async with Endpoint(base_url) as endpoint:
                runner = Runner(lambda m: endpoint, store, "r", Budget(None), lambda r, c: 0.0, lambda r: 0.0)
                for first in range(0, 300, 100):
                    bodies = [
                        {"model": "m", "messages": [{"role": "user", "content": str(first + n)}]} for n in range(100)
                    ]
                    await runner([ChatRequest(body) for body in bodies], "replay")
                await asyncio.sleep(0)
                gc.collect()
                return sum(isinstance(thing, Completion) for thing in gc.get_objects())

    with Loopback() as server:
        assert asyncio.run(main(server.base_url)) < 100
        assert server.count() == 300


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
@pytest.mark.parametrize(("soft", "hard", "connections", "said"), [(256, 800, 512, "576"), (700, 800, 512, "700")])
def test_there_is_room_for_512_connections_where_the_system_has_it(
    soft: int, hard: int, connections: int, said: str
) -> None:
    assert under(soft, hard, connections).stdout.strip() == said


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_where_it_has_not_that_is_said_before_anything_is_sent() -> None:
    refused = under(200, 200, 512).stderr
    assert "512 requests in flight need 576 open files, and this process may have 200" in refused


def under(soft: int, hard: int, connections: int) -> subprocess.CompletedProcess[str]:
    """What a process under these limits of open files says."""
    command = f"ulimit -Sn {soft}; ulimit -Hn {hard}; exec '{sys.executable}' -c '{ROOM.format(connections)}'"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
