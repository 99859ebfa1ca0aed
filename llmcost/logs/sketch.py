"""Sketches of prompts as a column of the table: `llmcost.minhash`, a cacheful of texts at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from llmcost.minhash import SKETCH_BYTES, sketch

PIECE = 1 << 14  # characters worked on at once: what fits into a processor's cache


def sketches(texts: Sequence[str | None]) -> pa.Array:
    """The sketch of every text, 64 bytes; null for none, and for a text without a letter or digit."""
    places: dict[str | None, int] = {}
    codes = [places.setdefault(text, len(places)) for text in texts]
    distinct = list(places)
    made = [pa.array([], pa.binary(SKETCH_BYTES)), *map(_sketched, _pieces(distinct))]
    return pa.concat_arrays(made).take(pa.array(codes, pa.int64()))


def _pieces(texts: list[str | None]) -> Iterator[list[str]]:
    """The texts in order, a cacheful at a time; none becomes an empty one."""
    piece: list[str] = []
    size = 0
    for text in texts:
        piece.append(text or "")
        size += len(piece[-1])
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _sketched(texts: list[str]) -> pa.Array:
    found, known = sketch(texts)
    bits = np.packbits(known, bitorder="little")
    return pa.Array.from_buffers(
        pa.binary(SKETCH_BYTES), len(texts), [pa.py_buffer(bits.tobytes()), pa.py_buffer(found.tobytes())]
    )
