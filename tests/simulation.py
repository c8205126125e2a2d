"""Simulated runs: known paces with the noise of processes, windows, blocks and drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WINDOWS = 40  # of about 0.1 s: the fewest of a process, and so the noisiest case

TASKS = 7  # whose cells share a block

# Where in a run the cells of a task are: anywhere in each block; beside each other in it; or not
# interleaved, with all repeats of the first cell before those of the second.
Order = Literal["anywhere", "beside", "in turn"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise in the logarithm of a throughput. All but `drift` and `tails` are standard deviations.

    `tails` is the distribution over processes: normal, Student's t with 5 degrees of freedom, or
    normal with one process in twenty slowed by 5 to 10 % by a neighbour. `drift` is the share of
    its pace that the machine loses from the first process of a run to the last, steadily. `unequal`
    multiplies `process` of each cell, if not all cells vary alike. `together` is for noise that the
    first half of the cells share in each block, as frameworks of a kind do beside a neighbour.
    """

    process: float = 0.02
    windows: float = 0.05
    block: float = 0.0
    drift: float = 0.0
    tails: Literal["normal", "t5", "neighbour"] = "normal"
    unequal: Sequence[float] = ()
    together: float = 0.0


def _between_processes(noise: Noise, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    if noise.tails == "t5":
        return noise.process * np.sqrt(3 / 5) * rng.standard_t(5, shape)
    values = rng.normal(0, noise.process, shape)
    if noise.tails == "neighbour":
        values += np.where(rng.random(shape) < 1 / 20, np.log1p(-rng.uniform(0.05, 0.1, shape)), 0)
    return values


def throughputs(
    noise: Noise,
    *,
    paces: Sequence[float],
    blocks: int,
    runs: int,
    rng: np.random.Generator,
    order: Order = "beside",
) -> Floats:
    """Throughputs (runs, cells, blocks) of cells with these true paces, shuffled in each block."""
    shape = (runs, len(paces), blocks)
    windows = np.mean(rng.normal(0, noise.windows, (*shape, WINDOWS)), axis=-1)
    shared = rng.normal(0, noise.block, (runs, 1, blocks))
    cell, block = np.arange(len(paces))[:, None], np.arange(blocks)
    place = rng.permuted(np.broadcast_to(cell, shape), axis=1) / len(paces)  # 0 to 1 over a block
    time = {  # 0 to 1 over the run
        "anywhere": (block + place) / blocks,
        "beside": (block + place / TASKS) / blocks,
        "in turn": (cell + block / blocks) / len(paces),
    }[order]
    between = _between_processes(noise, shape, rng)
    if noise.unequal:
        between *= np.array(noise.unequal)[:, None]
    if noise.together:
        half = cell < (len(paces) + 1) // 2
        between += half * rng.normal(0, noise.together, (runs, 1, blocks))
    logs = np.log(paces)[:, None] + between + windows + shared
    values: Floats = np.exp(logs + np.log1p(-noise.drift) * time)
    return values


def by_block(values: Floats) -> dict[int, float]:
    """One cell's throughputs as `bench.analysis.intervals` takes them."""
    return dict(enumerate(values.tolist()))
