"""Does a run ever spend more than its cap? Many runs, many requests in flight, faults, kill −9 in the middle.

    python benchmarks/budget_runs.py [--runs 1000] [--in-flight 256]

Every run has a cap of its own, questions whose worst cases differ a hundredfold, and a provider that keeps its own book
in a file: it bills each attempt a share of the worst case, also attempts whose answer got lost on the way or came too
late. In half of the runs one attempt in seventeen is lost and costs as an answer does, and some answers do not tell
their usage. In the other half three in ten are lost and cost the worst case, and an answer costs a twentieth of that.
Half of the runs are killed (SIGKILL, up to three times) after a random number of requests, with answers that were
billed on their way, and taken up again by another process.
What counts is the provider's book at the end, against the cap.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from llmcost.answers import Answer, Usage
from llmcost.endpoint import ChatRequest, Completion
from llmcost.endpoint.client import OnFailure
from llmcost.errors import BudgetError
from llmcost.replay import Budget, Runner, open_store
from llmcost.workspace import Workspace

PICO = 10**12
RETRIES = 3


class Provider:
    """An endpoint without a wire: what it bills is in its book before anybody hears of the answer."""

    base_url = "http://provider/v1"

    def __init__(self, book: int, dice: random.Random, losses_are_dear: bool, dies_after: int | None) -> None:
        self._book, self._dice, self._left = book, dice, dies_after
        self._losses_are_dear = losses_are_dear

    async def complete(self, request: ChatRequest, on_failure: OnFailure) -> Completion:
        for attempt in range(RETRIES + 1):
            await self._time_passes()
            luck = self._dice.random()
            if luck < 0.06:  # overloaded: nobody bills that
                again = await on_failure(perhaps_billed=False, again=attempt < RETRIES)
            elif luck < (0.36 if self._losses_are_dear else 0.12):  # lost: billed or not, who knows
                if self._losses_are_dear or self._dice.random() < 0.7:
                    self._bill(request, 1.0 if self._losses_are_dear else self._share())
                again = await on_failure(perhaps_billed=True, again=attempt < RETRIES)
            elif luck < 0.37 and self._dice.random() < 0.02:
                return Completion(request.model, "rejected", error="too long")
            else:
                return await self._answered(request)
            if not again:
                break
        return Completion(request.model, "unreachable", error="down")

    async def _time_passes(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        for _ in range(self._dice.randint(1, 6)):
            await asyncio.sleep(0)

    async def _answered(self, request: ChatRequest) -> Completion:
        pico = self._bill(request, self._share() * (0.05 if self._losses_are_dear else 1.0))
        for _ in range(self._dice.randint(0, 6)):  # on its way: who dies now has paid and has nothing
            await asyncio.sleep(0)
        told = self._losses_are_dear or self._dice.random() < 0.95
        return Completion(request.model, "answered", Answer(text="ok"), Usage(output_tokens=pico if told else None))

    def _share(self) -> float:
        return self._dice.random() ** 0.3  # often close to the worst case

    def _bill(self, request: ChatRequest, share: float) -> int:
        pico = round(request.body["worst_pico"] * share)
        os.write(self._book, b"%d\n" % pico)
        return pico


def cost(request: ChatRequest, completion: Completion) -> float | None:
    pico = completion.usage.output_tokens
    return None if pico is None else pico / PICO


def worst_case(request: ChatRequest) -> float:
    return float(request.body["worst_pico"] / PICO)


def one_run(number: int, in_flight: int, folder: Path) -> tuple[float, float, str]:
    """Cap, the provider's book, and what happened."""
    dice = random.Random(number)
    dear = number % 2 == 1
    requests = [
        ChatRequest({"model": "m", "n": n, "worst_pico": round(10 ** dice.uniform(6, 8))})
        for n in range(dice.randint(in_flight, 3 * in_flight))
    ]
    cap = sum(map(worst_case, requests)) * dice.uniform(0.05, 1.1)
    book = os.open(folder / "book", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    kills = 0
    for part in range(dice.choice((0, 0, 1, 3))):
        provider = Provider(book, dice, dear, dice.randint(1, len(requests)))
        kills += killed(lambda provider=provider: asking(requests, cap, in_flight, folder, provider))  # type: ignore[misc]
        dice = random.Random(f"{number}:{part}")
    ended = asking(requests, cap, in_flight, folder, Provider(book, dice, dear, None))
    os.close(book)
    billed = sum(map(int, (folder / "book").read_text().split()))
    before = "killed before" if kills else "not killed before"
    return cap, billed / PICO, f"{'losses are dear' if dear else 'losses as answers'}, {before}, {ended}"


def killed(work: Callable[[], object]) -> bool:
    """Whether a process of its own was killed at this work, rather than ended by itself."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)  # never back into the parent's code
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), "a part of a run has failed"
    return status != 0


def asking(requests: list[ChatRequest], cap: float, in_flight: int, folder: Path, provider: Provider) -> str:
    async def main() -> str:
        with open_store(Workspace(folder / "w")) as store:
            runner = Runner(
                lambda model: provider, store, "run", Budget(cap), cost, worst_case, concurrency=in_flight,  # type: ignore[arg-type,return-value]
            )  # fmt: skip
            try:
                await runner(requests, "replay")
            except BudgetError:
                return "stopped by the cap"
            return "asked all"

    return asyncio.run(main())


def run_all(runs: int, in_flight: int) -> tuple[int, dict[str, list[float]]]:
    """How many runs spent more than their cap, and what share of its cap each spent, by what happened."""
    over, shares = 0, defaultdict[str, list[float]](list)
    for number in range(runs):
        folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        try:
            cap, billed, happened = one_run(number, in_flight, folder)
        finally:
            shutil.rmtree(folder)
        over += billed > cap
        shares[happened].append(billed / cap)
    return over, shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--in-flight", type=int, default=256)
    options = parser.parse_args()
    over, shares = run_all(options.runs, options.in_flight)
    print(f"{options.runs:,} runs, {options.in_flight} in flight: {over} spent more than their cap")
    print(f"  {'what happened':55} {'runs':>5}  share of the cap that was spent: median, most")
    for happened, spent in sorted(shares.items()):
        print(f"  {happened:55} {len(spent):5,}  {median(spent):6.1%} {max(spent):7.2%}")


if __name__ == "__main__":
    main()
