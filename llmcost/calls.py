"""Call, Calls, the schema and its invariants. Names follow the OpenTelemetry GenAI conventions.

Rows at the edges, columns in the middle: one log record is a `Call` while it is parsed, replayed or graded; between
stages there is one `Calls`, an Arrow table without text. It carries fingerprints and a locator, from which
`llmcost.logs` reads the body back for the few calls that are replayed.

Counting convention, the same for every source: `input_tokens` includes `cache_read_tokens` and `cache_write_tokens`;
`output_tokens` includes `reasoning_tokens`. Null means unknown, zero means zero.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.answers import Answer, Usage
from llmcost.minhash import SKETCH_BYTES

T = TypeVar("T")
BodyState = Literal["full", "truncated", "redacted", "absent", "server_side_history", "unsupported"]

# The tag of a call that the application's own cache answered: it cost nothing, its tokens say what it would have cost.
APP_CACHE, HIT = "app_cache", "hit"

WEIGHT_STEPS = 2**20  # to one: weights on a grid, so that sums of them are exact, and the same in any order

KEY = pa.binary(16)
OPENING_BYTES = 32  # four fingerprints of beginnings, from long to short, and four of ends
LABEL = pa.dictionary(pa.int32(), pa.string())
FEW = 8  # one row in so many: then the others are left out before the rows are put in order

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # the provider's or gateway's id of the call
        ("start_time", pa.timestamp("us", tz="UTC")),
        ("latency_ms", pa.float64()),  # from request sent to last byte
        ("time_to_first_chunk_ms", pa.float64()),
        ("operation", LABEL),  # chat · responses · completion · embeddings
        ("provider", LABEL),
        ("request_model", LABEL),  # the model asked for
        ("response_model", LABEL),  # the model that says it answered
        ("service_tier", LABEL),  # default · flex · priority · batch
        ("stream", pa.bool_()),
        ("input_tokens", pa.int64()),  # includes cache_read_tokens and cache_write_tokens
        ("cache_read_tokens", pa.int64()),
        ("cache_write_tokens", pa.int64()),
        ("cache_write_1h_tokens", pa.int64()),  # of those, the ones kept for an hour, which cost more
        ("output_tokens", pa.int64()),  # includes reasoning_tokens
        ("reasoning_tokens", pa.int64()),
        ("tokens_estimated", pa.bool_()),  # counted by us from the text, not by the provider
        ("finish_reason", LABEL),
        ("error_type", LABEL),  # null: the call was answered
        ("logged_cost_usd", pa.float64()),  # what the log claims; never used as the cost unless asked for
        ("tags", pa.map_(pa.string(), pa.string())),
        ("call_site", LABEL),  # readable name + fingerprint of tools and normalised system prompt
        ("task", LABEL),  # null until llmcost.tasks has assigned it
        ("prompt_key", KEY),  # fingerprint of all that shapes the answer, but the model
        ("user_key", KEY),  # fingerprint of the end user or tenant: a cache never crosses it
        ("session_key", KEY),
        ("body_state", LABEL),
        ("has_expected", pa.bool_()),
        ("weight", pa.float64()),  # calls of the real traffic that the row stands for, in a sampled log; null: one
        ("max_output_tokens", pa.int64()),  # what the request allows the answer
        ("reasoning_effort", LABEL),
        ("messages", pa.int32()),  # in the request
        ("prompt_bytes", pa.int64()),  # of all texts of the request's messages, as UTF-8
        ("answer_bytes", pa.int64()),
        ("answer_key", KEY),  # fingerprint of the answer: its text, stripped, and its tool calls
        (
            "opening",
            pa.binary(OPENING_BYTES),
        ),  # fingerprints of how a lone prompt begins and ends (llmcost.logs.opening)
        ("sketch", pa.binary(SKETCH_BYTES)),  # MinHash of a prompt of a single turn (llmcost.minhash)
        ("source", pa.int32()),  # index into Calls.sources
        ("position", pa.int64()),  # byte offset of the line (of the decompressed stream), or the row number
        ("part", pa.int32()),  # which call of that record, for records that hold several
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One logged attempt to get an answer, body included. Lives only at the edges: parsing, replaying, grading.

    `request` is an OpenAI chat-completions body, verbatim where the log had one; None where there is no body.
    """

    id: str | None = None
    start_time_us: int | None = None
    latency_ms: float | None = None
    time_to_first_chunk_ms: float | None = None
    operation: str = "chat"
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    service_tier: str | None = None
    stream: bool | None = None
    usage: Usage = Usage()
    tokens_estimated: bool = False
    error_type: str | None = None
    logged_cost_usd: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] | None = None
    answer: Answer | None = None
    user: str | None = None
    session: str | None = None
    body_state: BodyState = "full"
    expected: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One log file of a Calls: where it is and how it was read. `fields` are the user's own field mappings.

    `parts` says that it holds records which are only a part of a call, so that a body may be spread over such files.
    """

    path: str
    format: str
    container: str
    compression: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    expected_field: str | None = None
    parts: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """A schema-checked Arrow table of calls, one row an attempt, without text, and the files it was read from."""

    table: pa.Table
    sources: tuple[Source, ...] = ()
    _derived: dict[tuple[tuple[str, ...], Callable[..., Any]], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.table.schema.equals(SCHEMA):
            raise TypeError(f"not a table of calls: {_schema_difference(self.table.schema)}")

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> pa.ChunkedArray:
        """A column by name, as Arrow stores it."""
        return self.table.column(name)

    def derived(self, name: str, make: Callable[[pa.ChunkedArray], T]) -> T:
        """What a function makes of a column: worked out once for these calls, and for those that keep the column."""
        key = ((name,), make)
        if key not in self._derived:
            self._derived[key] = make(self.table.column(name))
        found: T = self._derived[key]
        return found

    def derived_of(self, names: tuple[str, ...], make: Callable[[Calls], T]) -> T:
        """What a function makes of these columns of the calls together: worked out as often as by `derived`."""
        key = (names, make)
        if key not in self._derived:
            self._derived[key] = make(self)
        found: T = self._derived[key]
        return found

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        """A numeric column as float64, unknown as NaN. Not to be written to."""
        return self.derived(name, _floats)

    def known(self, name: str) -> npt.NDArray[np.bool_]:
        """True where a column says something. Not to be written to."""
        return self.derived(name, _known)

    def weights(self) -> npt.NDArray[np.float64]:
        """Calls of the real traffic that each row stands for, to a millionth: one, where the log is not a sample."""
        return np.rint(np.nan_to_num(self.floats("weight"), nan=1.0) * WEIGHT_STEPS) / WEIGHT_STEPS

    def labels(self, name: str) -> list[str | None]:
        """A text or label column as Python strings, unknown as None."""
        values: list[str | None] = self.table.column(name).to_pylist()
        return values

    def codes(self, name: str) -> tuple[npt.NDArray[np.int64], list[str]]:
        """A text or label column as indices into its distinct values, and those values; unknown is −1.

        Neither is to be written to.
        """
        return self.derived(name, _codes)

    def relabelled(self, name: str, which: npt.NDArray[np.int64], labels: Sequence[str | None]) -> Calls:
        """The same calls with a label column saying `labels[which]`, and as before where `which` is negative."""
        codes, names = self.codes(name)
        known = {label: code for code, label in enumerate(names)}
        new = [-1 if label is None else known.setdefault(label, len(known)) for label in labels]
        mixed = np.where(which >= 0, np.array([*new, -1], dtype=np.int64)[np.maximum(which, -1)], codes)
        indices = pa.array(mixed.astype(np.int32), mask=mixed < 0)
        return self.with_column(name, pa.DictionaryArray.from_arrays(indices, pa.array(list(known), pa.string())))

    def says(self, name: str, words: Container[str]) -> npt.NDArray[np.bool_]:
        """True where a text or label column holds one of these words (given in lower case), in whatever case."""
        codes, values = self.codes(name)
        return np.array([*(value.casefold() in words for value in values), False], dtype=np.bool_)[codes]

    def filter(self, mask: pa.ChunkedArray | pa.Array | npt.NDArray[np.bool_]) -> Calls:
        """The rows where `mask` is true, in order."""
        chosen = pa.array(mask) if isinstance(mask, np.ndarray) else mask
        return replace(self, table=self.table.filter(chosen))

    def in_slices(self, n: int, make: Callable[[Calls], T]) -> list[T]:
        """What a function makes of every n rows. What it derives of their columns is small, and is not kept."""
        starts = range(0, max(len(self), 1), n)
        return [make(replace(self, table=self.table.slice(first, n))) for first in starts]

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Calls:
        """The rows of these indices, in the order given."""
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) * FEW > len(self):
            return replace(self, table=self.table.take(pa.array(wanted)))
        mask = np.zeros(len(self), dtype=bool)
        mask[wanted] = True
        few = self.table.filter(pa.array(mask))
        if (np.diff(wanted) > 0).all():
            return replace(self, table=few)
        kept = np.flatnonzero(mask)
        return replace(self, table=few.take(pa.array(np.searchsorted(kept, wanted))))

    def with_column(self, name: str, values: pa.ChunkedArray | pa.Array) -> Calls:
        """The same calls with one column of the schema replaced (cast to its type)."""
        index = SCHEMA.get_field_index(name)
        wanted = SCHEMA.field(index)
        changed = replace(self, table=self.table.set_column(index, wanted, values.cast(wanted.type)))
        changed._derived.update((key, found) for key, found in self._derived.items() if name not in key[0])
        return changed


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    return _fixed(values)


def _known(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return _fixed(np.asarray(pc.is_valid(column), dtype=np.bool_))


def _codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        encoded = pc.cast(column, pa.string()).combine_chunks().dictionary_encode()
        return _fixed(pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)), encoded.dictionary.to_pylist()
    chunks, size = column.unify_dictionaries().chunks, 0
    found = np.empty(len(column), dtype=np.int64)
    for chunk in chunks:
        found[size : (size := size + len(chunk))] = chunk.indices.fill_null(-1).to_numpy()
    names = chunks[0].dictionary.to_pylist()
    used = np.bincount(found + 1, minlength=len(names) + 1)[1:] > 0
    if used.all():
        return _fixed(found), names
    numbers = np.append(np.cumsum(used) - 1, -1)  # code −1 finds the last
    return _fixed(numbers[found]), [name for name, occurs in zip(names, used, strict=True) if occurs]


def _fixed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same array, read-only: others look at it, too."""
    values.setflags(write=False)
    return values


def empty() -> Calls:
    """Calls without a row."""
    return Calls(SCHEMA.empty_table())


def concat(parts: Sequence[Calls]) -> Calls:
    """All rows of the parts in order; sources are renumbered."""
    if not parts:
        return empty()
    sources: list[Source] = []
    tables = []
    for part in parts:
        shifted = pc.add(part.table.column("source"), pa.scalar(len(sources), pa.int32()))
        tables.append(part.with_column("source", shifted).table)
        sources.extend(part.sources)
    return Calls(pa.concat_tables(tables).unify_dictionaries(), tuple(sources))


def _schema_difference(schema: pa.Schema) -> str:
    wanted, found = set(map(str, SCHEMA)), set(map(str, schema))
    return f"missing {sorted(wanted - found)}, unexpected {sorted(found - wanted)}"


def from_rows(rows: Iterable[Mapping[str, Any]], sources: Sequence[Source]) -> Calls:
    """Calls from column-name → value rows; a column that a row lacks is null."""
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for row in rows:
        for name, values in columns.items():
            values.append(row.get(name))
    arrays = [pa.array(columns[item.name], type=_plain(item.type)).cast(item.type) for item in SCHEMA]
    return Calls(pa.table(arrays, schema=SCHEMA), tuple(sources))


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind
