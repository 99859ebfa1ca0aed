"""Files → Log: every record is a call or a reject, and every source says how it was read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmcost.calls import Call, Calls, Source
from llmcost.errors import ConfigError
from llmcost.logs.containers import Item, records, sniff
from llmcost.logs.exchange import NOT_A_CALL
from llmcost.logs.files import expand
from llmcost.logs.formats import BUILTIN
from llmcost.logs.joins import Parts
from llmcost.logs.model import (
    CallPart,
    Log,
    LogFormat,
    NotACall,
    PassedOver,
    ReadOptions,
    Record,
    RecordReader,
    Reject,
    RepeatingFormat,
    SequentialFormat,
)  # fmt: skip
from llmcost.logs.table import TableBuilder, without_copies
from llmcost.plugins import load

PLAIN = "plain-row"
SAMPLE = 64
SURE = 0.9
MAX_REJECTS = 20
BODY_FIELDS = frozenset({"messages", "prompt", "response"})
NOT_AN_OBJECT = "not an object: a call is a JSON object"
ODD_TYPES = "fields of unexpected types: not understood"

# What odd data may make a format stumble over; any other exception is a defect and must be seen.
UNEXPECTED = (TypeError, ValueError, LookupError, AttributeError, RecursionError)

DEFAULT_OPTIONS = ReadOptions()


def quiet(_: str) -> None:
    """Says nothing."""


class RecordParser:
    """Reads each record with the format that recognises it best; a file may be mixed.

    The choice depends on the record and the file's leading format alone, so that a record read again reads the same;
    only if the leading format is sequential do earlier records matter, and then all must be read.
    """

    def __init__(self, leading: str, options: ReadOptions) -> None:
        formats = known_formats()
        self.leading = formats[leading]
        others = [form for form in formats.values() if form is not self.leading]
        forced = options.format is not None or not BODY_FIELDS.isdisjoint(options.fields)
        self._formats = (self.leading,) if forced else (self.leading, *others)
        self._options = options
        self._reader: RecordReader | None = (
            self.leading.reader() if isinstance(self.leading, SequentialFormat) else None
        )

    @property
    def sequential(self) -> bool:
        """Whether a record must be read after all that stand before it."""
        return self._reader is not None

    def calls(self, record: Any) -> Sequence[Call]:
        """The calls of a record; raises NotACall with the reason."""
        if not isinstance(record, dict):
            raise NotACall(NOT_AN_OBJECT)
        try:
            calls = tuple(self._chosen(record).parse(record, self._options))
        except UNEXPECTED as error:
            raise NotACall(ODD_TYPES) from error
        if not calls:
            raise NotACall(NOT_A_CALL)
        return calls

    def _chosen(self, record: Record) -> RecordReader:
        form = self._best(record)
        return self._reader if self._reader is not None and form is self.leading else form

    def _best(self, record: Record) -> LogFormat:
        best, best_score = self.leading, -1.0
        if len(self._formats) == 1:
            return best
        for form in self._formats:
            score = _confidence(form, record)
            if score >= SURE:
                return form
            if score > best_score:
                best, best_score = form, score
        return best


def known_formats() -> Mapping[str, LogFormat]:
    """Every log format by name: built-in ones and plug-ins."""
    return load("formats", BUILTIN)


def read(
    paths: Sequence[str],
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    call_site: Callable[[Call], str | None],
    say: Callable[[str], None] = quiet,
) -> Log:
    """The calls of these files, and what was rejected. `call_site` names the place in the code that a call came from.

    Raises InputError for a path that is not there or cannot be read, ConfigError for an unknown format.
    """
    reading = _Reading(options, call_site)
    for path in expand(paths):
        say(reading.file(path))
    return reading.log()


class _Reading:
    """The state of one `read`: rows, sources and counts so far."""

    def __init__(self, options: ReadOptions, call_site: Callable[[Call], str | None]) -> None:
        self._options = options
        self._call_site = call_site
        self._builder = TableBuilder()
        self._parts = Parts()
        self._sources: list[Source] = []
        self._titles: dict[str, None] = {}
        self._records = self._rejected = self._passed_over = 0
        self._rejects: list[Reject] = []

    def file(self, path: str) -> str:
        """Reads one file and says what it was."""
        container, compression = sniff(path)
        source = Source(
            path, "", container, compression, tuple(self._options.fields.items()), self._options.expected_field
        )
        items = records(source)
        sample = list(itertools.islice(items, SAMPLE))
        leading = _leading_format(sample, self._options)
        parser = RecordParser(leading, self._options)
        index = len(self._sources)
        self._sources.append(Source(path, leading, container, compression, source.fields, source.expected_field))
        before = self._records, self._rejected, self._passed_over
        self._read(itertools.chain(sample, items), parser, index, path)
        title = parser.leading.title
        self._titles[title] = None
        after = self._records, self._rejected, self._passed_over
        return _summary(path, title, *(now - then for now, then in zip(after, before, strict=True)))

    def log(self) -> Log:
        """Everything that was read."""
        table = self._builder.table()
        once = without_copies(self._parts.joined(table), self._copying())
        aside = self._passed_over + table.num_rows - once.num_rows
        files = [source.path for source in self._sources]
        calls = Calls(once, tuple(self._sources))
        return Log(calls, self._records, self._rejected, self._rejects, list(self._titles), files, aside)

    def _copying(self) -> list[int]:
        """The sources whose format writes calls down several times."""
        formats = known_formats()
        kinds = ((index, formats[source.format]) for index, source in enumerate(self._sources))
        return [index for index, form in kinds if isinstance(form, RepeatingFormat) and form.copies]

    def _read(self, items: Iterator[Item], parser: RecordParser, source: int, path: str) -> None:
        for position, line, value, wrong in items:
            if wrong is not None:
                self._reject(path, line, wrong)
                continue
            try:
                calls = parser.calls(value)
            except PassedOver:
                self._records += 1
                self._passed_over += 1
                continue
            except NotACall as reason:
                self._reject(path, line, str(reason))
                continue
            self._records += 1
            for part, call in enumerate(calls):
                site = None if call.request is None else self._call_site(call)
                row = self._builder.add(call, site, source, position, part)
                if isinstance(call, CallPart):
                    self._add_part(row, call, source)

    def _add_part(self, row: int, part: CallPart, source: int) -> None:
        self._parts.add(row, part)
        if not self._sources[source].parts:
            self._sources[source] = replace(self._sources[source], parts=True)

    def _reject(self, path: str, line: int, reason: str) -> None:
        self._records += 1
        self._rejected += 1
        if len(self._rejects) < MAX_REJECTS:
            self._rejects.append(Reject(path, line, reason))


def _leading_format(sample: Iterable[Item], options: ReadOptions) -> str:
    """The name of the format that most records of the sample have; plain rows if none knows any."""
    formats = known_formats()
    if options.format is not None:
        if options.format not in formats:
            raise ConfigError(f"unknown log format {options.format!r}", f"formats are: {', '.join(sorted(formats))}")
        return options.format
    if not BODY_FIELDS.isdisjoint(options.fields):
        return PLAIN
    rows = [item.value for item in sample if isinstance(item.value, dict)]
    scores = {name: sum(_confidence(form, row) for row in rows) for name, form in formats.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else PLAIN


def _confidence(form: LogFormat, row: Record) -> float:
    try:
        return form.detect((row,))
    except UNEXPECTED:
        return 0.0


def _summary(path: str, title: str, count: int, rejected: int, passed_over: int) -> str:
    name = "stdin" if path == "-" else path
    aside = f"{passed_over:,} without a call, " if passed_over else ""
    return f"{name} · {title} · {count:,} record{'s' if count != 1 else ''}, {aside}{rejected:,} rejected"
