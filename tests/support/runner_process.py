"""A replay in a process of its own, to be killed: asks `count` questions and prints the bill when it is through.

python -m support.runner_process BASE_URL WORKSPACE COUNT CAP
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from llmcost.endpoint import ChatRequest, Completion, Endpoint
from llmcost.replay.budget import Budget
from llmcost.replay.runner import Runner, Spend, open_store
from llmcost.workspace import Workspace

RUN = "run-1"
OUTPUT_USD = 1e-5
WORST_USD = 1e-3


def questions(count: int) -> list[ChatRequest]:
    models = ("cheap", "dear")
    return [
        ChatRequest({"model": models[n % 2], "messages": [{"role": "user", "content": f"question {n}"}]})
        for n in range(count)
    ]


def cost(_request: ChatRequest, completion: Completion) -> float | None:
    tokens = completion.usage.output_tokens
    return None if tokens is None else tokens * OUTPUT_USD


def worst_case(_request: ChatRequest) -> float | None:
    return WORST_USD


async def replay(base_url: str, folder: str, count: int, cap: float) -> tuple[list[Completion], list[Spend]]:
    with open_store(Workspace(Path(folder))) as store:
        async with Endpoint(base_url, "sk-planted-0123456789abcdef", backoff_s=0.01, concurrency=32) as endpoint:
            runner = Runner(lambda _model: endpoint, store, RUN, Budget(cap), cost, worst_case, concurrency=32)
            return await runner(questions(count), "replay"), runner.spend()


if __name__ == "__main__":
    completions, spend = asyncio.run(replay(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    print([(completion.model, completion.answer) for completion in completions], spend)
