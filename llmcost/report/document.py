"""Document: what a screen says, before anything is drawn. Screens make it, renderers draw it.

Figures are formatted once, here as text; a cell also keeps the bare value for formats that are read by machines.
Log text is untrusted: every part makes its text harmless when it is built, so that no screen can forget it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from llmcost.report.untrusted import cut_lines, visible
from llmcost.strategies.stack import Basis

Role = Literal["plain", "strong", "dim", "good", "bad", "warn"]
Align = Literal["left", "right"]
Value: TypeAlias = "str | int | float | None"

LONGEST = 400  # characters of one span; the rest is elided in the middle


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text. Its role repeats what a word already says; nothing is told by colour alone."""

    text: str
    role: Role = "plain"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text, LONGEST))


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or name of a table: `text` for people, `value` for machines (the text where there is no other).

    to  the `key` of the fold that tells more: a link, where there are links
    """

    text: str
    role: Role = "plain"
    value: Value = None
    to: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text, LONGEST))
        if isinstance(self.value, str):
            object.__setattr__(self, "value", visible(self.value, LONGEST))


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `key` names it for machines. Where space is short, columns of high `rank` give way first.

    shrink  names may be wrapped and then elided in the middle; figures never are
    prose   a shrunken sentence takes as many lines as it needs: it is never elided
    lines   how many lines a shrunken name may take
    least   a shrunken column is not narrower than this
    rank    0: always shown; otherwise left out on narrow screens, the highest first
    """

    header: str
    key: str
    align: Align = "left"
    shrink: bool = False
    prose: bool = False
    lines: int = 2
    least: int = 0
    rank: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "header", visible(self.header, LONGEST))


@dataclass(frozen=True, slots=True)
class Row:
    """Cells parallel to the columns; `below` is a second line under some of them; `note` runs under the whole row.

    aside  what the row means, in plain words: on a page under its name, elsewhere left out
    """

    cells: tuple[Cell, ...]
    below: tuple[Cell, ...] = ()
    note: Line = ()
    aside: Line = ()

    def only(self, kept: Sequence[int]) -> Row:
        """The row with the cells of these columns alone."""
        below = tuple(self.below[index] for index in kept if index < len(self.below))
        return replace(self, cells=tuple(self.cells[index] for index in kept), below=below)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers. `detail` tables are left out of the terminal: they would push the answer off the screen.

    Markdown folds them away, a page and a spreadsheet hold them in full.

    name     says in machine-read formats which table a row belongs to
    brief    the rows of a terminal, where all of them would be too many: the first, and the rest summed up in one
    cards    on a phone each row stands by itself, a line a cell: for tables of which no column may be out of sight
    caption  what the table holds, or what its title is said of, for who does not see where it stands
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    detail: bool = False
    brief: tuple[Row, ...] = ()
    caption: str = ""
    cards: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", visible(self.name, LONGEST))
        object.__setattr__(self, "title", visible(self.title, LONGEST))
        object.__setattr__(self, "caption", visible(self.caption, LONGEST))

    def only(self, keys: Collection[str]) -> Table:
        """The table with the columns of these keys alone."""
        kept = [index for index, column in enumerate(self.columns) if column.key in keys]
        return replace(
            self,
            columns=tuple(self.columns[index] for index in kept),
            rows=tuple(row.only(kept) for row in self.rows),
            brief=tuple(row.only(kept) for row in self.brief),
        )

    def first(self, most: int) -> tuple[tuple[Row, ...], str]:
        """So many rows, and what says that there are more: a log may have a million tasks, a page has room for some."""
        more = len(self.rows) - most
        return self.rows[:most], f"and {more:,} more rows: --format csv holds them all" if more > 0 else ""

    def naming(self) -> int:
        """Index of the column that says what a row is about: the first that holds no figures."""
        return next((index for index, column in enumerate(self.columns) if column.align == "left"), 0)


@dataclass(frozen=True, slots=True)
class Heading:
    """The answer in one line."""

    line: Line


@dataclass(frozen=True, slots=True)
class Text:
    """Lines that belong together; each is wrapped where it does not fit."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms and what they are, one below the other."""

    items: tuple[tuple[str, Line], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple((visible(term, LONGEST), meaning) for term, meaning in self.items))


@dataclass(frozen=True, slots=True)
class Notes:
    """What limits the figures above: one point a line."""

    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to run next, and what it does."""

    command: str
    comment: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "command", visible(self.command, LONGEST))


@dataclass(frozen=True, slots=True)
class Next:
    """Commands to run next."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along one side of a plot.

    kind   how values are spread: a logarithmic axis has no place for 0 or less
    unit   how values are written: a share in 0–1 as a percentage, US dollars, or the bare number
    ticks  the values that are marked, each with its text; without any, round values are
    """

    label: str
    kind: Literal["linear", "log"] = "linear"
    unit: Literal["number", "percent", "usd"] = "number"
    ticks: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", visible(self.label, LONGEST))
        object.__setattr__(self, "ticks", tuple((value, visible(text, LONGEST)) for value, text in self.ticks))


Point: TypeAlias = "tuple[float | None, float | None]"


@dataclass(frozen=True, slots=True)
class Series:
    """What belongs together in a plot, in the order in which it is joined; an unknown value leaves a gap.

    kind      joined by straight lines, by steps that hold each value until the next point, or not at all
    emphasis  drawn heavier than the rest
    """

    name: str
    points: tuple[Point, ...]
    kind: Literal["line", "steps", "points"] = "line"
    emphasis: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", visible(self.name, LONGEST))


@dataclass(frozen=True, slots=True)
class Plot:
    """Series between two axes. Where nothing can be drawn, and in formats of text, its points stand in a table.

    notes   what limits the picture, one point a line
    tabled  a table of the same document holds these points: no second one is made of them
    detail  left out of the terminal
    """

    title: str
    series: tuple[Series, ...]
    x: Axis
    y: Axis
    notes: tuple[Line, ...] = ()
    tabled: bool = False
    detail: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title, LONGEST))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar from `start` to `end` on the scale that all bars of a picture share.

    basis  on what a step rests; None: no step, but what there was before or is after
    says   the basis in words, and `text` the amount: both stand at the bar, so that no pattern has to be remembered
    """

    name: str
    start: float
    end: float
    text: str
    basis: Basis | None = None
    says: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "text", "says"):
            object.__setattr__(self, name, visible(getattr(self, name), LONGEST))


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one below the other: how one amount becomes another. `tabled` as of a Plot."""

    title: str
    bars: tuple[Bar, ...]
    notes: tuple[Line, ...] = ()
    tabled: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title, LONGEST))


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount that is read before everything else: its name, the amount, and what it is and is not."""

    label: str
    amount: str
    note: Line = ()
    role: Role = "plain"

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", visible(self.label, LONGEST))
        object.__setattr__(self, "amount", visible(self.amount, LONGEST))


@dataclass(frozen=True, slots=True)
class Totals:
    """Amounts beside each other that are never added up."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One text in its own lines, under what it is; of more than `longest` characters the middle is left out."""

    label: str
    text: str
    longest: int = 3000

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", visible(self.label, LONGEST))
        object.__setattr__(self, "text", cut_lines(self.text, self.longest))


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Texts to be compared by a person: what both have in common above, the two beside each other."""

    line: Line
    above: Panel
    beside: tuple[Panel, Panel]


@dataclass(frozen=True, slots=True)
class Grid:
    """Small pictures beside each other, as many a line as fit."""

    blocks: tuple[Plot, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that are shown when they are asked for; on paper always. `key` names it for links, `says` sums it up."""

    title: str
    blocks: tuple[Block, ...]
    key: str = ""
    says: Line = ()
    open: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title, LONGEST))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a long document under its own title; `folded` where only the answer has room, as in a comment."""

    title: str
    blocks: tuple[Block, ...]
    key: str
    folded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title, LONGEST))


Block: TypeAlias = (
    "Heading | Text | Table | Plot | Bars | Totals | Panel | Exhibit | Grid | Definitions | Notes | Next"
    " | Fold | Section"
)


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks in reading order: the answer, the table, the caveats, the next command.

    brief   what a terminal shows, where all of it would be too much; without any, all of it
    tables  what is written for machines, where people read it in another shape; without any, the tables of the blocks
    """

    title: str
    blocks: tuple[Block, ...]
    brief: tuple[Block, ...] = ()
    tables: tuple[Table | Plot, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title, LONGEST))


def flat(blocks: Sequence[Block]) -> Iterator[Block]:
    """All blocks that hold no others, in reading order."""
    for block in blocks:
        if isinstance(block, (Section, Fold, Grid)):
            yield from flat(block.blocks)
        else:
            yield block


def line(*parts: str | Span) -> Line:
    """A line of plain strings and spans; empty parts are left out."""
    spans = (part if isinstance(part, Span) else Span(part) for part in parts)
    return tuple(span for span in spans if span.text)


def plain(spans: Line) -> str:
    """The text of a line without its roles."""
    return "".join(span.text for span in spans)
