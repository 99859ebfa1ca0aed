"""The screen of one model's prices: today's first, then every line with its conditions."""

from __future__ import annotations

from llmcost.pricing import PriceLine, PriceView
from llmcost.report import figures
from llmcost.report.document import Cell, Column, Definitions, Document, Heading, Row, Table, line

PER_MILLION = "$ per million tokens"


def prices_document(view: PriceView) -> Document:
    """What a model costs, since when, who says so."""
    answer = f"{view.model}: {_usd(view.input)} in, {_usd(view.output)} out per million tokens"
    facts = (
        ("Priced as", line(f"{view.id} · {view.source} · prices of {view.as_of}")),
        ("Cached input", line(_usd(view.cached_input))),
        ("Batch API", line(f"{_usd(view.batch_input)} in, {_usd(view.batch_output)} out")),
        ("Limits", line(f"{figures.count(view.max_input_tokens)} in, {figures.count(view.max_output_tokens)} out")),
        ("Leaves the API", line("not announced" if view.deprecation_date is None else f"{view.deprecation_date}")),
    )
    columns = (
        Column("Since", "valid_from"),
        Column("Tier", "tier"),
        Column("Above", "above_input_tokens", "right"),
        Column("Input", "input", "right"),
        Column("Cached", "cached_input", "right"),
        Column("Written", "cache_write", "right", rank=1),
        Column("Output", "output", "right"),
        Column("Reasoning", "reasoning", "right", rank=2),
    )
    table = Table("price", columns, tuple(map(_row, view.lines)), title=PER_MILLION)
    return Document("llmcost prices", (Heading(line(answer)), Definitions(facts), table))


def _row(entry: PriceLine) -> Row:
    when = "–" if entry.valid_from is None else str(entry.valid_from)
    tier = f"{entry.tier}, off-peak" if entry.off_peak else entry.tier
    above = figures.count(entry.above_input_tokens) if entry.above_input_tokens else "–"
    amounts = (entry.input, entry.cached_input, entry.cache_write, entry.output, entry.reasoning)
    cells = tuple(Cell(_usd(amount), value=amount) for amount in amounts)
    return Row((Cell(when), Cell(tier), Cell(above, value=entry.above_input_tokens), *cells))


def _usd(amount: float | None) -> str:
    return figures.money(amount)
