"""Token parts that may lie inside or beside one another → Usage, settled by the logged total.

Loggers disagree on whether cached tokens are part of the input count, and reasoning tokens of the output count, and the
same logger's senders disagree too. Where a total is logged it decides:

| total equals                        | cache           | reasoning       |
|-------------------------------------|-----------------|-----------------|
| input + output                      | inside input    | inside output   |
| input + cache + output              | beside input    | inside output   |
| input + output + reasoning          | inside input    | beside output   |
| input + cache + output + reasoning  | beside input    | beside output   |
| anything else, or not logged        | the format's own convention       ||

A part that is larger than what it would lie in lies beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmcost.answers import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Counts as logged. `input_details` and `output_details` are sums that include the cache and the reasoning."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    input_details: int = 0
    output_details: int = 0


def settled(parts: Parts, total: int | None, *, cache_beside: bool, reasoning_beside: bool) -> Usage:
    """The usage in this project's meaning; the flags are the format's convention where the total does not decide."""
    into, out = parts.input or 0, parts.output or 0

    def fits(beside: tuple[bool, bool]) -> bool:
        return into + out + beside[0] * parts.input_details + beside[1] * parts.output_details == total

    readings = [
        reading
        for reading in _readings(cache_beside, reasoning_beside)
        if (reading[0] or parts.input_details <= into) and (reading[1] or parts.output_details <= out)
    ]
    cache, reasoning = next(filter(fits, readings), readings[0])
    return Usage(
        _plus(parts.input, parts.input_details if cache else 0),
        parts.cache_read,
        parts.cache_write,
        _plus(parts.output, parts.output_details if reasoning else 0),
        parts.reasoning,
    )


def _readings(cache: bool, reasoning: bool) -> tuple[tuple[bool, bool], ...]:
    return (cache, reasoning), (not cache, reasoning), (cache, not reasoning), (not cache, not reasoning)


def _plus(count: int | None, more: int) -> int | None:
    return count + more if count is not None else more or None
