"""Files → Log: every record is a call or a reject, and every source says how it was read.

A file is read in fragments, each to a `Partial`: rows and counts that need no other fragment. What needs all of them
(joining the parts of a call, dropping copies) happens once, at the end; so a log is the same whoever read its fragments
and in whatever order they came.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial as bound
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from llmcost import engine
from llmcost.calls import Calls, Source
from llmcost.logs.containers import Item, Lines, Rows, parquet_columns, records, sniff
from llmcost.logs.exchanges import CallSite
from llmcost.logs.files import STDIN, expand
from llmcost.logs.fragments import Fragment, fragments_of
from llmcost.logs.halves import REQUEST_KEYS, RESPONSE_KEYS
from llmcost.logs.index import Index
from llmcost.logs.joins import Parts
from llmcost.logs.lane import Lane
from llmcost.logs.lines import LineBlock, Poured, line_blocks, pour, poured_blocks
from llmcost.logs.model import CallPart, Log, NotACall, PassedOver, ReadOptions, Reject, RepeatingFormat
from llmcost.logs.parser import RecordParser, known_formats, leading_format
from llmcost.logs.partial import MAX_REJECTS, Counts, Partial, in_order, merged
from llmcost.logs.table import TableBuilder, without_copies

SAMPLE = 64
SAMPLED_BYTES = 16 << 20  # of records that are held at the same time to see what they are
TOGETHER = 128  # lines, so that they stay in the processor's cache while they are looked at
WORTH_A_WORKER = 48 << 20  # bytes to read: with less, another process takes longer to start than it saves

EXPANDS = 4  # how much larger compressed lines are, at least as a rule

DEFAULT_OPTIONS = ReadOptions()

Progress = Callable[[int, int], None]


def quiet(_: str) -> None:
    """Says nothing."""


def no_progress(_done: int, _total: int) -> None:
    """Shows nothing."""


class Piece(NamedTuple):
    """What one is given to read: the fragment of this number, or lines that were poured out of it."""

    number: int
    fragment: Fragment
    poured: Poured | None


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads a log.

    workers  processes of this machine; None: as many as there are cores, where the log is worth it
    dask     address of a Dask scheduler whose workers read instead, or "local" for a cluster of its own
    index    keeps what was read, so that only what is new has to be read again
    """

    workers: int | None = 1
    dask: str | None = None
    index: Index | None = None


ALONE = Readers()


def read(
    paths: Sequence[str],
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    call_site: CallSite,
    say: Callable[[str], None] = quiet,
    readers: Readers = ALONE,
    progress: Progress = no_progress,
) -> Log:
    """The calls of these files, and what was rejected. `call_site` names the place in the code that a call came from.

    A call site must depend on nothing but the leading system messages and the tools of a request: it is asked for once
    where they are the same. `progress` is told how many bytes of how many are read.

    Raises InputError for a path that is not there or cannot be read, ConfigError for an unknown format.
    """
    sources = [_recognised(path, options) for path in expand(paths)]
    fragments = [fragment for source in sources for fragment in _fragments(source)]
    partials = list(_partials(fragments, options, call_site, readers, progress))
    return _log(sources, fragments, partials, say)


def raw_records(path: str) -> Iterator[Item]:
    """Every record of a file as it stands there, whatever its format. Raises InputError if it cannot be read."""
    container, compression = sniff(path)
    return records(Source(path, "", container, compression))


def _recognised(path: str, options: ReadOptions) -> Source:
    """How a file is to be read, by its first records."""
    container, compression = sniff(path)
    source = Source(path, "", container, compression, tuple(options.fields.items()), options.expected_field)
    return replace(source, format=leading_format(_sample(records(source)), options))


def _sample(items: Iterable[Item]) -> Iterator[Item]:
    """The first records, fewer of large ones."""
    held = 0
    for item in itertools.islice(items, SAMPLE):
        yield item
        held += len(msgspec.json.encode(item.value, enc_hook=str))
        if held > SAMPLED_BYTES:
            return


def _fragments(source: Source) -> list[Fragment]:
    return fragments_of(source, in_order=RecordParser(source.format, DEFAULT_OPTIONS).sequential)


def _partials(
    fragments: Sequence[Fragment], options: ReadOptions, call_site: CallSite, readers: Readers, progress: Progress
) -> Iterator[Partial]:
    """What each fragment holds, in order: out of the index, or read now."""
    index = readers.index
    known = [None if index is None else index.find(fragment, options) for fragment in fragments]
    unread = [fragment for fragment, partial in zip(fragments, known, strict=True) if partial is None]
    # Workers of a cluster may stand elsewhere: what they read comes back, and is kept here.
    work = bound(_read, options=options, call_site=call_site, index=None if readers.dask else index)
    pieces = _pieces(unread, pours=readers.dask is None)
    read = engine.run(work, pieces, workers=_workers(unread, readers), dask=readers.dask)
    fresh = itertools.groupby(read, key=itemgetter(0))
    done, total = 0, sum(fragment.size for fragment in fragments)
    for fragment, partial in zip(fragments, known, strict=True):
        if partial is None:
            yield _at_hand([found for _, found in next(fresh)[1]], fragment, options, index)
        else:
            yield partial
        done += fragment.size
        progress(done, total)
    if index is not None and unread:
        index.prune()


def _pieces(unread: Sequence[Fragment], *, pours: bool) -> Iterator[Piece]:
    """What is to be read: fragments where they are, and what is poured out of those that must be."""
    for number, fragment in enumerate(unread):
        if pours and fragment.poured:
            for poured in pour(fragment.source.path, fragment.source.compression):
                yield Piece(number, fragment, poured)
        else:
            yield Piece(number, fragment, None)


def _at_hand(found: Sequence[Partial | Path], fragment: Fragment, options: ReadOptions, index: Index | None) -> Partial:
    """What the pieces of a fragment held, in the index if there is one, and then out of memory until it is used."""
    pieces = [Partial.read(piece, just_written=True) if isinstance(piece, Path) else piece for piece in found]
    if isinstance(found[0], Path):
        return pieces[0]
    whole = in_order(pieces) if len(pieces) > 1 else pieces[0]
    kept = None if index is None else index.keep(fragment, options, whole)
    return whole if kept is None else Partial.read(kept, just_written=True)


def _workers(unread: Sequence[Fragment], readers: Readers) -> int:
    if readers.workers is not None:
        return 1 if any(fragment.source.path == STDIN for fragment in unread) else readers.workers
    worth = sum(fragment.size * (EXPANDS if fragment.poured else 1) for fragment in unread) >= WORTH_A_WORKER
    return _workers(unread, replace(readers, workers=engine.available_cores() if worth else 1))


def _read(piece: Piece, options: ReadOptions, call_site: CallSite, index: Index | None) -> tuple[int, Partial | Path]:
    return piece.number, read_fragment(piece.fragment, options, call_site, index, piece.poured)


def read_fragment(
    fragment: Fragment,
    options: ReadOptions,
    call_site: CallSite,
    index: Index | None,
    poured: Poured | None = None,
) -> Partial | Path:
    """What a fragment holds, or where in the index it is kept; of one that is poured, what was poured."""
    reading = _Reading(fragment.source, options, call_site)
    with _no_cycles():
        if poured is None:
            reading.all(fragment)
        else:
            reading.blocks(poured_blocks(poured))
        partial = reading.partial()
    if index is None or poured is not None:
        return partial
    return index.keep(fragment, options, partial) or partial


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Without the search for cycles: records have none, and are so many that it would search all the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


class _Reading:
    """The state of reading one fragment: rows and counts so far."""

    def __init__(self, source: Source, options: ReadOptions, call_site: CallSite) -> None:
        self._source = source
        self._call_site = call_site
        self._parser = RecordParser(source.format, options)
        self._lane = Lane(call_site) if Lane.reads(source.format, options) else None
        self._builder = TableBuilder()
        self._parts = Parts()
        self._records = self._rejected = self._passed_over = self._lines = 0
        self._rejects: list[tuple[int, str]] = []

    def all(self, fragment: Fragment) -> None:
        """Reads the records of the fragment."""
        source = self._source
        if source.container == "jsonl":
            self.blocks(line_blocks(source.path, source.compression, fragment.start, fragment.stop))
        elif source.container == "parquet":
            halves = () if self._lane is None else REQUEST_KEYS + RESPONSE_KEYS
            for rows in parquet_columns(source.path, source.compression, halves, fragment.start, fragment.stop):
                self._rows(rows)
        else:
            for item in records(source):
                self._item(item)

    def blocks(self, blocks: Iterable[LineBlock]) -> None:
        """Reads the lines of these blocks."""
        for block in blocks:
            self._block(block)

    def _block(self, block: LineBlock) -> None:
        if block.wrong is None and not any(block.lines):
            self._lines += len(block.lines)
            return
        lane = self._lane
        if block.wrong is not None or not block.utf8:
            lane = None  # the lane does not look at what it passes over: bytes that are no text would go unnoticed
        begins = itertools.accumulate((len(line) + 1 for line in block.lines), initial=block.position)
        positions = list(itertools.islice(begins, len(block.lines)))
        numbers = range(self._lines + 1, self._lines + 1 + len(block.lines))
        for start in range(0, len(block.lines), TOGETHER):
            some = slice(start, start + TOGETHER)
            self._together(Lines(block.lines[some], positions[some], numbers[some], block.wrong), lane)
        self._lines += len(block.lines)

    def _rows(self, rows: Rows) -> None:
        for start in range(0, len(rows.positions), TOGETHER):
            stop = min(start + TOGETHER, len(rows.positions))
            self._together(rows.only(range(start, stop)), self._lane)

    def _together(self, some: Lines | Rows, lane: Lane | None) -> None:
        """Reads some records: what the lane does not take is read by its format, in order."""
        left = self._left(some, range(len(some.positions)), lane)
        while left:
            number, *left = left
            item = some.item(number)
            if item is None:
                continue
            self._item(item)
            if lane is not None and lane.learn(item.value):
                left = self._left(some, left, lane)

    def _left(self, some: Lines | Rows, numbers: Sequence[int], lane: Lane | None) -> list[int]:
        """Those of some records that the lane does not take."""
        if lane is None or not numbers:
            return list(numbers)
        left = [numbers[number] for number in lane.takes(some.only(numbers))]
        self._records += len(numbers) - len(left)
        return left

    def partial(self) -> Partial:
        """What was read."""
        counts = Counts(self._records, self._rejected, self._passed_over, self._lines, tuple(self._rejects))
        fast = self._lane.tables() if self._lane is not None else []
        table = self._builder.table(fast)
        return Partial(_in_place(table, self._parts) if fast else table, counts, self._parts)

    def _item(self, item: Item) -> None:
        position, line, value, wrong = item
        self._records += 1
        if wrong is not None:
            self._reject(line, wrong)
            return
        try:
            calls = self._parser.calls(value)
        except PassedOver:
            self._passed_over += 1
            return
        except NotACall as reason:
            self._reject(line, str(reason))
            return
        for part, call in enumerate(calls):
            site = None if call.request is None else self._call_site(call)
            row = self._builder.add(call, site, 0, position, part)
            if isinstance(call, CallPart):
                self._parts.add(row, call)

    def _reject(self, line: int, reason: str) -> None:
        self._rejected += 1
        if len(self._rejects) < MAX_REJECTS:
            self._rejects.append((line, reason))


def _in_place(table: pa.Table, parts: Parts) -> pa.Table:
    """The rows in the order in which they stand in the file; the parts are told of their new places."""
    positions = table.column("position").to_numpy()
    order = np.argsort(positions, kind="stable")  # the parts of a record stand in order already
    parts.renumber(order)
    whole = table.combine_chunks()
    return whole if (positions[1:] >= positions[:-1]).all() else whole.take(pa.array(order))


def _log(
    sources: Sequence[Source], fragments: Sequence[Fragment], partials: Sequence[Partial], say: Callable[[str], None]
) -> Log:
    """Everything that was read, as one log."""
    read_of = {
        source.path: [p for f, p in zip(fragments, partials, strict=True) if f.source is source] for source in sources
    }
    for source in sources:
        say(_summary(source, [partial.counts for partial in read_of[source.path]]))
    table, parts = merged((number, p) for number, source in enumerate(sources) for p in read_of[source.path])
    once = without_copies(parts.joined(table), _copying(sources))
    counts = [partial.counts for partial in partials]
    whole = [replace(source, parts=any(partial.parts for partial in read_of[source.path])) for source in sources]
    rejects = itertools.chain.from_iterable(
        _rejects(source.path, [partial.counts for partial in read_of[source.path]]) for source in sources
    )
    return Log(
        Calls(once, tuple(whole)),
        sum(count.records for count in counts),
        sum(count.rejected for count in counts),
        list(itertools.islice(rejects, MAX_REJECTS)),
        list(dict.fromkeys(known_formats()[source.format].title for source in sources)),
        [source.path for source in sources],
        sum(count.passed_over for count in counts) + table.num_rows - once.num_rows,
    )


def _rejects(path: str, counts: Iterable[Counts]) -> Iterator[Reject]:
    """The rejects of a file, their lines counted from its beginning."""
    before = 0
    for count in counts:
        yield from (Reject(path, before + line, reason) for line, reason in count.rejects)
        before += count.lines


def _copying(sources: Sequence[Source]) -> list[int]:
    """The sources whose format writes calls down several times."""
    formats = known_formats()
    kinds = ((number, formats[source.format]) for number, source in enumerate(sources))
    return [number for number, form in kinds if isinstance(form, RepeatingFormat) and form.copies]


def _summary(source: Source, counts: Sequence[Counts]) -> str:
    name = "stdin" if source.path == STDIN else source.path
    records, rejected, passed_over = (
        sum(getattr(count, field) for count in counts) for field in ("records", "rejected", "passed_over")
    )
    aside = f"{passed_over:,} without a call, " if passed_over else ""
    plural = "s" if records != 1 else ""
    title = known_formats()[source.format].title
    return f"{name} · {title} · {records:,} record{plural}, {aside}{rejected:,} rejected"
