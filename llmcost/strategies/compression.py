"""Prompt compression: long prompts are shortened before they are asked, by a model that is paid for it or once by hand.

Shortening breaks what the provider has cached of a prompt, but for the part at its beginning that is left alone. So
compression can make a bill larger, and here it does where it would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmcost.calls import Calls
from llmcost.strategies.attempts import COMPRESSOR, can_change, marked, without
from llmcost.strategies.route import Swap, asked_of, by_task, with_numbers

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BYTES_PER_TOKEN = 4.0


@dataclass(frozen=True, slots=True)
class Compressor:
    """A model that shortens prompts: its tokens over the input tokens of the call as it was logged.

    latencies_ms  its replayed latencies, sorted; None: unknown
    """

    model: str
    input_token_ratio: float
    output_token_ratio: float
    latencies_ms: Floats | None = None


@dataclass(frozen=True, slots=True)
class Compressed:
    """What compression does to a task's calls, as measured.

    *_token_ratio  the answering model's tokens over today's
    compressor     who is asked to shorten each prompt; None: templates were shortened once, and nobody is
    min_tokens     prompts below this size, at four bytes a token, are left alone
    prefix_tokens  of the beginning of each prompt are left alone: the provider's cache can still read so many
    """

    input_token_ratio: float
    output_token_ratio: float = 1.0
    compressor: Compressor | None = None
    min_tokens: int = 0
    prefix_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Compression:
    """The strategy `compression`; its evidence is task → Compressed."""

    name: str = "compression"

    def apply(self, calls: Calls, evidence: Mapping[str, Compressed]) -> Calls:
        """The calls of every task named in `evidence` with shorter prompts, each after the attempt of its compressor.

        The answer's latency stays as it was logged. What was written to the provider's cache still is, as far as the
        prompt reaches. A shortened prompt is none of its call site any more, so that no later step counts on finding
        in a cache what the prompts of that place used to begin with.

        Failed calls, embeddings, what a cache answered and prompts whose size is not known where it matters stay as
        they are, and so do calls without a place in the log where a compressor would have to be asked.
        """
        which, found = by_task(calls, evidence)
        which = np.where(can_change(calls) & _long_enough(calls, which, found), which, -1)
        if not (which >= 0).any():
            return calls
        attempts, which = _with_compressors(calls, which, found)
        return _shortened(attempts, which, found)


def _long_enough(calls: Calls, which: Ints, found: Sequence[Compressed]) -> Mask:
    least = np.array([*(each.min_tokens for each in found), 0])[which]
    asks = np.array([*(each.compressor is not None for each in found), False])[which]
    size = np.nan_to_num(calls.floats("prompt_bytes")) / BYTES_PER_TOKEN
    mask: Mask = (size >= least) & (calls.known("position") | ~asks)
    return mask


def _shortened(calls: Calls, which: Ints, found: Sequence[Compressed]) -> Calls:
    changed = which >= 0
    ratio_in = np.array([*(each.input_token_ratio for each in found), 1.0])[which]
    ratio_out = np.array([*(each.output_token_ratio for each in found), 1.0])[which]
    prefix = np.array([*(each.prefix_tokens for each in found), 0])[which]
    asked, answered = np.rint(calls.floats("input_tokens") * ratio_in), calls.floats("output_tokens") * ratio_out
    was_read, was_written = calls.floats("cache_read_tokens"), calls.floats("cache_write_tokens")
    read = np.where(changed, _at_most(_at_most(was_read, prefix), asked), was_read)
    written = np.where(changed, _at_most(was_written, asked - np.nan_to_num(read)), was_written)
    tokens = {
        "input_tokens": asked,
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": np.rint(answered),
        "reasoning_tokens": np.rint(calls.floats("reasoning_tokens") * ratio_out),
    }
    return without(with_numbers(calls, tokens), changed, ("call_site",))


def _at_most(tokens: Floats, bound: Floats | Ints) -> Floats:
    return np.where(np.isnan(tokens), np.nan, np.fmin(tokens, bound))  # an unknown bound is none


def _with_compressors(calls: Calls, which: Ints, found: Sequence[Compressed]) -> tuple[Calls, Ints]:
    """The calls with the attempts of compressors before them, and `which` of each, −1 for a compressor's."""
    asks = np.array([*(each.compressor is not None for each in found), False])
    rows = np.flatnonzero(asks[which])
    if not rows.size:
        return calls, which
    row = np.concatenate([rows, np.arange(len(calls))])
    order = np.argsort(row, kind="stable")
    compresses = (np.arange(len(row)) < len(rows))[order]
    attempts, which = calls.take(row[order]), which[row[order]]
    compressors = [each.compressor for each in found if each.compressor is not None]
    asked = np.where(compresses, (np.cumsum(asks) - 1)[which], -1)
    return _compressed_by(attempts, asked, compressors), np.where(compresses, -1, which)


def _compressed_by(attempts: Calls, which: Ints, compressors: Sequence[Compressor]) -> Calls:
    """The attempts with those of compressors told as what they are."""
    swaps = [Swap(each.model, each.input_token_ratio, latencies_ms=each.latencies_ms) for each in compressors]
    ratio = np.array([*(each.output_token_ratio for each in compressors), np.nan])[which]
    written = np.rint(attempts.floats("input_tokens") * ratio)
    output = np.where(which >= 0, written, attempts.floats("output_tokens"))
    return marked(with_numbers(asked_of(attempts, which, swaps), {"output_tokens": output}), which >= 0, COMPRESSOR)
