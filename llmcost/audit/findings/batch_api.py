"""batch-api: calls that nobody waits for, which a batch would answer within a day for less."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, share, usd
from llmcost.audit.result import Finding
from llmcost.audit.rhythm import BURSTS, FLAT, NIGHT

SEEN = {
    BURSTS: "most of them come in bursts of 20 or more a minute",
    NIGHT: "most of them come in the hours when people ask least",
    FLAT: "they come round the clock, without a human day",
}


def batch_api(scene: Scene) -> Iterator[Finding]:
    """Call sites that work alone, at a machine's hours, with a model that has a batch price.

    At least 100 calls, 95 % of the site's, without stream, session, tool calls or a second turn; worth 0.5 % of the
    bill or $100 a month.
    """
    places, why = scene.places, scene.stack.waiting.why
    for index, saving in scene.stack.batches.items():
        yield scene.finding(
            "batch-api",
            saving.usd,
            task=places.tasks[index],
            site=places.sites[index],
            basis="no_answer_change",
            title=f"Nobody seems to wait for these answers: {share(saving.usd, saving.before)} less in a batch",
            calls=saving.calls,
            evidence=f"{saving.calls:,} calls, not streamed, in one turn, without session or tool calls; "
            f"{SEEN.get(why[index] or '', '')}: {usd(saving.before)} today, {usd(saving.after)} at the batch price",
            remedy="hand them to the provider's Batch API, if answers within 24 h will do",
        )
