"""cheaper-model: what the same tokens would cost elsewhere, if quality held."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.audit.findings.scene import Scene, share, usd
from llmcost.audit.result import Finding


def cheaper_model(scene: Scene) -> Iterator[Finding]:
    """The cheapest of the models to compare with, by task."""
    for task, (model, saving) in scene.stack.cheaper.items():
        yield scene.finding(
            "cheaper-model",
            saving.usd,
            task=task,
            title=f"{model} would cost {share(saving.usd, saving.before)} less, if quality held",
            calls=saving.calls,
            evidence=f"same tokens, {saving.calls:,} calls: {usd(saving.before)} today, {usd(saving.after)} there; "
            "no answer was compared, and another model writes more or fewer tokens",
            remedy=f"measure it on your own calls: llmcost replay --models {model}",
        )
