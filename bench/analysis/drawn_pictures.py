"""The pictures that trained networks have drawn, those of the same beside each other."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.processes import first_made
from bench.analysis.results import ResultTable
from bench.core.grouping import grouped
from bench.core.record import Cell


@dataclass(frozen=True, kw_only=True)
class DrawnPictures:
    """The pictures of one title: the file of each cell that has drawn it, fastest first."""

    title: str
    files: tuple[tuple[Cell, str], ...]


def drawn_pictures(table: ResultTable) -> list[DrawnPictures]:
    """What the cells of a table that are ok have drawn, each in its first process that drew."""
    drawn = []
    for summary in table.ok:
        pictures = first_made(table.by_cell[summary.cell], lambda measured: measured.pictures)
        drawn += [(picture.title, (summary.cell, picture.file)) for picture in pictures]
    return [
        DrawnPictures(title=title, files=tuple(file for _, file in found))
        for title, found in grouped(drawn, lambda picture: picture[0]).items()
    ]
