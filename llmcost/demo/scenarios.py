"""All scenarios of the sample traffic. A new task is a new file in `families` and a line in `FAMILIES`."""

from __future__ import annotations

from collections.abc import Callable

from llmcost.demo.families import billing, chat, classify, code, extract, release_notes, summarize, translate
from llmcost.demo.scenario import Dice, Scenario

FAMILIES: dict[str, Callable[[Dice], list[Scenario]]] = {
    "support chat": chat.scenarios,
    "classify": classify.scenarios,
    "extract": extract.scenarios,
    "code": code.scenarios,
    "summarize": summarize.scenarios,
    "translate": translate.scenarios,
    "reason": billing.scenarios,
    "release notes": release_notes.scenarios,
}


def all_scenarios(seed: int) -> list[Scenario]:
    """Every distinct prompt of the sample traffic, task by task."""
    return [scenario for task, make in FAMILIES.items() for scenario in make(Dice(f"{seed}:{task}"))]
