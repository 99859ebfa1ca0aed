"""What made the calls of a task dearer, in words: the factors that carry most of it, and by how much they moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmcost.gate.decomposition import INPUTS, OUTPUTS, of_task
from llmcost.gate.result import BaselineTask, FactorName

TELLING = 0.2  # of the largest part: a smaller one is not named
OTHER_MODELS = "other models"
FEWER = 0.02  # of the input: a smaller change is none


def why(past: BaselineTask, now: BaselineTask) -> list[str]:
    """Factors of a dearer task in words, such as "output tokens ×1.9"; none of one whose tokens are not known."""
    parts = of_task(past, now)
    most = max((parts[name] for name in _WORDS if name in parts), default=0.0)
    return [said(past, now) for name, said in _WORDS.items() if most > 0 and parts[name] >= TELLING * most]


def _input(past: BaselineTask, now: BaselineTask) -> str:
    """Input is dearer where there is more of it, else where less of it came from a cache."""
    had, has = (_per_call(task, ("cache_read",)) / (_per_call(task, INPUTS) or 1) for task in (past, now))
    if had - has > FEWER and _per_call(now, INPUTS) < (1 + FEWER) * _per_call(past, INPUTS):
        return f"cached input {100 * had:.0f} % → {100 * has:.0f} %"
    return _tokens("input", INPUTS, past, now)


def _tokens(what: str, kinds: Sequence[str], past: BaselineTask, now: BaselineTask) -> str:
    before, after = _per_call(past, kinds), _per_call(now, kinds)
    times = f"{after / before:.2g}" if before else "1"
    return f"{what} tokens" if times in ("1", "1.0") else f"{what} tokens ×{times}"


def _per_call(task: BaselineTask, kinds: Sequence[str]) -> float:
    calls = sum(use.calls for use in task.usage)
    return sum(getattr(use, f"{kind}_tokens") for use in task.usage for kind in kinds) / calls if calls else 0.0


_WORDS: dict[FactorName, Callable[[BaselineTask, BaselineTask], str]] = {
    "model_mix": lambda past, now: OTHER_MODELS if set(now.models) - set(past.models) else "another mix of models",
    "input_tokens": _input,
    "output_tokens": lambda past, now: _tokens("output", OUTPUTS, past, now),
    "price": lambda past, now: "price of a token",
}
