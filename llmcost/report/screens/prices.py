"""The screen of one model's prices: today's first, then every line with its conditions."""

from __future__ import annotations

from llmcost.pricing import PriceLine, PriceView
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Definitions, Document, Heading, Row, Table, line

PER_MILLION = "$ per million tokens"
NO_DATE = "no date in the catalogues"


def prices_document(view: PriceView) -> Document:
    """What a model costs, since when, who says so."""
    answer = f"{view.model}: {figures.price(view.input)} in, {figures.price(view.output)} out per million tokens"
    facts = (
        ("Priced as", line(view.id)),
        ("Since", line(NO_DATE if view.valid_from is None else f"{view.valid_from}")),
        ("Source", line(f"{view.source}, prices of {view.as_of}")),
        ("Cached input", line("costs as input" if view.cached_input is None else figures.price(view.cached_input))),
        ("Batch API", line(_batch(view))),
        ("Limits", line(_limits(view))),
        ("Leaves the API", line("not announced" if view.deprecation_date is None else f"{view.deprecation_date}")),
    )
    columns = (
        Column("Since", "valid_from"),
        Column("Tier", "tier"),
        Column("Above tokens in", "above_input_tokens", "right"),
        Column("Input", "input", "right"),
        Column("Cached", "cached_input", "right"),
        Column("Cache write", "cache_write", "right", rank=1),
        Column("Output", "output", "right"),
        Column("Reasoning", "reasoning", "right", rank=2),
    )
    table = Table("price", columns, tuple(map(_row, view.lines)), title=PER_MILLION)
    return Document("llmcost prices", (Heading(line(answer)), Definitions(facts), table))


def _batch(view: PriceView) -> str:
    if view.batch_input is None and view.batch_output is None:
        return "not listed"
    return f"{figures.price(view.batch_input)} in, {figures.price(view.batch_output)} out"


def _limits(view: PriceView) -> str:
    return f"{figures.count(view.max_input_tokens)} tokens in, {figures.count(view.max_output_tokens)} out"


def _row(entry: PriceLine) -> Row:
    when = figures.UNKNOWN if entry.valid_from is None else str(entry.valid_from)
    tier = f"{entry.tier}, off-peak" if entry.off_peak else entry.tier
    above = figures.count(entry.above_input_tokens) if entry.above_input_tokens else figures.UNKNOWN
    amounts = (entry.input, entry.cached_input, entry.cache_write, entry.output, entry.reasoning)
    cells = tuple(Cell(figures.price(amount), value=amount) for amount in amounts)
    return Row((Cell(when), Cell(tier), Cell(above, value=entry.above_input_tokens), *cells))
