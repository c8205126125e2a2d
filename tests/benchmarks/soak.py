"""A run that is killed again and again ends with exactly the records of an undisturbed one.

    python -m tests.benchmarks.soak [--kills 20] [--blocks 8] [--seed 0]

runs the reference on two tiny tasks twice: once undisturbed, and once with SIGKILL sent at random
moments to the command and to its worker in turn. A killed command goes on by `--resume`, and so
does a run in which a worker was killed. The output says whether all cells, blocks, seeds, weights
and first losses are equal; the exit code is 1 if they are not.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from tests.conftest import TINY

# Seconds from the moment that a worker is seen, or a command is started, to a kill.
IN_A_JOB, FROM_THE_START = 1.0, 4.0
# One kill in so many may come before anything is measured.
EARLY = 4
# Seconds in which the next worker, or the end of a run, must come.
PATIENCE = 300.0


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """What came of a disturbed run: how often what was killed, and what differs in the end.

    `resumed` counts the times that it went on, `again` the records that others have replaced.
    """

    killed_commands: int
    killed_workers: int
    resumed: int
    again: int
    jobs: int
    differences: tuple[str, ...]

    def __str__(self) -> str:
        same = "; ".join(self.differences) or f"all {self.jobs} records are those of the other run"
        return (
            f"killed {self.killed_commands + self.killed_workers} times (the command "
            f"{self.killed_commands}, a worker {self.killed_workers}), resumed {self.resumed} "
            f"times, {self.again} jobs measured again: {same}"
        )


def start(scratch: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own, whose output goes to `soak.log`."""
    with (scratch / "soak.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def workers(command: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The running workers of a command."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(command.pid).children(recursive=True):
            with suppress(psutil.Error):
                if any(word.endswith("worker/launch.py") for word in child.cmdline()):
                    found.append(child)
    return found


def soak(undisturbed: Path, scratch: Path, *options: str, kills: int, seed: int = 0) -> Soaked:
    """Run `options`, the arguments of the `undisturbed` run, with so many kills, and compare."""
    rng = random.Random(seed)
    folder = scratch / "results" / "r"
    killed = {"command": 0, "worker": 0}
    resumed = 0
    command = start(scratch, *options)
    for number in range(kills):
        victim = "worker" if number % 2 else "command"
        early = victim == "command" and rng.randrange(EARLY) == 0
        delay = rng.uniform(0, FROM_THE_START if early else IN_A_JOB)
        if not early:
            wait_for_job(command, folder)
        time.sleep(delay)
        if victim == "command":
            killed[victim] += command.poll() is None
            command.kill()
        else:
            for worker in workers(command):
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
                    killed[victim] += 1
        if victim == "worker" and command.poll() is None:
            continue
        if command.wait() == 0:
            break  # it was finished before
        command = go_on(scratch, folder, options)
        resumed += 1
    while code := command.wait(PATIENCE):  # 1 where the job of a killed worker is crashed
        if code == 2:
            sys.exit(f"a run was refused: {(scratch / 'soak.log').read_text(encoding='utf-8')}")
        command = go_on(scratch, folder, options)
        resumed += 1
    run = run_folder.read(folder)
    return Soaked(
        killed_commands=killed["command"],
        killed_workers=killed["worker"],
        resumed=resumed,
        again=len(run.lines.replaced),
        jobs=len(run.records),
        differences=tuple(differences(run_folder.read(undisturbed), run)),
    )


def wait_for_job(command: subprocess.Popen[bytes], folder: Path) -> None:
    """Return when a job of the run has a worker, or the command has ended."""
    end = time.monotonic() + PATIENCE
    while command.poll() is None and time.monotonic() < end:
        if (folder / "run.json").exists() and workers(command):
            return
        time.sleep(0.02)


def go_on(scratch: Path, folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Go on with a run, or begin it again where it was killed before anything was measured."""
    begun = (folder / "run.json").exists()
    return start(scratch, *(("run", "--resume", str(folder)) if begun else options))


def differences(undisturbed: run_folder.Run, run: run_folder.Run) -> list[str]:
    """What differs between two runs, besides their times."""
    wanted, found = ({key(r): outcome(r) for r in side.records} for side in (undisturbed, run))
    lines = [f"{name} is missing" for name in wanted if name not in found]
    lines += [f"{name} is new" for name in found if name not in wanted]
    lines += [f"{name} differs" for name in wanted if name in found and found[name] != wanted[name]]
    return lines + [str(line) for line in run.lines.left_out]


def key(record: Record) -> str:
    """A job, in words."""
    return f"{record.job.cell} in block {record.job.block}"


def outcome(record: Record) -> tuple[object, ...]:
    """What is the same however often a job is run."""
    measured = record.measurement
    if measured is None:
        return record.status, record.reason
    weights, losses = measured.weights_digest, measured.first_losses
    metrics = tuple(evaluation.metric for evaluation in measured.evaluations)
    return record.status, record.job.seed, weights, losses, metrics


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.soak", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    arguments = (*TINY, "-t", "mnist-mlp", "-n", str(options.blocks))
    with tempfile.TemporaryDirectory(prefix="framebench-soak-") as scratch:
        undisturbed, disturbed = Path(scratch, "undisturbed"), Path(scratch, "disturbed")
        for folder in (undisturbed, disturbed):
            folder.mkdir()
        if code := start(undisturbed, *arguments).wait():
            sys.exit(f"the undisturbed run ended with exit code {code}")
        run = undisturbed / "results" / "r"
        soaked = soak(run, disturbed, *arguments, kills=options.kills, seed=options.seed)
    print(soaked)
    sys.exit(1 if soaked.differences else 0)


if __name__ == "__main__":
    main()
