"""A run's figures by block, side by side, and what chance leaves open about their means.

One cell of each framework counts: its recommended mode, with the expert tuning, under conditions in
which every framework has come through. A figure is a geometric mean over blocks, and then over
conditions, so that a task counts as much as another.

What chance leaves open is drawn from the distribution that Student's intervals are of: the means of
all frameworks together are a multivariate t with n - 1 degrees of freedom about those of n blocks,
with the blocks' covariance over n. So the difference of any two of them is Student's t of their
pairs within blocks, as in `estimate.ratio`, and several figures can be drawn together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis import cell_summary
from bench.analysis.cell_summary import CellSummary
from bench.core.record import Measurement
from bench.launch import catalogue
from bench.records.run_folder import Run

DRAWS = 20_000
SEED = 20_261_124

Floats = NDArray[np.float64]
Metric = Callable[["Setting", str], Mapping[int, float]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Cells to be compared: one of each framework, under the same conditions, all of them ok."""

    task: str
    device: str
    summaries: Mapping[str, CellSummary]
    measurements: Mapping[str, Mapping[int, Measurement]]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Logarithms of figures, (settings, frameworks), and draws of them, (draws, settings, ...).

    `repeated` is False where a setting was measured in one block alone, which tells nothing of
    chance: its draws are all the same.
    """

    means: Floats
    draws: Floats
    repeated: bool


def _counts(summary: CellSummary, modes: Mapping[tuple[object, ...], set[str]]) -> bool:
    """Whether a cell is the one of its framework that counts."""
    cell = summary.cell
    if cell.tuning == "default":
        return False
    measured = modes[(cell.framework, *cell_summary.conditions(cell))]
    known = cell.framework in catalogue.names()
    recommended = catalogue.load(cell.framework).recommended if known else ""
    return cell.mode == (recommended if recommended in measured else min(measured))


def settings(run: Run, summaries: Sequence[CellSummary]) -> tuple[list[Setting], list[str]]:
    """The settings that all frameworks came through, and lines on those that are left out.

    A framework that came through none is not waited for: it has no figures.
    """
    modes: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for one in summaries:
        if one.cell.tuning != "default":
            modes[(one.cell.framework, *cell_summary.conditions(one.cell))].add(one.cell.mode)
    groups: dict[tuple[object, ...], dict[str, CellSummary]] = defaultdict(dict)
    for one in summaries:
        if _counts(one, modes):
            group = groups[cell_summary.conditions(one.cell)]
            if one.status == "ok":
                group[one.cell.framework] = one
    measured = {name for group in groups.values() for name in group}
    made, left_out = [], []
    for (task, device, *_), group in groups.items():
        if missing := sorted(measured - group.keys()):
            left_out.append(f"{task} on {device} is left out: not ok in {', '.join(missing)}")
        elif group:
            made.append(
                Setting(
                    task=str(task),
                    device=str(device),
                    summaries=group,
                    measurements=_by_block(run, group),
                )
            )
    return made, left_out


def _by_block(run: Run, group: Mapping[str, CellSummary]) -> dict[str, dict[int, Measurement]]:
    found: dict[str, dict[int, Measurement]] = {name: {} for name in group}
    cells = {one.cell: name for name, one in group.items()}
    for record in run.records:
        name = cells.get(record.job.cell)
        if name and record.measurement:
            found[name][record.job.block] = record.measurement
    return found


def sample(
    settings: Sequence[Setting], frameworks: Sequence[str], metric: Metric
) -> tuple[Sample | None, int]:
    """A metric of every framework in every setting that knows it, and how many do; None if none.

    Draws of one setting are made with the same random numbers for every metric: figures of the
    same processes go up and down together, as they did.
    """
    means, draws, repeated = [], [], True
    for setting in settings:
        columns = [metric(setting, name) for name in frameworks]
        blocks = sorted(set.intersection(*(set(column) for column in columns)))
        if not blocks:
            continue
        logs = np.log([[column[block] for column in columns] for block in blocks])
        means.append(logs.mean(axis=0))
        draws.append(_draws(logs, [*setting.task.encode(), *setting.device.encode()]))
        repeated &= len(blocks) > 1
    if not means:
        return None, 0
    return Sample(means=np.array(means), draws=np.stack(draws, 1), repeated=repeated), len(means)


def _draws(logs: Floats, stream: Sequence[int]) -> Floats:
    """Means of (blocks, columns) as chance leaves them open, (draws, columns)."""
    blocks, mean = len(logs), logs.mean(axis=0)
    if blocks == 1:
        return np.broadcast_to(mean, (DRAWS, len(mean)))
    rng = np.random.default_rng([SEED, *stream])
    # The rows of `normal` times the centred blocks have the blocks' covariance times n - 1.
    normal = rng.standard_normal((DRAWS, blocks)) @ (logs - mean)
    chi = np.sqrt(rng.chisquare(blocks - 1, (DRAWS, 1)) / (blocks - 1))
    found: Floats = mean + normal / math.sqrt(blocks * (blocks - 1)) / chi
    return found
