"""Starting the recorded endpoint in a process of its own, and stopping it for certain."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from llmcost.errors import EndpointError

STOP_WITHIN_S = 5.0


@contextmanager
def serve() -> Iterator[str]:
    """The base URL of a recorded endpoint that runs in a process of its own until the block is left.

    The process ends by itself when this one is gone, however it went: its standard input ends then.
    """
    command = [sys.executable, "-m", "llmcost.demo.server", "--port", "0", "--until-eof"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        if not base_url:
            raise EndpointError("the recorded endpoint did not start", "run python -m llmcost.demo.server to see why")
        yield base_url
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
