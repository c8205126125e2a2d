"""Which cell of one run is the same as which cell of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from bench.core.record import Cell


def _with_known_tuning(cell: Cell) -> Cell:
    """Records of schema 1 do not say their tuning; it is taken for expert, the default."""
    return cell.with_setting(tuning="expert") if cell.tuning == "untold" else cell


def _on_any_threads(cell: Cell) -> Cell:
    """A run uses all cores by default, so the same cell has other threads on another machine."""
    return _with_known_tuning(cell).with_setting(threads=0)


def match_cells(a: Iterable[Cell], b: Iterable[Cell]) -> list[tuple[Cell | None, Cell | None]]:
    """Each cell of A with the same cell of B, or else with the only one that can be meant."""
    matched: list[tuple[Cell | None, Cell | None]] = []
    left = list(a), list(b)
    keys: tuple[Callable[[Cell], Cell], ...] = (
        lambda cell: cell,
        _with_known_tuning,
        _on_any_threads,
    )
    for key in keys:
        groups: list[dict[Cell, list[Cell]]] = [defaultdict(list), defaultdict(list)]
        for side, group in zip(left, groups, strict=True):
            for cell in side:
                group[key(cell)].append(cell)
        for cells in [each for each in groups[0] if each in groups[1]]:
            if len(groups[0][cells]) == len(groups[1][cells]) == 1:
                in_a, in_b = groups[0][cells][0], groups[1][cells][0]
                matched.append((in_a, in_b))
                left[0].remove(in_a)
                left[1].remove(in_b)
    matched += [(cell, None) for cell in left[0]]
    matched += [(None, cell) for cell in left[1]]
    return matched
