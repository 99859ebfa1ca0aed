"""The baseline: what was normal, in a small file to be committed. No prompt text, no times, no paths."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from llmcost.calls import Calls
from llmcost.errors import InputError
from llmcost.gate.measure import TaskCost, measure
from llmcost.gate.result import BaselineFile, BaselineTask
from llmcost.pricing.result import PriceStamp

SCHEMA = "llmcost.baseline/1"
DIGITS = 10
_AGAIN = "write a new one: llmcost baseline LOGS -o FILE"


def baseline(calls: Calls, costs: npt.NDArray[np.float64], *, stamp: PriceStamp, version: str) -> BaselineFile:
    """What each task costs per call now. `costs`: US dollars, parallel to `calls`, NaN where unknown."""
    tasks = [_task(cost) for cost in measure(calls, costs).values()]
    total = sum((Decimal(task.cost_usd) for task in tasks), Decimal(0))
    return BaselineFile(version, stamp, round(float(calls.weights().sum())), f"{total:f}", tasks)


def to_text(baseline_file: BaselineFile) -> str:
    """The baseline as JSON, one value a line, so that a difference in git reads well."""
    return msgspec.json.format(msgspec.json.encode(baseline_file), indent=2).decode() + "\n"


def write(baseline_file: BaselineFile, path: Path) -> None:
    """Writes the baseline to a file. Raises InputError if it cannot be written."""
    try:
        path.write_text(to_text(baseline_file), encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> BaselineFile:
    """The baseline of a file. Raises InputError saying what is wrong with it, and where."""
    try:
        found = msgspec.json.decode(path.read_bytes())
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


def decimal(amount: float) -> str:
    """An amount as a decimal string of ten significant digits, never in scientific notation."""
    return f"{Decimal(f'{amount:.{DIGITS}g}'):f}"


def _task(cost: TaskCost) -> BaselineTask:
    per_call = cost.cost_per_call_usd
    return BaselineTask(
        task=cost.task,
        calls=cost.calls,
        priced_calls=cost.priced_calls,
        cost_usd=decimal(cost.cost_usd),
        cost_per_call_usd=None if per_call is None else decimal(per_call),
        models=sorted(cost.models),
    )


def _check_schema(found: object, path: Path) -> None:
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema == SCHEMA:
        return
    family, _, number = str(schema).rpartition("/")
    if family == SCHEMA.rpartition("/")[0] and number.isdecimal():
        raise InputError(f"{path} is a baseline of schema {number}, newer than this llmcost reads", "upgrade llmcost")
    raise InputError(f"{path} is not a baseline of llmcost: no schema {SCHEMA}", _AGAIN)


def _faults(file: BaselineFile) -> Iterator[str]:
    seen: set[str] = set()
    for index, task in enumerate(file.tasks):
        where = f"tasks[{index}] ({task.task})"
        if task.task in seen:
            yield f"{where}: this task is listed twice"
        seen.add(task.task)
        if not 0 <= task.priced_calls <= task.calls:
            yield f"{where}.priced_calls: {task.priced_calls} of {task.calls} calls"
        if not _is_amount(task.cost_usd):
            yield f"{where}.cost_usd: {task.cost_usd!r} is not an amount in US dollars"
        if (task.cost_per_call_usd is None) != (task.priced_calls == 0):
            yield f"{where}.cost_per_call_usd: known only where there are priced calls"
        if task.cost_per_call_usd is not None and not _is_amount(task.cost_per_call_usd):
            yield f"{where}.cost_per_call_usd: {task.cost_per_call_usd!r} is not an amount in US dollars"


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0
