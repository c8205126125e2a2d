"""What is said below a table: warnings, what a mode or a device brings, what others published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from bench.analysis.contention import MOST_CONTENDED
from bench.report.common.text import (
    count_text,
    framework_text,
    interval_text,
    mode_text,
    ratio_text,
    seconds_text,
)
from bench.report.run.literature import PUBLISHED

Row = dict[str, Any]

# What a cell is held against that differs from it in one condition, by the ratio's column.
GAINS = {
    "tuned": "with the default tuning",
    "on_gpu": "on the CPU",
    "reduced": "in float32",
}


def warnings(rows: Sequence[Row]) -> Iterator[str]:
    """What failed, and what is not to be trusted."""
    for row in rows:
        if row["status"] != "ok":
            yield f"{_who(row)}: {row['status']}: {row['reason']}"
    for row in rows:
        if (row["contended_share"] or 0) > MOST_CONTENDED:
            yield (
                f"{_who(row)}: {row['contended_share']:.0%} of its windows were contended: "
                "not to be trusted, measure again on a quiet machine"
            )
    for row in rows:
        if row["gpu_others"]:
            yield (
                f"{_who(row)}: the GPU was also used by {row['gpu_others']}: not to be trusted, "
                "measure again with nothing else on it"
            )
    for row in rows:
        if row["unsteady"]:
            processes = "process" if row["repeats"] == 1 else "processes"
            yield (
                f"{_who(row)}: the pace had not settled by the end of its warm-up "
                f"in {row['unsteady']} of {row['repeats']} {processes}"
            )


def remarks(rows: Sequence[Row]) -> Iterator[str]:
    """What a cell gains over the one that differs from it in one condition."""
    for name, what in GAINS.items():
        for row in rows:
            if not pd.isna(row[name]):
                yield _gain(row, name, what)
    for row in rows:
        if not pd.isna(row["break_even_epochs"]):
            yield _pays_off(row)


def published(task: str, length: int | None, rows: Sequence[Row]) -> Iterator[str]:
    """What a task's whole recipe would take at these paces, and what others have published of it.

    `length` is that to which its texts were cut, if they were: paces on shorter ones are others.
    """
    found = PUBLISHED.get(task)
    if found is None or (length and length != found.length):
        return
    paces = [row for row in rows if row["status"] == "ok"]
    if paces:
        times = ", ".join(
            f"{framework_text(row['framework'])} {mode_text(row['mode'], row['tuning'])} "
            f"{seconds_text(found.examples / row['samples_per_second'])}"
            for row in paces
        )
        yield f"the whole recipe, {found.examples:,} training samples, at these paces: {times}"
    times = "; ".join(
        f"{library} {' and '.join(f'{value} s' for value in seconds)}"
        for library, seconds in found.seconds.items()
    )
    yield (
        f"published for it in {found.year}, on a {' and a '.join(found.devices)}: {times}; "
        f"accuracy {found.accuracy} ({found.source})"
    )


def _who(row: Row) -> str:
    return f"{framework_text(row['framework'])} {mode_text(row['mode'], row['tuning'])}"


def _gain(row: Row, name: str, what: str) -> str:
    ends = [
        "" if pd.isna(row[f"{name}_{end}"]) else ratio_text(row[f"{name}_{end}"])
        for end in ("low", "high")
    ]
    text = f"{_who(row)}: {interval_text(ratio_text(row[name]), *ends)} times as fast as {what}"
    change = f", accuracy {row['accuracy_change']:+.1%}" if name == "reduced" else ""
    return text + change


def _pays_off(row: Row) -> str:
    epochs = row["break_even_epochs"]
    if not math.isfinite(epochs):
        return f"{_who(row)}: never pays off, as it is no faster than eager mode"
    when = f"after {count_text(epochs)} such epochs" if epochs else "from the first step on"
    if 0 < epochs < 0.01:
        when = "within the first hundredth of such an epoch"
    return f"{_who(row)}: pays off against eager mode {when}"
