"""How long `framebench report` takes over a run of many blocks, as a cluster makes it.

`python -m tests.benchmarks.many_blocks [BLOCKS]`. The run is simulated: records of a published run,
whose windows are stretched to the paces of `tests.simulation`, on nodes of two kinds. It has two
frameworks on two tasks, so each of the BLOCKS (10,000 by default) blocks of a task has two records.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.record import SCHEMA
from bench.launch import catalogue
from bench.records import run_folder
from tests.simulation import WINDOWS, Noise, throughputs

PUBLISHED = catalogue.TREE / "results" / "standard-sixteen-epyc-2cpu"
TASKS = ("mnist-mlp", "cifar-cnn")
FRAMEWORKS = ("pytorch", "jax_flax")
NODES = 100
LOSS = 2.302585093
MOST_SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", type=int, nargs="?", default=10_000, metavar="BLOCKS")
    blocks = parser.parse_args().blocks
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "many"
        write(run, blocks)
        size = (run / run_folder.RECORDS).stat().st_size
        print(f"{blocks:,} blocks of a task, {size / 1e6:,.0f} MB of records")
        began = time.perf_counter()
        command = [sys.executable, "-m", "bench", "report", str(run)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"framebench report: {seconds:.1f} s (at most {MOST_SECONDS:.0f} s are wanted), of which "
        f"the processor took {used.ru_utime + used.ru_stime:.1f} s"
    )


def write(run: Path, blocks: int) -> None:
    """Write a run of so many blocks of a task, in half as many blocks."""
    run.mkdir()
    info = run_folder.read_info(PUBLISHED)
    machines = ({}, {"cpu": "Abacus"})
    nodes = {f"n{node}": {**info["machine"], **machines[node % 2]} for node in range(NODES)}
    repeats = blocks // len(TASKS)
    run_folder.write(
        run,
        {**info, "name": run.name, "repeats": repeats, "nodes": nodes},
        "".join(f"{json.dumps(fields)}\n" for fields in records(repeats)),
    )


def records(repeats: int) -> Iterator[dict[str, Any]]:
    """The records of every cell in so many blocks, as JSON objects; every check passes."""
    patterns = {
        (record.job.cell.task, record.job.cell.framework): json.loads(
            replace(record, schema=SCHEMA).to_json()
        )
        for record in run_folder.read(PUBLISHED).records
    }
    cells = [patterns[task, framework] for task in TASKS for framework in FRAMEWORKS]
    rng = np.random.default_rng(0)
    paces = throughputs(
        Noise(block=0.02),
        paces=[1.0, 0.9] * len(TASKS),
        blocks=repeats,
        runs=1,
        rng=rng,
    )[0]
    metrics = rng.uniform(0.5, 0.6, (len(cells), repeats))
    for block in range(repeats):
        for pattern, own, metric in zip(cells, paces, metrics, strict=True):
            yield at(pattern, block, pace=float(own[block]), metric=float(metric[block]))


def at(pattern: dict[str, Any], block: int, *, pace: float, metric: float) -> dict[str, Any]:
    """A record in another block, with as many windows as are usual, and so many times as fast.

    All cells have the same losses.
    """
    measurement = pattern["measurement"]
    windows = measurement["windows"]
    columns = {name: column[:WINDOWS] for name, column in windows.items()}
    for name in ("wall", "cpu"):
        columns[name] = [seconds / pace for seconds in columns[name]]
    columns["loss"] = [LOSS / (1 + epoch) for epoch in columns["epoch"]]
    left_out = sum(windows["wall"] + windows["read"]) - sum(columns["wall"] + columns["read"])
    *before, last = measurement["evaluations"]
    phases = dict(pattern["phases"])
    train = phases.pop("train") + phases.pop("train on", 0.0)
    return {
        **pattern,
        "job": {**pattern["job"], "block": block, "seed": block},
        "measurement": {
            **measurement,
            "windows": columns,
            "evaluations": [*before, {**last, "metric": metric}],
            "first_losses": [LOSS] * len(measurement["first_losses"]),
        },
        "phases": {**phases, "train": train - left_out},
        "node": f"n{block % NODES}",
    }


if __name__ == "__main__":
    main()
