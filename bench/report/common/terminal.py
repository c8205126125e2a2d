"""Tables in a terminal: one line a row where there is room for it, and never a name cut short."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

Rows = Sequence[Sequence[str]]


def stacked(text: str) -> str:
    """What is in brackets below what stands before them."""
    return text.replace(" (", "\n(")


def widths(rows: Rows) -> list[int]:
    """What each column takes where nothing is broken but at its line ends."""
    return [
        max(cell_len(line) for text in column for line in text.split("\n"))
        for column in zip(*rows, strict=True)
    ]


def fits(rows: Rows, width: int) -> bool:
    """Whether a table of these, headings among them, has room on so many columns."""
    taken = widths(rows)
    return sum(taken) + len(taken) - 1 <= width


def fit(
    headings: Sequence[str],
    rows: Rows,
    width: int,
    *,
    giving_way: Sequence[str] = (),
    before_stacking: int = 0,
) -> tuple[list[int], bool]:
    """The columns for which there is room, and whether intervals go below their estimates.

    Columns give way in the order of `giving_way`, so many of them before rows take two lines.
    """
    order = [headings.index(name) for name in giving_way]
    layouts = [(False, given) for given in range(min(before_stacking, len(order)) + 1)]
    layouts += [(True, given) for given in range(len(order) + 1)]
    for below, given in layouts:
        shown = [index for index in range(len(headings)) if index not in order[:given]]
        laid_out = [[_laid_out(row[index], below) for index in shown] for row in rows]
        if fits([[stacked(headings[index]) for index in shown], *laid_out], width):
            break
    return shown, below


def parts(rows: Rows, width: int, *, kept: int) -> list[list[int]]:
    """The columns of a table that is too wide, in several: each has the first `kept` of them."""
    taken = widths(rows)
    first = list(range(kept))
    made = [[*first]]
    for index in range(kept, len(taken)):
        wider = [*made[-1], index]
        if sum(taken[column] for column in wider) + len(wider) - 1 > width and len(made[-1]) > kept:
            made.append([*first, index])
        else:
            made[-1] = wider
    return made


def _laid_out(text: str, below: bool) -> str:
    return stacked(text) if below else text


def grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    words: int,
    folding: Sequence[str] = (),
    columns: Sequence[int] = (),
) -> Table:
    """A table whose first `words` columns are words, and whose others are figures.

    Those named in `folding` break their words where there is no room; `columns` are widths.
    """
    table = Table(box=box.HEAVY_HEAD, padding=0, show_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(
            Text(stacked(heading)),
            justify="left" if index < words else "right",
            no_wrap=heading not in folding,
            width=columns[index] if columns else None,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(text) if isinstance(text, str) else text for text in row))
    return table
