"""The tables' forms: terminal, Markdown, CSV, JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from bench.analysis.contention import Cleanness
from bench.analysis.results import summarize
from bench.launch import catalogue
from bench.proof.certificate import Certificate
from bench.records.run_folder import Run
from bench.report.common import terminal
from bench.report.common.text import bytes_text, framework_text, seconds_text
from bench.report.proof.proof_forms import verdict
from bench.report.run.frame import frame
from bench.report.run.peak_text import peak_lines, with_use
from bench.report.run.tables import HEADINGS, OF_PEAK, TaskTable, task_tables

# Columns of words; the others hold figures and are set flush right.
_WORDS = 4
# What gives way in a narrow terminal, the first before rows take two lines; the other forms always
# have all.
_LESS = (OF_PEAK, "import", "build", "first step", "memory")
_STYLES = {"ok": "green", "wrong": "bold red"}


def machine_text(run: Run) -> str:
    """Processor, cores, memory and GPUs of the machine that a run was made on."""
    machine = run.info["machine"]
    words = [
        machine["cpu"],
        f"{machine['cores_usable']} cores",
        bytes_text(machine["memory_bytes"]) + " memory",
        *(gpu["name"] for gpu in machine["gpus"]),
    ]
    return ", ".join(words)


def _versions(run: Run) -> str:
    versions: dict[str, str] = {}
    for record in run.records:
        versions.update({name: value for name, value in record.versions.items() if name != "numpy"})
    return ", ".join(f"{name} {versions[name]}" for name in sorted(versions))


def identity(run: Run) -> str:
    """Whether the tasks are proved to be the same, in words."""
    # of the tasks that are shown: they may be some of the run's
    shown = {record.job.cell.task for record in run.records}
    found = [Certificate.from_fields(one) for one in run.info.get("certificates", [])]
    if certificates := [one for one in found if one.claim.task in shown]:
        return (
            f"{verdict(certificates)}, against a float64 reference (each framework, task and mode, "
            "in float64 and in the precision that is timed)"
        )
    return "NOT PROVED: no certificate was kept with this run, so take its figures with care"


def absent(run: Run) -> list[str]:
    """The frameworks that framebench compares and the run has not, by title."""
    there = {record.job.cell.framework for record in run.records}
    return [framework_text(name) for name in catalogue.compared() if name not in there]


def footer(run: Run) -> list[str]:
    """Lines that belong to the run as a whole."""
    lines = [f"machine: {machine_text(run)}", *peak_lines(run)]
    if versions := _versions(run):
        lines.append(f"versions: {versions}")
    lines.append(f"identity: {identity(run)}")
    if missing := absent(run):
        lines.append(f"not in this run: {', '.join(missing)}")
    lines.append(f"contention: {Cleanness.of(run.records)}")
    if "stopped" in run.info:
        lines.append(f"stopped: {run.info['stopped']}")
    lines.append(f"command: {run.info['command']}")
    if "wall_seconds" in run.info:
        lines.append(f"took: {seconds_text(run.info['wall_seconds'])}")
    else:
        lines.append(f"this run was not finished: {len(run.records)} processes of it are here")
    return lines


def to_terminal(run: Run, *, width: int) -> Group:
    """The tables, for rich to print on so many columns: 80 are enough for what matters most."""
    made = tables(run)
    headings = [heading.replace(" ", "\n", 1) for heading in HEADINGS]
    texts = [row for table in made for row in table.rows]
    shown, below = terminal.fit(
        headings,
        texts,
        width,
        giving_way=[headings[HEADINGS.index(name)] for name in _LESS],
        before_stacking=1,
    )
    hidden = [HEADINGS[index] for index in range(len(HEADINGS)) if index not in shown]
    parts: list[Table | Text] = []
    for table in made:
        rows: list[list[str | Text]] = []
        for texts_of_row, status in zip(table.rows, table.statuses, strict=True):
            cells: list[str | Text] = [
                terminal.stacked(text).replace("% ", "%\n") if below else text
                for text in texts_of_row
            ]
            cells[_WORDS - 1] = Text(status, _STYLES.get(status, "yellow"))
            rows.append([cells[index] for index in shown])
        grid = terminal.grid([headings[index] for index in shown], rows, words=_WORDS)
        parts += [Text(table.caption, "bold"), grid, Text(), Text(table.verdict, "bold")]
        if hidden:
            parts.append(
                Text(f"no room for: {', '.join(hidden)} (--format markdown has all)", "dim")
            )
        parts += [Text(table.data_line, "bold red" if table.synthetic else "dim")]
        parts += [Text(line, "dim") for line in [table.accuracy_line] if line]
        parts += [Text(warning, "yellow") for warning in table.warnings]
        parts += [Text(note, "dim") for note in table.notes]
        parts.append(Text())
    parts += [Text(line, "dim") for line in footer(run)]
    return Group(*parts)


def to_markdown(run: Run) -> str:
    """The tables as Markdown, fit to paste into an issue."""
    alignment = ["left" if index < _WORDS else "right" for index in range(len(HEADINGS))]
    parts = [f"# {run.info['name']}", ""]
    for table in tables(run):
        grid = tabulate(
            table.rows,
            headers=HEADINGS,
            tablefmt="github",
            colalign=alignment,
            disable_numparse=True,
        )
        notes = [f"- {note}" for note in (*table.warnings, *table.notes)]
        about = "; ".join(line for line in (table.data_line, table.accuracy_line) if line)
        parts += [f"## {table.caption}", "", table.verdict, "", grid, "", about, "", *notes, ""]
    parts += [f"- {line}" for line in footer(run)]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def figures(run: Run) -> pd.DataFrame:
    """Every figure of every cell, a row a cell."""
    return with_use(frame(summarize(run.records)), run)


def to_csv(run: Run) -> str:
    """Every figure of every cell, one line a cell.

    To 9 digits: the last few of a logarithm are not the same on every machine.
    """
    return figures(run).to_csv(index=False, float_format="%.9g")


def to_json(run: Run) -> str:
    """The run's description and every figure of every cell."""
    # JSON has no infinity: an epoch that never comes is a word.
    table = figures(run).astype(object).replace(math.inf, "never")
    cells = json.loads(table.to_json(orient="records"))
    return json.dumps({"run": _described(run), "cells": cells}, indent=2)


def _described(run: Run) -> dict[str, Any]:
    """A run's description, with what its snapshot has of settings alone."""
    info = {name: value for name, value in run.info.items() if name != "snapshot"}
    if settings := {
        one.name: msgspec.to_builtins(one.settings)
        for one in run.snapshot.frameworks
        if one.settings
    }:
        info["settings"] = settings
    return dict(sorted(info.items()))


def tables(run: Run) -> list[TaskTable]:
    """A table for each task and device."""
    summaries = summarize(run.records)
    return task_tables(run, with_use(frame(summaries), run), summaries)
