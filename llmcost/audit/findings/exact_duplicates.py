"""exact-duplicates: the same request, answered again within a cache's time to live."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, share
from llmcost.audit.result import Finding


def exact_duplicates(scene: Scene) -> Iterator[Finding]:
    """Identical requests, by task."""
    tasks, ttl = scene.entries.tasks, scene.settings.cache_ttl
    calls_of = dict(zip(tasks.names, scene.entries.counts(tasks), strict=True))
    for task, saving in scene.stack.repeats.items():
        yield scene.finding(
            "exact-duplicates",
            saving.usd,
            task=task,
            basis="no_answer_change",
            title=f"Identical requests within {ttl}: {share(saving.calls, calls_of[task])} of calls",
            calls=saving.calls,
            evidence=f"{saving.calls:,} of {calls_of[task]:,} calls repeat a request answered in full within the {ttl} "
            "before: same model, messages, parameters and end user",
            remedy=f"keep answers for {ttl} in an exact response cache, one per end user",
        )
