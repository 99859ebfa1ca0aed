"""Signals that end a command. The first asks it to stop: what was paid for is kept. The next one makes it stop.

An interrupt (Ctrl-C), a request to terminate (`kill`, a container or a service that is stopped) and a lost terminal are
treated alike. Only the command line listens; who uses the package keeps their own handlers.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio  # at run time only what is asked of models needs it

T = TypeVar("T")

AGAIN_S = 0.02
NAMES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}


class Stopped(KeyboardInterrupt):
    """A signal has come: a KeyboardInterrupt, so that whoever waits for that one waits for all."""


@dataclass(slots=True)
class Heard:
    """The signals that have come so far, by number, and who is told of the first: what it ends may take a while."""

    numbers: list[int] = field(default_factory=list)
    say: Callable[[str], None] = lambda line: None
    again: bool = False  # the next one is the last one once more: what it had raised was lost

    def add(self, number: int) -> None:
        """Takes note of a signal that has come."""
        if not self.again:
            self.numbers.append(number)
        self.again = False

    @property
    def first(self) -> int:
        """The signal that ends the command."""
        return self.numbers[0] if self.numbers else int(signal.SIGINT)

    @property
    def word(self) -> str:
        """What has happened to the command."""
        return NAMES[signal.Signals(self.first).name]

    @property
    def exit_code(self) -> int:
        """That of the command, by custom 128 and the number of the signal."""
        return 128 + self.first


HEARD = Heard()  # of this process: a parser of the command line may hide the exception that a signal has raised


def heed(say: Callable[[str], None]) -> None:
    """From now on these signals end what is under way, wherever it is; one that is ignored stays so (nohup)."""
    HEARD.say = say
    sys.unraisablehook = _raise_again
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def run(job: Coroutine[Any, Any, T]) -> T:
    """The job's result. The first signal cancels it, and it may take its time to end; the next one is raised at once.

    Raises Stopped if the job was cancelled by a signal.
    """
    import asyncio

    async def main(task: asyncio.Task[T]) -> T:
        return await task

    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(job)
        with _cancelling(task):
            try:
                return runner.run(main(task))
            except asyncio.CancelledError as error:
                raise (Stopped() if HEARD.numbers else error) from None


@contextmanager
def _cancelling(task: asyncio.Task[Any]) -> Iterator[None]:
    """While it lasts, the first signal cancels the task."""
    loop = task.get_loop()

    def cancel(number: int, _frame: FrameType | None) -> None:
        HEARD.add(number)
        if len(HEARD.numbers) > 1:
            raise Stopped
        loop.call_soon_threadsafe(_cancel, task)

    here = threading.current_thread() is threading.main_thread()
    ours = [number for number in _numbers() if here and signal.getsignal(number) is _stop]
    for number in ours:
        signal.signal(number, cancel)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, _stop)


def _cancel(task: asyncio.Task[Any]) -> None:
    HEARD.say(f"{HEARD.word}: what is in flight may still be answered, and is kept; once more stops at once")
    task.cancel()


def _stop(number: int, _frame: FrameType | None) -> None:
    HEARD.add(number)
    raise Stopped


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Sends the signal once more whose exception was lost: raised in a callback of the collector, it ends nothing.

    Not before that callback has ended, and to the thread that may be waiting in a system call.
    """
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    HEARD.again = True
    main = threading.main_thread().ident or 0
    timer = threading.Timer(AGAIN_S, signal.pthread_kill, (main, HEARD.numbers[-1]))
    timer.daemon = True
    timer.start()


def _numbers() -> list[int]:
    """Those of the signals that this system knows."""
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
