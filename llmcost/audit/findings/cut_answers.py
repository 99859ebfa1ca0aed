"""max-tokens-hit and truncated-calls: answers that were paid for and stop in the middle, or were withheld."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from llmcost.audit.findings.scene import MIN_CALLS, Scene, listed, share
from llmcost.audit.groups import Mask
from llmcost.audit.ledger import Labels
from llmcost.audit.result import Finding

# Formats put a provider's word for it into OpenAI's; logs of an application's own may not have.
LENGTH = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
FILTERED = frozenset(
    {"content_filter", "content_filtered", "safety", "refusal", "recitation", "blocklist", "prohibited_content", "spii",
     "guardrail_intervened"}
)  # fmt: skip

SHORTEST_LIMIT = 16  # tokens: who allows fewer wants the beginning alone, a label or a yes or no
THOUGHT_SHARE = 0.9  # of the output spent on reasoning, and nothing said: the limit was used up by thinking
MIN_CUT = 0.01  # of a task's answers


def max_tokens_hit(scene: Scene) -> Iterator[Finding]:
    """Answers cut off by the limit that the request itself set, by task.

    At least 20 calls and 1 % of a task's answers, worth 0.5 % of the bill or $100 a month; limits under 16 tokens are
    taken to be meant.
    """
    hit = _hit(scene)
    limits, thought = scene.entries.calls.floats("max_output_tokens"), _only_thought(scene)
    for task, index, calls, usd, answers in _by_task(scene, hit):
        rows = hit & (scene.entries.tasks.codes == index)
        values, codes = np.unique(limits[rows], return_inverse=True)
        counted = np.rint(np.bincount(codes, weights=scene.entries.weights[rows])).astype(int).tolist()
        by_limit = {f"{int(value):,} tokens": n for value, n in zip(values, counted, strict=True)}
        silent = scene.entries.count(rows & thought)
        spent = f"; {silent:,} of them spent it on reasoning" if silent else ""
        yield scene.finding(
            "max-tokens-hit",
            usd,
            task=task,
            title=f"{share(calls, answers)} of answers were cut off by the request's own max_tokens",
            calls=calls,
            evidence=f"{calls:,} of {answers:,} answers end at the limit: {listed(by_limit)}{spent}; the dollars are "
            "what these answers cost",
            remedy="raise max_tokens, or ask for shorter answers"
            + ("; give a reasoning model less effort or more room" if silent else ""),
        )


def truncated_calls(scene: Scene) -> Iterator[Finding]:
    """Answers cut off by a limit that is not in the request, or stopped by a content filter, by task.

    At least 20 calls and 1 % of a task's answers, worth 0.5 % of the bill or $100 a month; those of max-tokens-hit are
    not among them.
    """
    calls = scene.entries.calls
    filtered = scene.answered & calls.says("finish_reason", FILTERED)
    cut = scene.answered & calls.says("finish_reason", LENGTH) & ~_hit(scene) & ~_meant(scene)
    by_filter = scene.entries.counts(scene.entries.tasks, filtered)
    for task, index, n, usd, answers in _by_task(scene, cut | filtered):
        kinds = {"cut off at a length": n - by_filter[index], "stopped by a content filter": by_filter[index]}
        yield scene.finding(
            "truncated-calls",
            usd,
            task=task,
            title=f"{share(n, answers)} of answers were cut off or filtered, and paid for",
            calls=n,
            evidence=f"of {answers:,} answers: {listed(kinds)}; the dollars are what these answers cost; answers "
            "that end at the request's own max_tokens are not among them",
            remedy="look at these calls: a full context window needs a shorter prompt, a filtered one another wording",
        )


def _by_task(scene: Scene, rows: Mask) -> Iterator[tuple[str, int, int, float | None, int]]:
    """(task, its index, calls, dollars, answers) of the tasks with enough of these rows."""
    tasks: Labels = scene.entries.tasks
    found, of = scene.entries.counts(tasks, rows), scene.entries.counts(tasks, scene.answered)
    for index, usd in enumerate(scene.usd_of(tasks, rows)):
        if found[index] >= max(MIN_CALLS, MIN_CUT * of[index]) and scene.worth_saying(usd):
            yield tasks.names[index], index, found[index], usd, of[index]


def _hit(scene: Scene) -> Mask:
    """Answers that ended at the request's limit: by their reason, or, where none is logged, by their count."""
    calls = scene.entries.calls
    limit, written = calls.floats("max_output_tokens"), calls.floats("output_tokens")
    silent = calls.codes("finish_reason")[0] < 0
    ended = calls.says("finish_reason", LENGTH) | silent
    return scene.answered & ended & (written >= limit) & (limit >= SHORTEST_LIMIT)


def _meant(scene: Scene) -> Mask:
    few: Mask = scene.entries.calls.floats("max_output_tokens") < SHORTEST_LIMIT
    return few


def _only_thought(scene: Scene) -> Mask:
    calls = scene.entries.calls
    thought = calls.floats("reasoning_tokens") >= THOUGHT_SHARE * calls.floats("output_tokens")
    only: Mask = thought & (calls.floats("output_tokens") > 0) & ~(calls.floats("answer_bytes") > 0)
    return only
