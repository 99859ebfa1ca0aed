"""Which format reads a record: the one of the log's first records, else the one that knows it best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmcost.calls import Call
from llmcost.errors import ConfigError
from llmcost.logs.containers import Item
from llmcost.logs.exchange import NOT_A_CALL
from llmcost.logs.formats import BUILTIN
from llmcost.logs.model import LogFormat, NotACall, ReadOptions, Record, RecordReader, SequentialFormat
from llmcost.plugins import load

PLAIN = "plain-row"
SURE = 0.9
BODY_FIELDS = frozenset({"messages", "prompt", "response"})
NOT_AN_OBJECT = "not an object: a call is a JSON object"
ODD_TYPES = "fields of unexpected types: not understood"

# What odd data may make a format stumble over; any other exception is a defect and must be seen.
UNEXPECTED = (TypeError, ValueError, LookupError, AttributeError, RecursionError)


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


def leading_format(sample: Iterable[Item], options: ReadOptions) -> str:
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
