"""Sums and quantiles by group, vectorised and independent of the order of rows.

A grouping is `codes`, the group of every row as an index, and the number of groups. Values are float64, unknown NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from llmcost.calls import Calls

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Of a float64: the sums of `_exact_parts` stay within them.
LARGEST_EXPONENT, SMALLEST_EXPONENT = 1020, -1022


def counts(codes: Ints, size: int, mask: Mask | None = None) -> list[int]:
    """Rows of every group; with `mask`, those where it is true."""
    chosen = codes if mask is None else codes[mask]
    found: list[int] = np.bincount(chosen, minlength=size).tolist()
    return found


def whole_sums(codes: Ints, size: int, values: Floats) -> list[int | None]:
    """The sum of the known values of every group, for values that are whole numbers; None: none is known."""
    known = ~np.isnan(values)
    sums = np.bincount(codes[known], weights=values[known], minlength=size)
    return [int(total) if n else None for total, n in zip(sums, counts(codes, size, known), strict=True)]


def money_sums(codes: Ints, size: int, values: Floats) -> list[float | None]:
    """The sum of the known values of every group, correctly rounded (`math.fsum`); None: none is known."""
    known = ~np.isnan(values)
    group, n = codes[known], counts(codes, size, known)
    parts = [sums.tolist() for sums in _exact_parts(group, size, values[known])] or [[0.0] * size]
    return [math.fsum(each) if rows else None for rows, *each in zip(n, *parts, strict=True)]


def latency_quantiles(calls: Calls) -> tuple[float | None, float | None]:
    """p50 and p95 of the latencies of these calls, failed ones left out, in milliseconds; None: none is known.

    How fast a call fails says nothing of how fast answers come.
    """
    answered = np.asarray(pc.is_null(calls.column("error_type")), dtype=bool)
    return quantiles(calls.floats("latency_ms")[answered])


def quantiles(values: Floats) -> tuple[float | None, float | None]:
    """p50 and p95 of the known values, interpolated linearly between ranks; None: none is known."""
    (p50,), (p95,) = group_quantiles(np.zeros(len(values), dtype=np.int64), 1, values, (0.50, 0.95))
    return p50, p95


def money_sum(values: Floats) -> float | None:
    """The sum of the known values, correctly rounded; None: none is known."""
    known = values[~np.isnan(values)]
    return math.fsum(exact_sum(known)) if known.size else None


def exact_sum(values: Floats) -> list[float]:
    """The sum of these values, none of which is NaN, as a few numbers whose sum is exact: it is no other in parts."""
    return [float(sums[0]) for sums in _exact_parts(np.zeros(0, dtype=np.int64), 1, values)]


def _exact_parts(codes: Ints, size: int, values: Floats) -> Iterator[Floats]:
    """Sums by group whose sum is exact: of what lies on a coarse grid, then of the rest on a finer one, until none is.

    The grid is so coarse that no partial sum needs more than 52 bits, so nothing is rounded in any order; it is the
    pre-rounding of reproducible summation (Demmel and Nguyen, 2013). A sum of the largest numbers may overflow to inf.
    """
    rest = values
    while rest.size and (largest := float(np.abs(rest).max())) > 0:
        top = math.frexp(largest)[1] + len(rest).bit_length()
        if not math.isfinite(largest) or top > LARGEST_EXPONENT:  # no money, but no reason to fail
            yield _sums(codes, size, rest)
            return
        anchor = math.ldexp(1.5, max(top, SMALLEST_EXPONENT))
        on_grid = (rest + anchor) - anchor
        yield _sums(codes, size, on_grid)
        rest = rest - on_grid


def _sums(codes: Ints, size: int, values: Floats) -> Floats:
    """The sum of every group; of a single one many times faster than by group."""
    if size == 1:
        return np.array([values.sum()])
    return np.asarray(np.bincount(codes, weights=values, minlength=size), dtype=np.float64)


def group_quantiles(codes: Ints, size: int, values: Floats, shares: tuple[float, ...]) -> list[list[float | None]]:
    """For each share the quantile of the known values of every group, interpolated linearly between ranks."""
    known = ~np.isnan(values)
    rising = np.argsort(values[known])
    group, value = codes[known][rising], values[known][rising]
    order = _by_group(group, size)
    starts = np.searchsorted(group[order], np.arange(size + 1))
    ordered = np.append(value[order], np.nan)  # an empty group at the end points past the last value
    return [_between_ranks(ordered, starts, share) for share in shares]


def _between_ranks(ordered: Floats, starts: Ints, share: float) -> list[float | None]:
    n = np.diff(starts)
    position = share * np.maximum(n - 1, 0)
    rank = np.floor(position).astype(np.int64)
    below = ordered[starts[:-1] + rank]
    above = ordered[starts[:-1] + np.minimum(rank + 1, np.maximum(n - 1, 0))]
    found = below + (above - below) * (position - rank)
    return [float(value) if rows else None for value, rows in zip(found, n, strict=True)]


def _by_group(codes: Ints, size: int) -> Ints:
    """The stable order by group. numpy sorts 16-bit integers by radix, many times faster than longer ones."""
    return np.argsort(codes.astype(np.int16) if size <= np.iinfo(np.int16).max else codes, kind="stable")
