"""What a rule has found, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from llmcost.gate.certified import RunFacts, Shown
from llmcost.gate.compared import Pair
from llmcost.gate.moved import OTHER_MODELS, why
from llmcost.gate.result import BaselineTask

MODELS_NAMED = 3
MANY = 9.0  # a rise by this share, and more, is said in times


def cost(
    change: float | None,
    least: float | None,
    allowed: float,
    outcome: str,
    confidence: float,
    paired: bool,
    times: float | None,
) -> str:
    """The cost of all calls together."""
    over = "over the same cases" if paired else "at the baseline's task mix"
    sure = _sure(change, least, f" with {percent(confidence)} confidence")
    said = f"cost per {'case' if paired else 'call'} {rise(change)} {over}{sure}; {percent(allowed)} allowed"
    return f"{said}; {_not_sure(times, 'cases' if paired else 'calls')}" if outcome == "unsure" else said


def dollars(change: float, sure: float, allowed: float) -> str:
    """The same in dollars, for the calls of the baseline."""
    least = f", at least {usd(max(sure, 0.0))}" if change > 0 else ""
    moved = f"{usd(abs(change))} {'less' if change < 0 else 'more'}"
    return f"the baseline's calls cost {moved}{least}; {usd(allowed)} allowed"


def task(pair: Pair, least: float | None, allowed: float, outcome: str, times: float | None) -> str:
    """The cost of one task, and what moved it."""
    moved = f"{usd(pair.past_per_call)} → {usd(pair.now_per_call)} per call, {rise(pair.relative)}"
    sure = _sure(pair.relative, least) if outcome in ("failed", "warned", "unsure") else ""
    parts = [f"{pair.shown}: {moved}{sure}"]
    if outcome != "passed":
        parts.append(f"{percent(allowed)} allowed")
        parts.extend(_why(pair))
    if outcome == "warned":
        parts.append("under 1.0 % of the cost, so it does not fail the check")
    if outcome == "unsure":
        parts.append(_not_sure(times, "calls"))
    return "; ".join(parts)


def tokens(shown: str, past: float, now: float, least: float | None, allowed: float) -> str:
    """The tokens of a call of one task."""
    change = now / past - 1 if past else None
    return f"{shown}: {past:,.0f} → {now:,.0f} tokens per call, {rise(change)}{_sure(change, least)}; " + (
        f"{percent(allowed)} allowed"
    )


def latency(shown: str, past: float, now: float, least: float | None, allowed: float) -> str:
    """The 95th percentile of a task's latency."""
    change = now / past - 1 if past else None
    moved = f"p95 {past / 1000:,.1f} s → {now / 1000:,.1f} s, {rise(change)}"
    return f"{shown}: {moved}{_sure(change, least)}; {percent(allowed)} allowed"


def unknown(shown: str, now: BaselineTask, unpriced: Sequence[str]) -> str:
    """Calls whose cost was known."""
    answered = now.unknown_calls + now.priced_calls
    why = f"no price is known for {_named(unpriced)}" if unpriced else "the log lacks their token counts"
    return f"{shown}: what {now.unknown_calls:,} of {_calls(answered)} cost is no longer known; {why}"


def new_models(shown: str, now: BaselineTask, models: Sequence[str]) -> str:
    """Models that the baseline did not know."""
    calls = {use.model: use.calls for use in now.usage}
    named = [f"{model} in {_calls(calls[model])}" if model in calls else model for model in models]
    return f"{shown}: new model {_named(named)}, not in the baseline"


def new_task(shown: str, task: BaselineTask) -> str:
    """A task that the baseline did not know."""
    known = task.cost_per_call_usd
    at = "of unknown cost" if known is None else f"at {usd(float(known))}"
    return f'new task "{shown}", not in the baseline and not in the comparison: {_calls(task.calls)} {at}'


def quality(shown: str, model: str, calls: int, found: Shown | None, limit: float | None, run: str) -> str:
    """What a run says of a model that answers now."""
    answers = f"{model} answers {_calls(calls)} of {shown}"
    if found is None:
        return f"{answers}: run {run} did not try it on this task"
    if found.loss is not None and limit is not None and found.loss <= limit + 1e-12:
        return f"{answers}: it loses at most {percent_up(found.loss)} (run {run}); {percent(limit)} allowed"
    more = "worse" if limit is None else f"worse by more than {percent(limit)}"
    return f"{answers}: run {run} does not show that it is not {more} ({found.verdict.replace('_', ' ')})"


def plan_quality(run: RunFacts, allowed: float) -> str:
    """The whole plan of a run."""
    return f"the plan of run {run.run} loses at most {percent_up(run.loss or 0.0)}; {percent(allowed)} allowed"


def matched(found: int, lost: int) -> str:
    """How much of a suite is on both sides."""
    more = f", {lost:,} on one side alone" if lost else ""
    return f"{found:,} cases before and after{more}"


def other_suite(found: int, lost: int) -> str:
    """Too little of a suite on both sides."""
    return f"{matched(found, lost)}: too few to compare; is it the same suite, with cases named in the same way?"


def steps(past: float, now: float) -> str:
    """How many calls a case takes."""
    return (
        f"calls per case: {past:.3g} before, {now:.3g} now; what is asked again is averaged, further steps of a case "
        "are added up"
    )


def missing(shown: Sequence[str]) -> str:
    """Tasks that the log no longer has."""
    named = _named([f'"{name}"' for name in shown])
    return f"no call of task {named} in this log: the cost per call is taken as unchanged"


def unpriced(calls: int, of: int) -> str:
    """Calls that no figure holds."""
    return f"{_calls(calls)} ({percent(calls / of)}) of unknown cost {'is' if calls == 1 else 'are'} in no figure"


def rise(change: float | None) -> str:
    """A relative change with its sign."""
    return "from nothing" if change is None else _signed(change)


def percent(share: float) -> str:
    """A share, without a needless decimal."""
    shown = f"{share * 100:.1f}"
    return f"{shown.removesuffix('.0')} %"


def percent_up(share: float) -> str:
    """A share, rounded up: what is not ruled out is never made smaller."""
    return percent(math.ceil(share * 1000 - 1e-9) / 1000)


def usd(amount: float | None) -> str:
    """US dollars; two digits of what is less than a tenth of a cent."""
    if amount is None:
        return "unknown"
    sign, size = ("−" if amount < 0 else ""), abs(amount)
    if size >= 1:
        return f"{sign}${size:,.2f}"
    return f"{sign}${size:,.4f}" if size == 0 or size >= 0.001 else f"{sign}${Decimal(f'{size:.2g}'):f}"


def _sure(change: float | None, least: float | None, confidence: str = "") -> str:
    """What is certain of a rise; nothing of what is none."""
    if change is None or least is None or change <= 0:
        return ""
    if math.isclose(least, change, rel_tol=1e-6):
        return ""
    if least <= 0:
        return ""
    shown = _signed(math.floor(least * 1000 + 1e-9) / 1000)
    return "" if shown == _signed(change) else f", at least {shown}{confidence}"


def _why(pair: Pair) -> list[str]:
    """What made calls of a task dearer."""
    if pair.now is None or not pair.both or pair.effect_usd <= 0:
        return []
    said = why(pair.past, pair.now)
    if not pair.new_models:
        return said
    return [f"new model {_named(pair.new_models)}", *(each for each in said if each != OTHER_MODELS)]


def _not_sure(times: float | None, what: str) -> str:
    if times is None or times <= 1 or not math.isfinite(times):
        return f"too few independent {what} to be sure"
    shown = f"{times:,.0f}" if times >= MANY else f"{times:.1f}"
    return f"may be chance: about {shown} times as many {what} would tell"


def _calls(number: int) -> str:
    return f"{number:,} call{'' if number == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MODELS_NAMED
    return f"{', '.join(names[:MODELS_NAMED])}{f' and {more} more' if more > 0 else ''}"


def _signed(share: float) -> str:
    """ "+14.2 %"; "to 65 times" where a percentage would say little."""
    if share >= MANY:
        return f"to {1 + share:,.0f} times"
    return f"{share * 100:+.1f} %".replace("-", "−") if round(share, 3) else "0.0 %"
