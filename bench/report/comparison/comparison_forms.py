"""Two runs side by side, as people read them: in the terminal, and as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from bench.analysis.cell_summary import CellSummary
from bench.analysis.comparison.cell_pairs import Comparison, Row, Verdict
from bench.analysis.comparison.gate import Gate, Outcome, limit_text
from bench.analysis.comparison.run_differences import peak_changes
from bench.analysis.contention import Cleanness
from bench.analysis.intervals import Interval
from bench.core.record import Cell
from bench.records.run_folder import Run
from bench.report.common import terminal
from bench.report.common.text import (
    count_text,
    framework_text,
    interval_text,
    mode_text,
    percent,
    place_text,
    ratio_text,
    seconds_text,
    too_wide,
)

HEADINGS = (
    "framework",
    "mode",
    "verdict",
    "B / A (95 % interval)",
    "samples/s",
    "test accuracy",
    "memory B / A",
    "first step",
)
# Columns of words; the others hold figures and are set flush right.
_WORDS = 3
_VERDICT = HEADINGS.index("verdict")
# What a narrow terminal goes without, from the first on.
_GIVING_WAY = ("first step", "memory B / A", "test accuracy")
# Of more cells than so many, of which the same is said, the first few are named.
MOST_NAMED, NAMED = 4, 3
_STYLES: dict[Verdict, str] = {"faster": "green", "slower": "bold red", "tied": ""}


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows under the same conditions: a caption, the rows, and their texts under `HEADINGS`."""

    caption: str
    rows: Sequence[Row]
    texts: Sequence[tuple[str, ...]]


def sections(comparison: Comparison) -> list[Section]:
    """One for each task and place of which both runs have a cell, in the order of the rows."""
    found = []
    for caption, group in groupby(comparison.rows, _caption):
        rows = list(group)
        if any(row.a and row.b for row in rows):
            found.append(Section(caption=caption, rows=rows, texts=[_texts(row) for row in rows]))
    return found


def _one_sided(comparison: Comparison) -> list[str]:
    """What one run alone has trained, as there is nothing to set it beside."""
    alone: dict[Verdict, list[str]] = {}
    for (caption, verdict), group in groupby(
        comparison.rows, lambda row: (_caption(row), row.verdict)
    ):
        cells = [str(row.cell) for row in group]
        if verdict in ("only in A", "only in B"):
            several = f"{caption} ({len(cells)} cells)"
            alone.setdefault(verdict, []).append(several if len(cells) > 1 else cells[0])
    return [f"{verdict}: {'; '.join(found)}" for verdict, found in alone.items()]


def _caption(row: Row) -> str:
    cell, other = row.cell, row.b.cell if row.b else row.cell
    place = place_text(cell)
    if other.threads != cell.threads:
        place = place.replace(str(cell.threads), f"{cell.threads} → {other.threads}", 1)
    return f"{cell.task} — {place}"


def _texts(row: Row) -> tuple[str, ...]:
    """A row of the table for people, under `HEADINGS`."""
    cell = row.cell

    def both(read: Callable[[CellSummary], float | None], write: Callable[[float], str]) -> str:
        """A figure of A and of B, or of the one that there is."""
        values = [read(one) if one else None for one in (row.a, row.b)]
        told = ["–" if value is None else write(value) for value in values]
        return "" if told == ["–", "–"] else " → ".join(told)

    def comparable(text: str) -> str:
        return text if row.same_training else ""

    return (
        framework_text(cell.framework),
        mode_text(cell.mode, cell.tuning),
        row.verdict,
        _ratio(row.ratio),
        both(lambda one: one.throughput.estimate if one.throughput else None, count_text),
        comparable(both(lambda one: one.accuracy.median if one.accuracy else None, percent)),
        comparable("" if row.memory is None else ratio_text(row.memory)),
        both(lambda one: one.first_step, seconds_text),
    )


def _ratio(found: Interval | None) -> str:
    if found is None:
        return ""
    estimate = ratio_text(found.estimate)
    if not found.known:
        return estimate
    if too_wide(found.low, found.high):
        return f"{estimate} (too wide)"
    return interval_text(estimate, ratio_text(found.low), ratio_text(found.high))


def _run_line(name: str, run: Run) -> str:
    repeats = max(record.job.block for record in run.records) + 1 if run.records else 0
    words = [
        str(run.info.get("name", run.folder.name)),
        str(run.info.get("started", ""))[:16].replace("T", " "),
        f"{repeats} repeat{'s' * (repeats != 1)}",
    ]
    return f"{name}  {', '.join(word for word in words if word)}"


def head(comparison: Comparison) -> list[str]:
    """What is compared, and what came of it in a line."""
    runs = (("A", comparison.a), ("B", comparison.b))
    return [*(_run_line(name, run) for name, run in runs), str(comparison)]


def warnings(comparison: Comparison) -> list[str]:
    """What keeps rows from being compared as they stand, and what differs besides."""
    lines = _one_sided(comparison)
    lines += _by_reason((row.cell, row.reason) for row in comparison.rows if row.reason)
    if not all(row.same_training for row in comparison.rows):
        lines.append(
            "where budgets or data differ, paces alone are compared: accuracy and memory are left "
            "out"
        )
    lines += [f"differs in {one}" for one in comparison.differences]
    lines += comparison.remarks
    return lines + [comparison.moved_alike] * bool(comparison.moved_alike)


def _by_reason(found: Iterable[tuple[Cell, str]]) -> list[str]:
    """A line for each reason, with how many cells it is that of, and the first of them."""
    cells: dict[str, list[str]] = defaultdict(list)
    for cell, reason in found:
        cells[reason].append(str(cell))
    lines = []
    for reason, names in cells.items():
        count = f" ({len(names)} cells)" * (len(names) > 1)
        if len(names) > MOST_NAMED:
            names[NAMED:] = [f"and {len(names) - NAMED} more (--json has all)"]
        lines.append(f"{reason}{count}: {'; '.join(names)}")
    return lines


def footer(comparison: Comparison) -> list[str]:
    """How the figures are to be read."""
    lines = ["B / A: samples/s of B over those of A; above 1, B is faster; figures are A → B"]
    if count := len(comparison.compared):
        lines.append(
            f"{count} comparisons, each judged by itself: of equal cells, 1 in 20 is called "
            "different by chance"
        )
    lines.append(
        "the two runs are not interleaved: a machine that was slower that day slows every cell of "
        "its run, and no interval shows it"
    )
    lines += peak_changes(comparison.a, comparison.b)
    runs = (("A", comparison.a), ("B", comparison.b))
    return lines + [f"contention in {name}: {Cleanness.of(run.records)}" for name, run in runs]


def gate_lines(gate: Gate) -> list[tuple[Outcome, str]]:
    """What the gate says of the cells of which there is more to say than that they hold."""
    limit = limit_text(gate.limit)
    unchecked = _by_reason((one.row.cell, one.why) for one in gate.of("not checked"))
    lines: list[tuple[Outcome, str]] = [("not checked", f"not checked: {one}") for one in unchecked]
    if unsure := gate.of("not sure"):
        cells = "; ".join(f"{one.row.cell} {_ratio(one.row.ratio)}" for one in unsure)
        words = (
            f"not sure: slower by more than {limit} is neither found nor ruled out, more repeats"
        )
        lines.append(("not sure", f"{words} would tell: {cells}"))
    for one in gate.of("slower"):
        lines.append(("slower", f"{one.row.cell}: {_ratio(one.row.ratio)}: {one.why}"))
    for one in gate.of("fails"):
        figure = f": {_ratio(one.row.ratio)}" if one.row.ratio else ""
        lines.append(("fails", f"{one.row.cell}: FAILS: {one.why}{figure}"))
    return lines


def gate_verdict(gate: Gate) -> str:
    """Whether the gate lets pass, in a line."""
    rows, failed = len(gate.judgements), len(gate.of("fails"))
    unchecked, unsure = len(gate.of("not checked")), len(gate.of("not sure"))
    but = [f"{unchecked} of {rows} cells were not checked"] * bool(unchecked)
    but += [f"of {unsure} nobody can be sure"] * bool(unsure)
    passed = f"passed, but {' and '.join(but)}" if but else "passed"
    outcome = f"FAILED: {failed} of {rows} cells" if failed else passed
    tested = sum(one.row.ratio is not None and one.row.ratio.known for one in gate.judgements)
    return (
        f"gate at {limit_text(gate.limit)}: {outcome} (paces tested: {tested}, one-sided, with "
        "Holm's correction: at most 5 % of gates fail by chance)"
    )


def _told(found: Iterable[Section]) -> list[int]:
    """Columns in which there is something to tell."""
    texts = [row for one in found for row in one.texts]
    return [index for index in range(len(HEADINGS)) if any(row[index] for row in texts)]


def to_terminal(comparison: Comparison, gate: Gate | None, *, width: int) -> Group:
    """The tables, for rich to print on so many columns: 80 are enough."""
    found = sections(comparison)
    texts = [row for one in found for row in one.texts]
    told = _told(found)
    headings = [HEADINGS[index] for index in told]
    shown, below = terminal.fit(
        headings,
        [[row[index] for index in told] for row in texts],
        width,
        giving_way=[name for name in _GIVING_WAY if name in headings],
        before_stacking=len(_GIVING_WAY),
    )
    shown = [told[index] for index in shown]
    headings = [terminal.stacked(HEADINGS[index]) for index in shown]

    def laid_out(texts: Sequence[str]) -> list[str]:
        return [terminal.stacked(texts[i]) if below else texts[i] for i in shown]

    # The same in every section, so that an eye finds a column where it was above.
    columns = terminal.widths([headings, *map(laid_out, texts)])
    first, second, summary = head(comparison)
    parts: list[Table | Text] = [Text(first), Text(second), Text(summary, "bold"), Text()]
    for section in found:
        rows: list[list[str | Text]] = []
        for row, cells in zip(section.rows, map(laid_out, section.texts), strict=True):
            style = _STYLES.get(row.verdict, "yellow")
            rows.append(
                [
                    Text(row.verdict, style) if i == _VERDICT else cell
                    for i, cell in zip(shown, cells, strict=True)
                ]
            )
        grid = terminal.grid(headings, rows, words=_WORDS, columns=columns)
        parts += [Text(section.caption, "bold"), grid, Text()]
    parts += [Text(line, "yellow") for line in warnings(comparison)]
    parts += [Text(line, "dim") for line in footer(comparison)]
    if gate:
        parts += [
            Text(line, "bold red" if outcome == "fails" else "yellow")
            for outcome, line in gate_lines(gate)
        ]
        parts.append(Text(gate_verdict(gate), "bold green" if gate.passed else "bold red"))
    return Group(*parts)


def to_markdown(comparison: Comparison, gate: Gate | None) -> str:
    """The tables as Markdown, fit to paste into an issue."""
    found = sections(comparison)
    told = _told(found)
    headings = [HEADINGS[index] for index in told]
    alignment = ["left" if index < _WORDS else "right" for index in told]
    *runs, summary = head(comparison)
    parts = ["\n".join(f"- {line}" for line in runs), summary]
    for section in found:
        texts = [[row[index] for index in told] for row in section.texts]
        grid = tabulate(
            texts, headings, tablefmt="github", colalign=alignment, disable_numparse=True
        )
        parts += [f"### {section.caption}", grid]
    lines = [*warnings(comparison), *footer(comparison)]
    if gate:
        lines += [line for _, line in gate_lines(gate)]
        lines.append(f"**{gate_verdict(gate)}**")
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in lines)]) + "\n"
