"""A run's tables in each form: terminal, Markdown, CSV, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bench.analysis.kind_paces import PaceByKind, paces_by_kind
from bench.analysis.results import Results
from bench.report.common import markdown, programs, terminal
from bench.report.run.first_screen import trust
from bench.report.run.footer import footer
from bench.report.run.pair_tables import pair_tables
from bench.report.run.tables import HEADINGS, OF_PEAK, TaskTable, task_tables
from bench.report.run.written_forms import WrittenPart

# The first columns hold words; the others hold figures and are right-aligned.
_WORDS = 4
# The columns that a narrow terminal leaves out, in this order; the first is left out before rows
# take two lines. The other forms always have all columns.
_GIVING_WAY = (OF_PEAK, "import", "build", "first step", "memory")
_STYLES = {"ok": "green", "wrong": "bold red"}


def to_terminal(results: Results, *, width: int) -> Group:
    """For rich to print `width` columns wide; 80 are enough for the main columns."""
    tables = task_tables(results)
    headings = _on_two_lines(HEADINGS)
    shown, stacked = terminal.fit(
        headings,
        [
            *(_on_two_lines(table.columns) for table in tables),
            *(row.texts for table in tables for row in table.rows),
        ],
        width,
        giving_way=[headings[HEADINGS.index(name)] for name in _GIVING_WAY],
        before_stacking=1,
    )
    hidden = [HEADINGS[index] for index in range(len(HEADINGS)) if index not in shown]
    parts: list[Table | Text] = []
    for table in tables:
        rows = [[cells[index] for index in shown] for cells in _styled_rows(table, stacked=stacked)]
        own = _on_two_lines(table.columns)
        grid = terminal.grid([own[index] for index in shown], rows, words=_WORDS)
        parts += [Text(table.caption, "bold"), grid, Text(), *_lines_below(table, hidden), Text()]
        if written := WrittenPart.of(table.table, results):
            parts += [*written.to_terminal(), Text()]
    for pairs in pair_tables(results):
        parts += [*pairs.to_terminal(), Text()]
    if words := trust(results):
        parts += [Text(words, "bold red"), Text()]
    parts += [Text(line, "dim") for line in footer(results)]
    return Group(*parts)


def _on_two_lines(headings: Iterable[str]) -> list[str]:
    """Headings of a terminal's table: the first word stands above the others."""
    return [heading.replace(" ", "\n", 1) for heading in headings]


def _styled_rows(table: TaskTable, *, stacked: bool) -> list[list[str | Text]]:
    """The texts of each row under all headings; if `stacked`, intervals go below estimates."""
    rows: list[list[str | Text]] = []
    for row in table.rows:
        cells: list[str | Text] = [
            terminal.stacked(text) if stacked else text for text in row.texts
        ]
        status = row.summary.status
        cells[_WORDS - 1] = Text(status, _STYLES.get(status, "yellow"))
        rows.append(cells)
    return rows


def _lines_below(table: TaskTable, hidden: Sequence[str]) -> list[Text]:
    """The verdict and the other lines below a table that lacks the `hidden` columns."""
    lines = [Text(table.verdict, "bold")]
    if hidden:
        lines.append(Text(terminal.no_room_for(hidden, "--format markdown has all"), "dim"))
    lines.append(Text(table.data_line, "bold red" if table.synthetic else "dim"))
    if table.metric_line:
        lines.append(Text(table.metric_line, "dim"))
    lines += [Text(warning, "yellow") for warning in table.warnings]
    return lines + [Text(note, "dim") for note in table.notes]


def to_markdown(results: Results) -> str:
    """The tables as Markdown, ready to paste into an issue."""
    parts = [f"# {markdown.escaped(results.run.info['name'])}"]
    if words := trust(results):
        parts.append(markdown.escaped(words))
    for table in task_tables(results):
        lines = (table.data_line, table.metric_line, *table.warnings, *table.notes)
        parts += [
            f"## {markdown.escaped(table.caption)}",
            markdown.escaped(table.verdict),
            markdown.table(table.columns, [row.texts for row in table.rows], words=_WORDS),
            markdown.items(filter(None, lines)),
        ]
        if written := WrittenPart.of(table.table, results):
            parts += written.to_markdown()
    for pairs in pair_tables(results):
        parts += pairs.to_markdown()
    parts += ["## The run", markdown.items(footer(results))]
    return "\n\n".join(parts) + "\n"


def to_csv(results: Results) -> str:
    """Every figure of every cell, one line for each cell."""
    return programs.to_csv(results.frame())


def to_json(results: Results) -> str:
    """The run's description, its caveats, and every figure of every cell."""
    # JSON has no infinity, so a break-even that never comes is written as a word.
    frame = results.frame().astype(object).replace(math.inf, "never")
    fields: dict[str, Any] = {
        "run": _description(results),
        "caveats": [msgspec.to_builtins(caveat) for caveat in results.caveats],
        "cells": json.loads(frame.to_json(orient="records")),
    }
    if paces := list(paces_by_kind(results)):
        fields["paces_by_kind"] = [_pace_fields(pace, results) for pace in paces]
    return programs.to_json(fields)


def _pace_fields(pace: PaceByKind, results: Results) -> dict[str, Any]:
    """A cell's throughput on each kind of machine, by the names of the kind's nodes."""
    columns = pace.cell.to_columns()
    kinds = zip(results.run.node_kinds, pace.throughputs, strict=True)
    return {
        **columns,
        "kinds": [
            {"nodes": kind.nodes, "samples_per_second": throughput and throughput.estimate}
            for kind, throughput in kinds
        ],
    }


def _description(results: Results) -> dict[str, Any]:
    """The fields of `run.json`, with only the settings of its snapshot."""
    info = {name: value for name, value in results.run.info.items() if name != "snapshot"}
    settings = {
        framework.name: msgspec.to_builtins(framework.settings)
        for framework in results.snapshot.frameworks
        if framework.settings
    }
    if settings:
        info["settings"] = settings
    return dict(sorted(info.items()))
