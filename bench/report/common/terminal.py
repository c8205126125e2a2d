"""Tables for a terminal: one line for each row if there is room, and names are never cut."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

Rows = Sequence[Sequence[str]]


def no_room_for(left_out: Sequence[str], instead: str) -> str:
    """The line below a table that lacks these columns, and where to find them instead."""
    return f"no room for: {', '.join(left_out)} ({instead})"


def stacked(text: str) -> str:
    """The text with its part in brackets on a second line."""
    return text.replace(" (", "\n(")


def widths(rows: Rows) -> list[int]:
    """The width of each column if lines are broken only at their line ends."""
    return [
        max(cell_len(line) for text in column for line in text.split("\n"))
        for column in zip(*rows, strict=True)
    ]


def fits(rows: Rows, width: int) -> bool:
    """Whether a table of these rows, headings included, fits into `width` columns."""
    needed = widths(rows)
    return sum(needed) + len(needed) - 1 <= width


def fit(
    headings: Sequence[str],
    rows: Rows,
    width: int,
    *,
    giving_way: Sequence[str] = (),
    before_stacking: int = 0,
) -> tuple[list[int], bool]:
    """The indices of the columns to show, and whether intervals go below their estimates.

    Columns are dropped in the order of `giving_way`. Up to `before_stacking` of them are dropped
    before rows take two lines.
    """
    order = [headings.index(name) for name in giving_way]
    layouts = [(False, dropped) for dropped in range(min(before_stacking, len(order)) + 1)]
    layouts += [(True, dropped) for dropped in range(len(order) + 1)]
    for stack, dropped in layouts:
        shown = [index for index in range(len(headings)) if index not in order[:dropped]]
        laid_out = [[_laid_out(row[index], stack) for index in shown] for row in rows]
        if fits([[stacked(headings[index]) for index in shown], *laid_out], width):
            break
    return shown, stack


def parts(rows: Rows, width: int, *, leading: int) -> list[list[int]]:
    """The columns of each part of a table that is too wide for one.

    Every part begins with the first `leading` columns.
    """
    needed = widths(rows)
    first = list(range(leading))
    split = [[*first]]
    for index in range(leading, len(needed)):
        wider = [*split[-1], index]
        total = sum(needed[column] for column in wider) + len(wider) - 1
        if total > width and len(split[-1]) > leading:
            split.append([*first, index])
        else:
            split[-1] = wider
    return split


def _laid_out(text: str, stack: bool) -> str:
    return stacked(text) if stack else text


def grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    *,
    words: int,
    folding: Sequence[str] = (),
    columns: Sequence[int] = (),
) -> Table:
    """A table whose first `words` columns hold words, and whose others hold figures.

    Columns named in `folding` may wrap; `columns` are widths, if they are fixed.
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
