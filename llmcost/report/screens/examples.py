"""Answers to read: the prompts on which a candidate was graded worst, the logged answer and its own side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmcost.recommend.result import Example, TaskReport
from llmcost.report import figures
from llmcost.report.document import Block, Cell, Column, Exhibit, Line, Panel, Row, Table, Text, line
from llmcost.report.screens import cells

ALL_TEXTS = 300_000  # characters of all texts of a report together, so that it stays a page that opens at once
LONGEST, SHORTEST = 3000, 200  # of one text
SHOW = "llmcost report --show-text"


def longest_text(examples: Sequence[Example]) -> int:
    """How many characters of one text are shown: the fewer, the more texts there are."""
    texts = sum(text is not None for each in examples for text in (each.prompt, each.logged, each.candidate))
    return max(min(LONGEST, ALL_TEXTS // max(texts, 1)), SHORTEST)


def examples_blocks(task: TaskReport, examples: Sequence[Example], longest: int) -> Iterator[Block]:
    """The examples of one task: those whose texts are known to be read, of the others what is known without them."""
    told = [each for each in examples if each.prompt is not None or each.candidate is not None]
    withheld = [each for each in examples if each not in told]
    if examples:
        withheld_too = f"; the texts are withheld (`{SHOW}`)" if withheld else ""
        yield Text((line(cells.strong("Graded worst"), f": to be read before you switch{withheld_too}"),))
    yield from (_exhibit(task, each, longest) for each in told)
    if withheld:
        yield examples_table(withheld, f"{task.task}: graded worst")


def examples_table(examples: Sequence[Example], caption: str = "") -> Table:
    """Where to find them, how they were graded and by what, and how long the texts are."""
    columns = (
        Column("Use case", "task", shrink=True),
        Column("Candidate", "candidate", shrink=True),
        Column("Where", "where", shrink=True),
        Column("Grade", "difference", "right"),
        Column("Decided by", "graded_by"),
        Column("Words asked", "prompt_words", "right"),
        Column("Logged", "logged_words", "right"),
        Column("Its own", "candidate_words", "right"),
    )
    table = Table("example", columns, tuple(map(_row, examples)), caption=caption)
    return table.only({column.key for column in columns[1:]}) if caption else table


def _row(each: Example) -> Row:
    return Row(
        (
            cells.name(each.task),
            cells.name(each.model),
            cells.name(each.where),
            _grade(each),
            cells.name(each.basis or None),
            *map(cells.count, each.words),
        )
    )


def _grade(each: Example) -> Cell:
    """The difference as it was graded, in −1 … 1."""
    return Cell(_signed(each.difference), value=each.difference)


def _signed(difference: float) -> str:
    return f"{difference:+.2f}".replace("-", figures.MINUS)


def _exhibit(task: TaskReport, each: Example, longest: int) -> Exhibit:
    asked, logged, own = each.words
    return Exhibit(
        _about(each),
        _panel("Prompt", each.prompt, asked, longest),
        (
            _panel(f"Logged answer ({task.incumbent.model})", each.logged, logged, longest),
            _panel(f"{each.model}", each.candidate, own, longest),
        ),
    )


def _about(each: Example) -> Line:
    """ "deepseek-v4-flash · −1.00 by judge · october.jsonl:118"."""
    graded = f"graded {_signed(each.difference)}{f' by {each.basis}' if each.basis else ''}"
    return line(cells.strong(each.model), f"{cells.SEPARATOR}{graded}{cells.SEPARATOR}{each.where}")


def _panel(name: str, text: str | None, words: int, longest: int) -> Panel:
    shown = "(not known)" if text is None else text or "(empty)"
    return Panel(f"{name} · {figures.counted(words, 'word')}", shown, longest)
