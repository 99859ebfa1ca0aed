"""Calls that a log keeps in several records → one row each, and their bodies put together again.

A format gives a `CallPart` for each such record: which call it belongs to (`key`, unique among calls of the format)
and which side it holds. The record that says what the call cost counts as the call; the one that holds the request
lends it what only a request says. Without a record of the costs the request stands for the call, its cost unknown.

Keys are the caller's own words, so that two batches may use one for two requests. A call takes the request of its key
only if all requests of that key are the same; otherwise it keeps its costs, and has no body.

Only fingerprints meet here, as columns, after all files are read: a body is read again when it is asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from llmcost.calls import Call
from llmcost.logs.model import SIDES, CallPart
from llmcost.logs.table import key_of

Integers = npt.NDArray[np.int64]

KEY_BYTES = 16
CALL, REQUEST = SIDES.index("call"), SIDES.index("request")

# What the request knows: columns of the table, and fields of a Call.
LENT_COLUMNS = (
    "request_model", "operation", "stream", "tags", "call_site", "prompt_key", "user_key", "session_key", "body_state",
    "has_expected", "max_output_tokens", "reasoning_effort", "messages", "prompt_bytes", "opening", "sketch",
)  # fmt: skip
LENT_FIELDS = ("request_model", "operation", "stream", "tags", "request", "user", "session", "body_state", "expected")


class Parts:
    """The rows of a table that are parts of calls."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._sides = bytearray()
        self._keys = bytearray()

    def add(self, row: int, part: CallPart) -> None:
        """Remembers that the row is a part."""
        self._rows.append(row)
        self._sides.append(SIDES.index(part.side))
        self._keys += xxhash.xxh3_128_digest(part.key.encode("utf-8", "replace"))

    def append(self, other: Parts, shift: int) -> None:
        """Takes over the parts of another table, whose rows stand `shift` rows further on."""
        self._rows.extend(row + shift for row in other._rows)
        self._sides += other._sides
        self._keys += other._keys

    def renumber(self, order: Integers) -> None:
        """Follows the rows of a table that was put in another order: row `order[i]` became row i."""
        if self._rows:
            places = np.empty(len(order), np.int64)
            places[order] = np.arange(len(order))
            self._rows = array("q", places[np.frombuffer(self._rows, np.int64)].tobytes())

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._rows)

    def to_bytes(self) -> bytes:
        """Them as bytes, for `from_bytes` to read."""
        return msgspec.msgpack.encode((self._rows.tobytes(), bytes(self._sides), bytes(self._keys)))

    @classmethod
    def from_bytes(cls, content: bytes) -> Parts:
        """What `to_bytes` wrote."""
        parts = cls()
        rows, sides, keys = msgspec.msgpack.decode(content, type=tuple[bytes, bytes, bytes])
        parts._rows.frombytes(rows)
        parts._sides, parts._keys = bytearray(sides), bytearray(keys)
        return parts

    def joined(self, table: pa.Table) -> pa.Table:
        """The table with one row for each call that was kept in parts, the others as they are, in order."""
        if not self._rows:
            return table
        rows = np.frombuffer(self._rows, np.int64)
        sides = np.frombuffer(self._sides, np.uint8).astype(np.int64)
        groups = self._groups()
        lender = _lenders(table, rows, sides, groups)
        lent = _lent(table, rows[sides == CALL], lender[groups[sides == CALL]])
        kept = np.ones(table.num_rows, np.bool_)
        kept[rows] = sides == _lowest(groups, sides)[groups]
        return lent.filter(pa.array(kept))

    def _groups(self) -> Integers:
        """For each part, the number of its call."""
        buffers = [None, pa.py_buffer(bytes(self._keys))]
        keys = pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(self._rows), buffers)
        return np.asarray(keys.dictionary_encode().indices).astype(np.int64)


def whole(part: CallPart, others: Sequence[CallPart], key: bytes | None) -> Call:
    """The call that a part and the others of its key make; `key` is the prompt key of its row."""
    changed = {}
    lender = next((other for other in others if other.side == "request" and key_of(other) == key), None)
    if lender is not None:
        changed = {name: value for name in LENT_FIELDS if (value := getattr(lender, name)) is not None}
    if part.answer is None and part.error_type is None:
        changed["answer"] = next((other.answer for other in others if other.answer is not None), None)
    return part.alone(**changed)


def _lenders(table: pa.Table, rows: Integers, sides: Integers, groups: Integers) -> Integers:
    """For each call, the row of its request; −1 where it has none, or several that differ."""
    asked = sides == REQUEST
    encoded = table["prompt_key"].take(pa.array(rows[asked])).combine_chunks().dictionary_encode()
    prompts = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)
    size = int(groups.max()) + 1
    lender, low, high = np.full(size, -1), np.full(size, np.iinfo(np.int64).max), np.full(size, -2)
    lender[groups[asked][::-1]] = rows[asked][::-1]
    np.minimum.at(low, groups[asked], prompts)
    np.maximum.at(high, groups[asked], prompts)
    return np.where(low == high, lender, -1)


def _lowest(groups: Integers, sides: Integers) -> Integers:
    """For each call, the side that stands for it."""
    lowest = np.full(int(groups.max()) + 1, len(SIDES))
    np.minimum.at(lowest, groups, sides)
    return lowest


def _lent(table: pa.Table, calls: Integers, lender: Integers) -> pa.Table:
    """The table with the request's columns put into the rows of its call, where the request has a value."""
    own = np.arange(table.num_rows)
    found = lender >= 0
    for name in LENT_COLUMNS:
        index = table.schema.get_field_index(name)
        known = np.asarray(table.column(index).is_valid())
        taken = own.copy()
        taken[calls[found]] = np.where(known[lender[found]], lender[found], calls[found])
        table = table.set_column(index, table.schema.field(index), table.column(index).take(pa.array(taken)))
    return table
