"""Where a report comes from: what was read, with which prices it was computed, and how to get it again."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.recommend.result import DataQuality, Redaction, ReplayReport
from llmcost.report import figures
from llmcost.report.document import Block, Command, Definitions, Line, Next, Notes, line
from llmcost.report.screens import cells
from llmcost.report.screens.redact import found_words

UNPRICED_NAMED = 8


def data_blocks(report: ReplayReport, limits: tuple[Line, ...]) -> Iterator[Block]:
    """What was read and what of it was not understood, priced or counted; and all else that limits the figures."""
    data = report.data
    read = tuple(_read(data)) if data is not None else (("Read", line(cells.listed(report.files, 6))),)
    yield Definitions(tuple((term, meaning) for term, meaning in read if meaning))
    if limits:
        yield Notes(limits)


def again_blocks(report: ReplayReport) -> Iterator[Block]:
    """The command, the seed, and everything else that the same figures need."""
    if report.command:
        yield Next((Command(report.command),))
    spend = report.spend
    yield Definitions(
        (
            ("Run", line(f"{report.run}, seed {report.seed}, llmcost {report.llmcost_version}")),
            ("Prices", line(f"as of {report.prices.as_of}, sha256 {report.prices.sha256}")),
            ("Endpoint", line(report.host or figures.UNKNOWN)),
            ("Graders", line(cells.listed(report.graders, 6) or "checks alone")),
            *([("Hidden", line(_hidden(report.redaction)))] if report.redaction is not None else []),
            ("Chance of error", line(_alpha(report))),
            (
                "What it cost",
                line(
                    f"replay {figures.money(spend.replay_usd)}, grading {figures.money(spend.grading_usd)}, "
                    f"controls {figures.money(spend.controls_usd)} ({figures.counted(spend.calls, 'call')})"
                ),
            ),
        )
    )


def _hidden(said: Redaction) -> str:
    """What of the prompts has left as placeholders."""
    found = found_words(said.found) or "no personal data or keys were found"
    if said.on:
        return f"{found}{' left as placeholders' if said.found else ''}"
    return f"nothing (--no-redact): {found}{' left as they were logged' if said.found else ''}"


def _alpha(report: ReplayReport) -> str:
    scope = "in the whole plan" if report.alpha_scope == "plan" else f"in each {report.alpha_scope}"
    return f"{figures.percent(report.alpha)}, of any wrong switch {scope}"


def _read(data: DataQuality) -> Iterator[tuple[str, Line]]:
    yield "Read", line(cells.joined((cells.listed(data.files, 6), cells.listed(data.format, 3))))
    yield "Time", line(cells.period(data.start, data.end) or "the log tells no times")
    yield "Records", line(_records(data))
    yield "Priced", line(_priced(data))
    yield "Token counts", line(_tokens(data))


def _records(data: DataQuality) -> str:
    rejected = f"{figures.counted(data.rejected, 'record')} not understood" if data.rejected else "all understood"
    failed = f", {figures.count(data.failed_calls)} of them failed" if data.failed_calls else ""
    return f"{figures.counted(data.records, 'record')}, {rejected}; {figures.counted(data.calls, 'call')}{failed}"


def _priced(data: DataQuality) -> str:
    share = figures.percent(data.priced_calls / data.calls if data.calls else None)
    unpriced = cells.listed(data.unpriced_models, UNPRICED_NAMED)
    without = f"; no price: {unpriced} (in no figure)" if unpriced else ""
    return f"{figures.count(data.priced_calls)} of {figures.counted(data.calls, 'call')} ({share}){without}"


def _tokens(data: DataQuality) -> str:
    if not data.estimated_token_calls:
        return "as logged, for every call"
    return (
        f"estimated from the text for {figures.counted(data.estimated_token_calls, 'call')}, as logged for the others"
    )
