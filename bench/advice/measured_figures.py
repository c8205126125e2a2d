"""Figures of frameworks that a run measured, and their scores: the ratio to the best.

Twice as slow, or twice as big, is 0.5.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from bench import tasks
from bench.advice import block_samples
from bench.advice.block_samples import Floats, Setting
from bench.advice.criteria import Criterion
from bench.advice.evidence import Evidence, Figures, smallest
from bench.analysis import cell_summary
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.core.record import Measurement
from bench.launch import catalogue
from bench.records.code_lines import code_lines

ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


def throughputs(setting: Setting, name: str) -> Mapping[int, float]:
    """A framework's samples a second by block, as the tables have them."""
    return setting.summaries[name].throughputs


def metric(read: Callable[[Measurement, Setting], float | None]) -> block_samples.Metric:
    """A metric from one process's measurement; a block without it is left out."""

    def by_block(setting: Setting, name: str) -> dict[int, float]:
        found = {at: read(one, setting) for at, one in setting.measurements[name].items()}
        return {at: value for at, value in found.items() if value}

    return by_block


def target_time(one: Measurement, setting: Setting) -> float | None:
    """Training seconds until the task's target accuracy."""
    if setting.task not in tasks.names():
        return None
    return cell_summary.time_to_accuracy(one, tasks.load(setting.task).target_accuracy)


def memory(one: Measurement, setting: Setting) -> float | None:
    """The most bytes that a process held, on the device where there is one."""
    return one.peak_device_bytes if setting.device == "cuda" else one.peak_resident_bytes


def _behind(logs: Floats) -> Floats:
    """Logarithms of ratios to the best, which has the highest; the last axis is compared."""
    found: Floats = logs - logs.max(axis=-1, keepdims=True)
    return found


def scored(evidence: Evidence, criterion: Criterion, metric: block_samples.Metric) -> Figures:
    """Figures with their intervals, and scores with what chance leaves open.

    A speed is given as the geometric mean over tasks of the ratio to the fastest in each.
    """
    names = evidence.measured
    found, settings = block_samples.sample(evidence.settings, names, metric) if names else (None, 0)
    nothing = dict.fromkeys(evidence.frameworks)
    if found is None:
        return Figures(criterion=criterion, values=nothing, scores=nothing)
    faster = criterion.unit == "ratio"
    sign = 1 if faster else -1
    # In each setting against its fastest; seconds and bytes as they are.
    means, draws = (
        (_behind(logs) if faster else logs).mean(axis=-2) for logs in (found.means, found.draws)
    )
    values, scores = np.exp(means), np.exp(_behind(sign * found.means.mean(axis=-2)))
    low, high = np.exp(np.quantile(draws, ENDS, axis=0))
    some = f"from {settings} of {len(evidence.settings)} tasks"
    return Figures(
        criterion=criterion,
        values={**nothing, **dict(zip(names, values.tolist(), strict=True))},
        scores={**nothing, **dict(zip(names, scores.tolist(), strict=True))},
        intervals={
            name: Interval(estimate=float(value), low=float(one), high=float(other))
            for name, value, one, other in zip(names, values, low, high, strict=True)
        }
        if found.repeated
        else {},
        draws=np.exp(_behind(sign * found.draws.mean(axis=-2))),
        repeated=found.repeated,
        notes=(some,) if settings < len(evidence.settings) else (),
    )


def install_size(evidence: Evidence, criterion: Criterion) -> Figures:
    """What the packages of a framework's environment take on the disk."""
    found = evidence.run.info.get("installed_bytes", {})
    device = evidence.summaries[0].cell.device if evidence.summaries else "cpu"
    return smallest(
        criterion, {name: found.get(f"{name} {device}") for name in evidence.frameworks}
    )


def lines_a_model(folder: Path, networks: Collection[str]) -> float | None:
    """Mean lines of code of a framework's models; None where it lacks one of them."""
    files = [folder / "models" / f"{network}.py" for network in networks]
    if not files or not all(file.is_file() for file in files):
        return None
    return statistics.fmean(code_lines(file.read_text(encoding="utf-8")) for file in files)


def code(evidence: Evidence, criterion: Criterion) -> Figures:
    """Lines of the networks of the run's tasks, as they are in `frameworks/NAME/models/`."""
    networks = {tasks.load(name).network for name in evidence.task_names if name in tasks.names()}
    folders = {name: catalogue.FRAMEWORKS / name for name in evidence.frameworks}
    return smallest(
        criterion,
        {name: lines_a_model(folder, networks) for name, folder in folders.items()},
    )


def stability(evidence: Evidence, criterion: Criterion) -> Figures:
    """The share of a framework's cells that are ok, in whatever mode."""
    shares: dict[str, float | None] = {}
    for name in evidence.frameworks:
        ok = [one.status == "ok" for one in evidence.summaries if one.cell.framework == name]
        shares[name] = sum(ok) / len(ok)
    return Figures(criterion=criterion, values=shares, scores=shares)
