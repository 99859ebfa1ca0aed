"""GitHub Actions: workflow commands on stderr, values for later steps, a summary of the job. Log text starts nothing.

Limits of the service: ten annotations of a kind a step, and 1 MiB of summary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from llmcost.gate.result import CheckResult, Rule
from llmcost.report.ci.comment import comment
from llmcost.report.screens.check import headline
from llmcost.report.untrusted import visible

MOST_ANNOTATIONS = 10
LONGEST_SUMMARY = 1024 * 1024  # bytes; a character takes four at most
_LONGEST = 1_000
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})
_LEVELS = {"failed": "error", "warned": "warning"}


def workflow_commands(result: CheckResult) -> Iterator[str]:
    """Workflow commands, at most ten of a kind: what failed as errors, what is warned of as warnings."""
    for outcome, level in _LEVELS.items():
        yield from _of_level(level, [rule for rule in result.rules if rule.outcome == outcome])


def outputs(result: CheckResult) -> str:
    """`name=value` lines for $GITHUB_OUTPUT, each between delimiters that no value can hold."""
    values = {
        "passed": _word(result.passed),
        "changed": _word(result.changed),
        "change": _number(result.diff.change),
        "past_cost_per_call_usd": _number(result.past.cost_per_call_usd),
        "cost_per_call_usd": _number(result.current.cost_per_call_usd),
        "delta_usd": _number(_delta(result)),
        "failed": str(sum(rule.outcome == "failed" for rule in result.rules)),
        "headline": visible(headline(result), _LONGEST),
    }
    return "".join(f"{name}<<{_delimiter(value)}\n{value}\n{_delimiter(value)}\n" for name, value in values.items())


def verdict(result: CheckResult) -> str:
    """The check in a line of talk."""
    return visible(f"{'PASS' if result.passed else 'FAIL'}  {headline(result)}", _LONGEST)


def summary(result: CheckResult) -> str:
    """Markdown for $GITHUB_STEP_SUMMARY."""
    return comment(result, LONGEST_SUMMARY // 4 - 1)


def _of_level(level: str, rules: Sequence[Rule]) -> Iterator[str]:
    shown = rules if len(rules) <= MOST_ANNOTATIONS else rules[: MOST_ANNOTATIONS - 1]
    for rule in shown:
        title = f"llmcost: {rule.rule.replace('_', ' ')}{f' of {rule.task}' if rule.task else ''}"
        yield f"::{level} title={_escaped(title, _PROPERTY)}::{_escaped(rule.said, _DATA)}"
    if more := len(rules) - len(shown):
        yield f"::{level} title=llmcost::and {more} more: see the summary of the job"


def _escaped(text: str, table: dict[int, str]) -> str:
    return visible(text, _LONGEST).translate(table)


def _delta(result: CheckResult) -> float | None:
    """What the change costs on the calls of the baseline."""
    before, after = result.past.cost_usd, result.current.cost_usd
    return None if before is None or after is None else after - before


def _delimiter(value: str) -> str:
    """A line that the value cannot hold unless its hash is in it."""
    return f"llmcost-{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def _word(holds: bool) -> str:
    return str(holds).lower()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
