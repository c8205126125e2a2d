"""A run as the JSON of pytest-benchmark, for `pytest-benchmark compare` and other readers of it.

A benchmark is a cell. Its rounds are the timed windows of all repeats, in seconds for each step.
Its name is that of the benchmark in `tests/benchmarks` that times the same cell, so that the two
can be compared.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from bench.analysis import contention
from bench.analysis.cell_summary import CellSummary
from bench.analysis.processes import Process, by_cell
from bench.analysis.results import Results
from bench.core.errors import UsageError
from bench.core.record import Cell
from bench.core.task import Budget
from bench.report.common import programs
from bench.system import files

TEST = "tests/benchmarks/test_steps.py::test_step"


def label(cell: Cell, budget: Budget) -> str:
    """A cell's name among the benchmarks: everything that affects the time of its steps."""
    threads = f"{cell.threads}thread{'s' * (cell.threads != 1)}"
    words = [cell.task, cell.framework, cell.mode, cell.device, threads]
    if budget.length:
        words.append(f"{budget.length}tokens")
    if cell.feed != "host":
        words.append(f"{cell.feed}feed")
    if cell.precision != "float32":
        words.append(cell.precision)
    if cell.tuning == "default":
        words.append("default")
    return "-".join(words)


def extra_info(
    cell: Cell, *, batch: int, seconds: float, versions: dict[str, str], data: str
) -> dict[str, Any]:
    """A benchmark's fields besides its statistics. `seconds` is the time of a step."""
    return {
        "framework": cell.framework,
        "versions": versions,
        "mode": cell.mode,
        "tuning": cell.tuning,
        "device": cell.device,
        "threads": cell.threads,
        "batch": batch,
        "data": data,
        "samples_per_second": batch / seconds,
    }


def to_json(results: Results) -> tuple[str, list[str]]:
    """The run as JSON, and a line for each cell that it omits because it is not ok."""
    info = results.run.info
    repeats = by_cell(results.processes)
    fields = {
        "machine_info": machine_info(info["machine"]),
        "commit_info": _commit_info(info),
        "benchmarks": [
            _benchmark(summary, repeats[summary.cell])
            for summary in results.summaries
            if summary.ok
        ],
        "datetime": info.get("started", ""),
        "version": f"framebench {info.get('framebench', '')}".rstrip(),
    }
    left_out = [
        f"{summary.cell}: {summary.status}: {summary.reason}"
        for summary in results.summaries
        if not summary.ok
    ]
    return programs.to_json(fields, indent=4) + "\n", left_out


def check_replaceable(file: Path) -> None:
    """Raises UsageError for a file with anything else than the JSON of an earlier export in it."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder, where a file is expected")
    if not file.is_file() or not file.stat().st_size:
        return
    try:
        replaceable = "benchmarks" in json.loads(files.read(file))
    except (ValueError, TypeError, RecursionError):
        replaceable = False
    if not replaceable:
        raise UsageError(f"{file} is no earlier export, and is not overwritten; remove it first")


def machine_info(machine: dict[str, Any]) -> dict[str, Any]:
    """The fields of `bench.launch.machine.describe`, also under pytest-benchmark's own names.

    pytest-benchmark treats runs whose fields differ as runs on different machines, so fields that
    change from day to day, such as the load, are left out.
    """
    cpu = {
        "brand_raw": machine["cpu"],
        "vendor_id_raw": machine.get("cpu_vendor", ""),
        "count": machine.get("cores_logical"),
        "flags": machine.get("cpu_flags", []),
    }
    return {
        **{key: value for key, value in machine.items() if key != "load_before"},
        "machine": machine.get("architecture", ""),
        "python_version": machine.get("python", ""),
        "cpu": cpu,
    }


def _commit_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for a tree without version control: a run has source digests, but no commit."""
    return {
        "id": "unversioned",
        "time": None,
        "author_time": None,
        "dirty": False,
        "project": "framebench",
        "branch": "(unknown)",
        "source_digests": info.get("source_digests", {}),
    }


def _benchmark(summary: CellSummary, repeats: Sequence[Process]) -> dict[str, Any]:
    first = repeats[0].record
    cell = summary.cell
    paces = [
        pace
        for process in repeats
        if (measured := process.record.measurement)
        for pace in compress(
            zip(measured.windows.steps, measured.windows.wall, strict=True),
            contention.clean(process.record, process.contended),
        )
    ]
    name = label(cell, first.job.budget)
    stats = _stats(paces)
    assert summary.samples_per_second  # as it is ok
    return {
        "group": cell.task,
        "name": f"{TEST.partition('::')[2]}[{name}]",
        "fullname": f"{TEST}[{name}]",
        "params": {
            "task": cell.task,
            "framework": cell.framework,
            "mode": cell.mode,
            "device": cell.device,
        },
        "param": name,
        "extra_info": extra_info(
            cell,
            batch=first.batch,
            seconds=first.batch / summary.samples_per_second,
            versions=first.versions,
            data=summary.data,
        ),
        "options": {"timer": "framebench", "repeats": len(repeats)},
        "stats": stats,
    }


def _stats(paces: list[tuple[int, float]]) -> dict[str, Any]:
    """Statistics of seconds for each step, under pytest-benchmark's names and by its formulas."""
    data = np.array([wall / steps for steps, wall in paces])
    mean, deviation = float(data.mean()), float(data.std(ddof=1)) if len(data) > 1 else 0.0
    # pytest-benchmark interpolates quartiles at n * p - 1/2, which is Hazen's rule.
    q1, q3 = map(float, np.quantile(data, (0.25, 0.75), method="hazen"))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    within = data[(data >= low) & (data <= high)]
    beyond_deviation = int(np.count_nonzero(abs(data - mean) > deviation))
    beyond_quartiles = len(data) - len(within)
    return {
        "min": float(data.min()),
        "max": float(data.max()),
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": float(np.median(data)),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond_quartiles,
        "stddev_outliers": beyond_deviation,
        "outliers": f"{beyond_deviation};{beyond_quartiles}",
        "ld15iqr": float(within.min()),
        "hd15iqr": float(within.max()),
        "ops": len(data) / float(data.sum()),
        "total": float(data.sum()),
        "data": data.tolist(),
        "iterations": round(statistics.median(steps for steps, _ in paces)),
    }
