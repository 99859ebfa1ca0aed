"""Where answers are short, or one of a few: effort and models that such tasks seldom need."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from llmcost.audit.closed_answers import TOOL_CALLS
from llmcost.audit.findings.scene import Scene, share, usd
from llmcost.audit.groups import Floats, Mask, money_sums
from llmcost.audit.result import Finding
from llmcost.calls import Calls

TINY = 80  # bytes of an answer that takes no writing
TINY_SHARE = 0.9  # of a site's answers
MIN_REASONED = 50  # calls
REASONED_SHARE = 0.5  # of the output of a site's reasoned answers

PREMIUM_SAVING = 0.5  # of the bill: the cheapest model to compare with costs at most half


def reasoning_on_trivial_tasks(scene: Scene) -> Iterator[Finding]:
    """Call sites that reason at length for a tiny answer, or for one of a few.

    At least 50 reasoned answers, half of their output reasoning; nine of ten answers of at most 80 bytes, or a closed
    set of labels; the reasoning worth 0.5 % of the bill or $100 a month. Answers that call tools are not tiny.
    """
    entries, places = scene.entries, scene.places
    reasoning, output = (entries.tokens[name] for name in ("reasoning_tokens", "output_tokens"))
    rows = scene.answered & (reasoning > 0) & (output >= reasoning)
    thought, written = (_sums(scene, rows, tokens) for tokens in (reasoning, output))
    reasoned, tiny = entries.counts(places.grouped, rows), _tiny(scene)
    trivial = (thought >= REASONED_SHARE * written) & (np.array(reasoned) >= MIN_REASONED) & (tiny | (scene.labels > 0))
    chosen = rows & trivial[places.grouped.codes]
    saved = entries.costs - scene.stack.priced(_unreasoned(entries.calls, chosen))
    dollars = money_sums(places.grouped.codes[chosen], len(places.tasks), saved[chosen])
    for index in np.flatnonzero(trivial).tolist():
        if scene.worth_saying(dollars[index]):
            shape = f"at most {TINY} bytes" if tiny[index] else f"one of {scene.labels[index]} labels"
            yield scene.finding(
                "reasoning-on-trivial-tasks",
                dollars[index],
                task=places.tasks[index],
                site=places.sites[index],
                title=f"{share(thought[index], written[index])} of the output is reasoning, for answers of a few words",
                calls=reasoned[index],
                evidence=f"{reasoned[index]:,} answers spent {thought[index]:,.0f} of {written[index]:,.0f} output "
                f"tokens on reasoning; nearly all answers of the call site are {shape}; the dollars are what the "
                "reasoning tokens cost",
                remedy="set reasoning_effort to minimal or low, or ask a model that does not reason; "
                "measure it on your own calls: llmcost replay",
            )


def premium_model_on_labels(scene: Scene) -> Iterator[Finding]:
    """Call sites whose answers are one of a few labels, asked of a model that costs at least twice the cheapest.

    At least 100 answers, 99 % of them one of at most 12 short ones (120 bytes); the cheapest of `audit.compare` for the
    site's tokens saves at least half, and 0.5 % of the bill or $100 a month.
    """
    places = scene.places
    for index, (model, calls, before, after) in sorted(_cheapest(scene).items()):
        if before - after >= PREMIUM_SAVING * before and scene.worth_saying(before - after):
            yield scene.finding(
                "premium-model-on-labels",
                before - after,
                task=places.tasks[index],
                site=places.sites[index],
                title=f"Answers are one of a few labels: {model} would cost {share(before - after, before)} less, "
                "if quality held",
                calls=calls,
                evidence=f"{calls:,} calls; {scene.labels[index]} different answers are 99 % of them: {usd(before)} "
                f"today, {usd(after)} there for the same tokens; part of what cheaper-model counts, not to be added",
                remedy=f"measure it, labels are easily compared: llmcost replay --models {model}",
            )


def _tiny(scene: Scene) -> Mask:
    """True for the places where nearly all answers are tiny."""
    codes, size = scene.places.grouped.codes, len(scene.places.tasks)
    sizes = scene.entries.calls.floats("answer_bytes")
    tiny = scene.answered & (sizes <= TINY) & ~scene.entries.calls.says("finish_reason", TOOL_CALLS)
    known = np.bincount(codes[scene.answered & ~np.isnan(sizes)], minlength=size)
    found: Mask = (known > 0) & (np.bincount(codes[tiny], minlength=size) >= TINY_SHARE * known)
    return found


def _unreasoned(calls: Calls, rows: Mask) -> Calls:
    """The calls, these as if nothing had been reasoned; the very same calls if there are none."""
    if not rows.any():
        return calls
    reasoning, output = calls.floats("reasoning_tokens"), calls.floats("output_tokens")
    left = {
        "reasoning_tokens": np.where(rows, 0.0, reasoning),
        "output_tokens": output - np.where(rows, reasoning, 0.0),
    }
    for name, tokens in left.items():
        calls = calls.with_column(name, pa.array(tokens, from_pandas=True))  # NaN is null
    return calls


def _cheapest(scene: Scene) -> dict[int, tuple[str, int, float, float]]:
    """(model, calls, dollars before, after) of the model to compare with that costs least, by place, if it saves."""
    entries, grouped = scene.entries, scene.places.grouped
    size, best = len(grouped.names), dict[int, tuple[str, int, float, float]]()
    closed = scene.answered & (scene.labels > 0)[grouped.codes]
    for model, costs in scene.stack.costs_at.items():
        rows = closed & entries.priced & ~np.isnan(costs) & (costs != entries.costs)
        before, after = scene.usd_of(grouped, rows), money_sums(grouped.codes[rows], size, costs[rows])
        for index, calls in enumerate(entries.counts(grouped, rows)):
            was, now = before[index], after[index]
            if was is not None and now is not None and was - now > _saved(best.get(index)):
                best[index] = (model, calls, was, now)
    return best


def _saved(found: tuple[str, int, float, float] | None) -> float:
    return found[2] - found[3] if found else 0.0


def _sums(scene: Scene, rows: Mask, values: Floats) -> Floats:
    grouped = scene.places.grouped
    sums = np.bincount(grouped.codes[rows], weights=values[rows], minlength=len(grouped.names))
    return np.asarray(sums, dtype=np.float64)
