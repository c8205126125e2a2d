"""A comparison of two runs as people read it: in the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import CellPair, PairVerdict
from bench.analysis.comparison.gate import Gate, GateOutcome
from bench.analysis.comparison.run_comparison import Comparison
from bench.report.common import markdown, terminal
from bench.report.common.text import (
    count_text,
    estimate_text,
    mode_text,
    ratio_text,
    seconds_text,
)
from bench.report.comparison.comparison_lines import (
    caption,
    footer,
    gate_lines,
    gate_verdict,
    head,
    warnings,
)

HEADINGS = (
    "framework",
    "mode",
    "verdict",
    "B / A (95 % interval)",
    "samples/s",
    "test metric",
    "memory B / A",
    "first step",
)
# The first columns hold words; the others hold figures and are right-aligned.
WORDS = 3
_VERDICT = HEADINGS.index("verdict")
# The columns that a narrow terminal leaves out, in this order.
_GIVING_WAY = ("first step", "memory B / A", "test metric")
_COLOURS: Mapping[GateOutcome, str] = {
    "passed": "green",
    "failed": "red",
    "undecided": "yellow",
}
_STYLES: Mapping[PairVerdict, str] = {"faster": "green", "slower": "bold red", "tied": ""}


@dataclass(frozen=True, kw_only=True)
class ComparisonSection:
    """Pairs under the same conditions: a caption, the pairs, and their texts under `HEADINGS`."""

    caption: str
    pairs: Sequence[CellPair]
    texts: Sequence[tuple[str, ...]]


def sections(comparison: Comparison) -> list[ComparisonSection]:
    """A section for each task and conditions if both runs have a cell there, in pair order."""
    parts = []
    for where, group in groupby(comparison.pairs, caption):
        pairs = list(group)
        if any(pair.a and pair.b for pair in pairs):
            texts = [_texts(comparison, pair) for pair in pairs]
            parts.append(ComparisonSection(caption=where, pairs=pairs, texts=texts))
    return parts


def _texts(comparison: Comparison, pair: CellPair) -> tuple[str, ...]:
    """A pair's texts under `HEADINGS`."""
    cell = pair.cell
    metric = comparison.b.snapshot.metric(cell.task)

    def both(read: Callable[[CellSummary], float | None], write: Callable[[float], str]) -> str:
        """A figure of A and of B; a dash where one of them is missing."""
        values = [read(side) if side else None for side in (pair.a, pair.b)]
        texts = ["–" if value is None else write(value) for value in values]
        return "" if texts == ["–", "–"] else " → ".join(texts)

    def if_comparable(text: str) -> str:
        return text if pair.same_training else ""

    return (
        comparison.framework_title(cell.framework),
        mode_text(cell.mode, cell.tuning),
        pair.verdict,
        estimate_text(pair.ratio, ratio_text),
        both(lambda side: side.samples_per_second, count_text),
        if_comparable(both(lambda side: side.metric.median if side.metric else None, metric.text)),
        if_comparable("" if pair.memory is None else ratio_text(pair.memory)),
        both(lambda side: side.first_step, seconds_text),
    )


def _used_columns(parts: Iterable[ComparisonSection]) -> list[int]:
    """The columns that are not empty."""
    texts = [row for part in parts for row in part.texts]
    return [index for index in range(len(HEADINGS)) if any(row[index] for row in texts)]


def to_terminal(comparison: Comparison, gate: Gate | None, *, width: int) -> Group:
    """For rich to print `width` columns wide; 80 are enough."""
    first, second, summary = head(comparison)
    parts: list[Table | Text] = [Text(first), Text(second), Text(summary, "bold"), Text()]
    parts += _rich_sections(sections(comparison), width)
    parts += [Text(line, "yellow") for line in warnings(comparison)]
    parts += [Text(line, "dim") for line in footer(comparison)]
    if gate:
        parts += [
            Text(line, "bold red" if outcome == "fails" else "yellow")
            for outcome, line in gate_lines(gate)
        ]
        parts.append(Text(gate_verdict(gate), f"bold {_COLOURS[gate.outcome]}"))
    return Group(*parts)


def _rich_sections(parts: Sequence[ComparisonSection], width: int) -> list[Table | Text]:
    """The tables of all sections, with columns of the same widths."""
    texts = [row for part in parts for row in part.texts]
    used = _used_columns(parts)
    headings = [HEADINGS[index] for index in used]
    shown, stack = terminal.fit(
        headings,
        [[row[index] for index in used] for row in texts],
        width,
        giving_way=[name for name in _GIVING_WAY if name in headings],
        before_stacking=len(_GIVING_WAY),
    )
    shown = [used[index] for index in shown]
    headings = [terminal.stacked(HEADINGS[index]) for index in shown]

    def laid_out(row: Sequence[str]) -> list[str]:
        return [terminal.stacked(row[index]) if stack else row[index] for index in shown]

    columns = terminal.widths([headings, *map(laid_out, texts)])
    tables: list[Table | Text] = []
    for part in parts:
        rows: list[list[str | Text]] = []
        for pair, row in zip(part.pairs, map(laid_out, part.texts), strict=True):
            style = _STYLES.get(pair.verdict, "yellow")
            rows.append(
                [
                    Text(pair.verdict, style) if index == _VERDICT else text
                    for index, text in zip(shown, row, strict=True)
                ]
            )
        grid = terminal.grid(headings, rows, words=WORDS, columns=columns)
        tables += [Text(part.caption, "bold"), grid, Text()]
    if left_out := [HEADINGS[index] for index in used if index not in shown]:
        tables.append(Text(terminal.no_room_for(left_out, "--format markdown has all"), "dim"))
    return tables


def to_markdown(comparison: Comparison, gate: Gate | None) -> str:
    """The tables as Markdown, ready to paste into an issue."""
    tables = sections(comparison)
    used = _used_columns(tables)
    headings = [HEADINGS[index] for index in used]
    first, second, summary = head(comparison)
    parts: list[str] = [markdown.items([first, second]), markdown.escaped(summary)]
    for table in tables:
        rows = [[row[index] for index in used] for row in table.texts]
        words = sum(index < WORDS for index in used)
        grid = markdown.table(headings, rows, words=words)
        parts += [f"### {markdown.escaped(table.caption)}", grid]
    lines = [*warnings(comparison), *footer(comparison)]
    if gate:
        lines += [line for _, line in gate_lines(gate)]
        lines.append(markdown.strong(gate_verdict(gate)))
    return "\n\n".join([*parts, markdown.items(lines)]) + "\n"
