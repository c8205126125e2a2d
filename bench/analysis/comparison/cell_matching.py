"""Which cell of one run is the same as which cell of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.core.grouping import grouped
from bench.core.record import Cell


def _with_known_tuning(cell: Cell) -> Cell:
    """Records of schema 1 do not name their tuning, which is assumed to be expert, the default."""
    return cell.with_setting(tuning="expert") if cell.tuning == "untold" else cell


def _on_any_threads(cell: Cell) -> Cell:
    """A run uses all cores by default, so the number of threads depends on the machine."""
    return _with_known_tuning(cell).with_setting(threads=0)


def match_cells(a: Iterable[Cell], b: Iterable[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    """Each cell of A with the same cell of B, or with the only one that can correspond to it.

    A cell without a partner is paired with None.
    """
    matched: list[tuple[Cell | None, Cell | None]] = []
    unmatched = list(a), list(b)
    keys: tuple[Callable[[Cell], Cell], ...] = (
        lambda cell: cell,
        _with_known_tuning,
        _on_any_threads,
    )
    for key in keys:
        groups = [grouped(side, key) for side in unmatched]
        for shared in [reduced for reduced in groups[0] if reduced in groups[1]]:
            if len(groups[0][shared]) == len(groups[1][shared]) == 1:
                in_a, in_b = groups[0][shared][0], groups[1][shared][0]
                matched.append((in_a, in_b))
                unmatched[0].remove(in_a)
                unmatched[1].remove(in_b)
    matched += [(cell, None) for cell in unmatched[0]]
    matched += [(None, cell) for cell in unmatched[1]]
    return matched
