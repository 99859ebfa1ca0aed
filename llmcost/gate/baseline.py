"""The baseline: what was normal, in a small file to be committed. No prompt text, no times, no paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from llmcost.errors import InputError
from llmcost.evidence.cost_change import Mean
from llmcost.gate.measure import Log, TaskCost, Use, measure
from llmcost.gate.result import BaselineFile, BaselineTask, ModelUse
from llmcost.pricing.result import PriceStamp
from llmcost.whole_files import write_result

SCHEMA = "llmcost.baseline/2"
FORMER = 1  # had no error of a mean
DIGITS = 12
MOST_COUNTED = 2**53  # what a float holds exactly
LONGEST_SHOWN = 40  # characters of what is no amount
LARGEST = 64 << 20  # bytes: some hundred thousand tasks or cases
AMOUNTS = ("cost_usd", "cost_per_call_usd", "cost_error_usd", "tokens_per_call", "tokens_error", "latency_p95_ms",
           "latency_error")  # fmt: skip
USE_AMOUNTS = ("input_usd", "cache_read_usd", "cache_write_usd", "output_usd", "other_usd")
_AGAIN = "write a new one: llmcost baseline LOGS -o FILE"


def baseline(log: Log, *, stamp: PriceStamp, version: str) -> BaselineFile:
    """What each task costs per call now."""
    return summary(measure(log), stamp, version)


def summary(measured: Sequence[TaskCost], stamp: PriceStamp, version: str) -> BaselineFile:
    """What was measured, as it is committed: a log is compared with a baseline as the baseline that it would make."""
    tasks = [_task(cost) for cost in measured]
    total = sum((Decimal(task.cost_usd) for task in tasks), Decimal(0))
    return BaselineFile(version, stamp, sum(task.calls for task in tasks), f"{total:f}", tasks)


def to_text(baseline_file: BaselineFile) -> str:
    """The baseline as JSON, one value a line, so that a difference in git reads well."""
    return msgspec.json.format(msgspec.json.encode(baseline_file), indent=2).decode() + "\n"


def write(baseline_file: BaselineFile, path: Path) -> None:
    """Writes the baseline to a file. Raises InputError if it cannot be written."""
    try:
        write_result(path, to_text(baseline_file).encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> BaselineFile:
    """The baseline of a file. Raises InputError saying what is wrong with it, and where."""
    try:
        found = msgspec.json.decode(_content(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", _AGAIN) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", _AGAIN) from error
    _check_schema(found, path)
    try:
        decoded = msgspec.convert(found, BaselineFile)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}", _AGAIN) from error
    if fault := next(_faults(decoded), None):
        raise InputError(f"{path}: {fault}", _AGAIN)
    return decoded


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InputError(f"{path} is no baseline: it is larger than {LARGEST >> 20} MB", _AGAIN)
    return content


def decimal(amount: float) -> str:
    """An amount as a decimal string of twelve significant digits, never in scientific notation."""
    return f"{Decimal(f'{amount:.{DIGITS}g}'):f}"


def _task(cost: TaskCost) -> BaselineTask:
    mean, latency = cost.cost, cost.latency
    return BaselineTask(
        task=cost.task,
        calls=round(cost.all),
        failed_calls=round(cost.failed),
        unknown_calls=round(cost.unknown),
        priced_calls=round(cost.priced),
        cost_usd=decimal(cost.cost_usd),
        cost_per_call_usd=_known(mean.mean if mean else None),
        cost_error_usd=_error(mean),
        units=mean.units if mean else 0,
        tokens_per_call=_known(cost.tokens.mean if cost.tokens else None),
        tokens_error=_error(cost.tokens),
        latency_p95_ms=_known(latency[0] if latency else None),
        latency_error=_known(latency[1] if latency else None),
        models=sorted(cost.models),
        usage=[_use(model, use) for model, use in sorted(cost.usage.items())],
        cases={key: decimal(usd) for key, usd in cost.cases.items()},
    )


def _use(model: str, use: Use) -> ModelUse:
    tokens: dict[str, Any] = {f"{kind}_tokens": round(number) for kind, number in use.tokens.items()}
    dollars: dict[str, Any] = {f"{kind}_usd": decimal(usd) for kind, usd in use.usd.items()}
    return ModelUse(model=model, calls=round(use.calls), other_usd=decimal(use.other_usd), **tokens, **dollars)


def _known(amount: float | None) -> str | None:
    return None if amount is None else decimal(amount)


def _error(mean: Mean | None) -> str | None:
    return decimal(mean.error) if mean is not None and isfinite(mean.error) else None


def _check_schema(found: object, path: Path) -> None:
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema == SCHEMA:
        return
    family, _, number = str(schema).rpartition("/")
    if family != SCHEMA.rpartition("/")[0] or not re.fullmatch("[0-9]{1,9}", number):
        raise InputError(f"{path} is not a baseline of llmcost: no schema {SCHEMA}", _AGAIN)
    if int(number) == FORMER:
        raise InputError(f"{path} is a baseline of schema {FORMER}: it does not say how sure its costs are", _AGAIN)
    raise InputError(f"{path} is a baseline of schema {number}, newer than this llmcost reads", "upgrade llmcost")


def _faults(file: BaselineFile) -> Iterator[str]:
    seen: set[str] = set()
    for index, task in enumerate(file.tasks):
        where = f"tasks[{index}] ({task.task})"
        if task.task in seen:
            yield f"{where}: this task is listed twice"
        seen.add(task.task)
        yield from (f"{where}.{fault}" for fault in (*_count_faults(task), *_amount_faults(task)))


def _count_faults(task: BaselineTask) -> Iterator[str]:
    counts = [n for use in task.usage for n in (use.calls, use.input_tokens, use.cache_read_tokens,
              use.cache_write_tokens, use.output_tokens)]  # fmt: skip
    counts += [task.calls, task.failed_calls, task.unknown_calls, task.units]
    if min(counts) < 0 or max(counts) > MOST_COUNTED:
        yield "usage: a count below 0, or beyond all measure"
    if not 0 <= task.priced_calls <= task.calls:
        yield f"priced_calls: {task.priced_calls} of {task.calls} calls"
    if (task.cost_per_call_usd is None) != (task.priced_calls == 0):
        yield "cost_per_call_usd: known only where there are priced calls"


def _amount_faults(task: BaselineTask) -> Iterator[str]:
    amounts = {name: getattr(task, name) for name in AMOUNTS}
    amounts |= {f"usage[{at}].{name}": getattr(use, name) for at, use in enumerate(task.usage) for name in USE_AMOUNTS}
    amounts |= {f"cases.{key}": usd for key, usd in task.cases.items()}
    for name, text in amounts.items():
        if text is not None and not _is_amount(text):
            yield f"{name}: {text[:LONGEST_SHOWN]!r} is not an amount"


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount >= 0 and isfinite(float(amount)) if amount.is_finite() else False
