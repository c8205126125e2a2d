"""Honest adapters must pass every check, run after run, on a machine as it is.

    python -m tests.benchmarks.false_alarms [--runs 20] [--preset quick] [--keep DIR] [OPTION ...]

makes so many runs in a row from a copy of the source, each with seeds of its own, and prints a row
for each as it ends: how many cells it has, how long it took, and each cell that is not ok, with the
reason. The exit code is 1 if there is such a cell. Options that it does not know are those of
`framebench run`.

With `--keep`, the source and the runs stay in DIR, and the same command goes on with them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.results import Results
from bench.core.presets import PRESETS
from bench.records import run_folder
from bench.report.common.text import seconds_text
from tests.source_tree import copy_source

# How far apart the first seeds of two runs are; a run has fewer blocks, each of which adds one.
SEEDS = 100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run: its cells and processes, its seconds, and the cells that are not ok."""

    name: str
    cells: int
    processes: int
    wall_seconds: float
    alarms: tuple[str, ...]

    def __str__(self) -> str:
        alarms = "; ".join(self.alarms) or "no alarm"
        return (
            f"{self.name}: {self.cells} cells, {self.processes} processes, "
            f"{seconds_text(self.wall_seconds)}: {alarms}"
        )


def outcome(folder: Path) -> Outcome:
    """Of a finished run; exits if it is not."""
    run = run_folder.read(folder)
    if not run.finished:
        sys.exit(f"{folder.name} did not end; see {folder.parents[1] / folder.name}.log")
    results = Results.of(run)
    return Outcome(
        name=folder.name,
        cells=len(results.summaries),
        processes=len(run.records),
        wall_seconds=run.info["wall_seconds"],
        alarms=tuple(
            f"{each.cell} {each.status}: {each.reason}" for each in results.summaries if not each.ok
        ),
    )


def outcomes(runs: int, folder: Path, options: Sequence[str]) -> Iterator[Outcome]:
    """Makes the runs that `folder` does not have, one after the other."""
    tree, results = folder / "tree", folder / "results"
    if not tree.exists():
        unfinished = folder / "tree.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        copy_source(unfinished).rename(tree)
    for number in range(1, runs + 1):
        own = results / f"run-{number:02}"
        if not (own.exists() and run_folder.read(own).finished):
            new = ["--name", own.name, "--seed", str((number - 1) * SEEDS), *options]
            how = ["--resume", str(own)] if own.exists() else new
            command = [sys.executable, "-m", "bench", "run", *how, "--results", str(results)]
            environment = {**os.environ, "PYTHONPATH": str(tree)}
            with (folder / f"{own.name}.log").open("ab") as log:
                # Its exit code says that a cell is not ok, which the records tell as well.
                subprocess.run(
                    command, cwd=folder, env=environment, stdout=log, stderr=log, check=False
                )
        yield outcome(own)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.false_alarms", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=20, help="default: 20")
    parser.add_argument("--preset", choices=PRESETS, default="quick", help="default: quick")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="default: nothing is kept")
    options, others = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="framebench-alarms-") as scratch:
        folder = (options.keep or Path(scratch)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        alarms = processes = 0
        for number, each in enumerate(
            outcomes(options.runs, folder, ["-p", options.preset, *others]), start=1
        ):
            print(each, flush=True)
            alarms += len(each.alarms)
            processes += each.processes
            print(f"{number} runs, {processes} processes: {alarms} alarms", flush=True)
    sys.exit(min(alarms, 1))


if __name__ == "__main__":
    main()
