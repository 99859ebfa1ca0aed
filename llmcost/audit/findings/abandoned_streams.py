"""abandoned-streams: answers that nobody waited for to the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llmcost.audit.findings.scene import MIN_CALLS, Scene, share
from llmcost.audit.groups import Mask
from llmcost.audit.result import Finding

# What clients, proxies and SDKs call it when the reader goes away, without dots, dashes and spaces.
CANCELLED = frozenset(
    {"499", "cancelled", "canceled", "aborted", "aborterror", "requestaborted", "apiuseraborterror", "cancellederror",
     "asynciocancellederror", "contextcanceled", "contextcancelled", "clientdisconnect", "clientdisconnected",
     "clientclosedrequest", "clientclosedconnection", "usercancelled", "usercanceled", "requestcancelled",
     "requestcanceled", "streamaborted", "streamcancelled"}
)  # fmt: skip
SEPARATORS = str.maketrans("", "", "._- ")
MIN_GIVEN_UP = 0.01  # of a task's streams


def abandoned_streams(scene: Scene) -> Iterator[Finding]:
    """Streams that ended without a reason and without usage, or were cancelled by the reader, by task.

    At least 20 of them, and 1 % of the task's streams.
    """
    entries, lost = scene.entries, given_up(scene)
    tasks, streams = entries.tasks, lost | (entries.calls.floats("stream") == 1)
    counted = zip(
        *(entries.counts(tasks, rows) for rows in (lost, streams, lost & entries.priced, lost & entries.failed)),
        strict=True,
    )
    for task, usd, (n, of, known, failed) in zip(tasks.names, scene.usd_of(tasks, lost), counted, strict=True):
        if n < max(MIN_CALLS, MIN_GIVEN_UP * of):
            continue
        paid = f"{known:,} report what they used" if known else "none reports what it used, so the cost is unknown"
        yield scene.finding(
            "abandoned-streams",
            usd,
            task=task,
            title=f"{share(n, of)} of streams were given up before their end",
            calls=n,
            evidence=f"{n:,} of {of:,} streams: {failed:,} cancelled by the reader, {n - failed:,} that end without a "
            f"finish reason and without usage; {paid}; input is paid for in any case"
            + ("; failed-calls counts the cancelled ones too" if failed else ""),
            remedy="send stream_options.include_usage, and close the upstream request when the reader goes away: "
            "many providers then stop writing",
        )


def given_up(scene: Scene) -> Mask:
    """True for streams that were given up; silence counts only at call sites whose streams else say how they end."""
    calls, grouped = scene.entries.calls, scene.places.grouped
    streamed = calls.floats("stream") == 1
    reasons = calls.codes("finish_reason")[0] >= 0
    tell = np.bincount(grouped.codes[streamed & reasons], minlength=len(grouped.names)) > 0
    silent = scene.answered & streamed & ~reasons & np.isnan(calls.floats("output_tokens")) & tell[grouped.codes]
    lost: Mask = silent | (_cancelled(scene) & ~_whole(scene))
    return lost


def _cancelled(scene: Scene) -> Mask:
    codes, names = scene.entries.calls.codes("error_type")
    words = [name.casefold().translate(SEPARATORS) in CANCELLED for name in names]
    return np.asarray(np.array([*words, False])[codes], dtype=bool)


def _whole(scene: Scene) -> Mask:
    """True where the answer is known not to be streamed."""
    whole: Mask = scene.entries.calls.floats("stream") == 0
    return whole
