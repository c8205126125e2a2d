"""Is an adapter as fast as a loop that an expert writes by the framework's documentation?

`python -m tests.benchmarks.native [-f FRAMEWORK] [-t TASK] [-m MODE] [--threads 1] [--rounds 5]`

Native scripts (`tests/native/`) and adapters (measured as by `framebench run`, in a worker) train
on the same batches in turn, each in a fresh process with the framework's own variables. The adapter
goes first in every second round. A window covers the same on both sides: turning arrays into
tensors, the steps, the fence. Each round gives a ratio, the adapter's throughput over the native
script's, and the median of the rounds counts; 1 means equally fast. If other processes use the
machine, look at the ratio of processor time, and at that of the fastest windows, which were
disturbed the least. Or let both sides alternate window by window in one process (`--together
--rounds 60`): disturbances then slow both alike, and even on a busy machine the median is steady to
a few hundredths.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from bench import tasks
from bench.core.framework_name import framework_of
from bench.core.listener import SILENT
from bench.core.readers import BatchFormat
from bench.core.record import Cell, Job, Record
from bench.core.setting import Setting
from bench.core.split import Split
from bench.core.task import Budget
from bench.launch import catalogue, virtual_environments, worker_process
from bench.launch.framework import Framework
from bench.launch.virtual_environments import Environment
from bench.run.preparation import prepare_data
from tests.benchmarks.comparison import Comparison, Windows

NATIVE = catalogue.TREE / "tests" / "native"
TOGETHER = catalogue.TREE / "tests" / "benchmarks" / "together.py"

# The formats of the adapters' sessions, which only a worker could ask for.
FORMATS = {
    "jax_flax": BatchFormat(channels_last=True, labels="int32", tokens="int32"),
    "keras[jax]": BatchFormat(channels_last=True, labels="int32", tokens="int32"),
    "keras[tensorflow]": BatchFormat(channels_last=True),
    "keras[torch]": BatchFormat(channels_last=True),
    "mxnet_gluon": BatchFormat(labels="int32", tokens="int32"),
    "pytorch": BatchFormat(channels_last=True),
    "tensorflow_keras": BatchFormat(channels_last=True),
}

# Training steps of an adapter's job, and the number of distinct batches for a native script, unless
# all are the same. A twelfth are a window of `--together`: long enough for the caches to fill.
STEPS = {
    "mnist-mlp": 600,
    "cifar-cnn": 60,
    "imdb-lstm": 24,
    "shakespeare-gpt": 40,
    "multi30k-seq2seq": 12,
    "digits-ctc": 24,
    "cora-gcn": 240,
}


def script_of(framework: str, task: str) -> Path:
    """Where a framework's native script for a task is, if it has one."""
    return NATIVE / framework_of(framework) / f"{tasks.load(task).network}.py"


def _in_one_turn(job: worker_process.JobInTurns[Record]) -> Record:
    """The record of a job that has the machine to itself."""
    try:
        next(job)
        while True:
            job.send(math.inf)
    except StopIteration as end:
        record: Record = end.value
        return record


class Pair:
    """The adapter and the native script of a cell."""

    def __init__(
        self, cell: Cell, *, data: Path, scratch: Path, length: int, warmup: float
    ) -> None:
        self._cell, self._data, self._scratch = cell, data, scratch
        task = tasks.load(cell.task)
        self._length, self._warmup = min(length, task.length or length), warmup
        self._task = task.with_length(self._length)
        self._framework: Framework = catalogue.load(cell.framework)
        environment = virtual_environments.find(self._framework, cell.device)
        if environment is None:
            sys.exit(f"{cell.framework} has no environment yet: framebench setup {cell.framework}")
        self._environment: Environment = environment
        self._script = script_of(cell.framework, cell.task)
        self._steps = 1
        self._batches = scratch / f"{cell.framework}-{cell.task}.npz"
        if not self._batches.exists():
            self._write_batches()

    def _write_batches(self) -> None:
        layout = FORMATS.get(self._cell.framework, BatchFormat())
        count = self._task.batch * (1 if self._task.whole else STEPS[self._cell.task])
        split = Split(self._data, "train", self._task, layout, count)
        batches = [tuple(split.batch(rows).values()) for rows in split.epoch(0, 0)]
        np.savez(self._batches, *[np.stack(arrays) for arrays in zip(*batches, strict=True)])

    def adapter(self) -> Windows:
        """The windows of a worker's job."""
        job = Job(
            cell=self._cell,
            block=0,
            seed=0,
            budget=Budget(
                epochs=1,
                train_examples=self._task.batch * STEPS[self._cell.task],
                test_examples=500,
                length=self._length,
            ),
            data=str(self._data),
            warmup=self._warmup,
        )
        record = _in_one_turn(
            worker_process.run_job(
                job,
                worker_process.WorkerSpec(
                    framework=self._framework,
                    environment=self._environment,
                    setting=self._cell.setting,
                    log=self._scratch / "adapter.log",
                    timeout=300,
                ),
                pictures=self._scratch,
                listener=SILENT,
            )
        )
        if record.measurement is None:
            sys.exit(f"{self._cell}: {record.status}: {record.reason}")
        windows = record.measurement.windows
        self._steps = round(statistics.median(windows.steps))
        return Windows(
            wall=[
                self._task.batch * steps / wall
                for steps, wall in zip(windows.steps, windows.wall, strict=True)
            ],
            cpu=[
                self._task.batch * steps / cpu
                for steps, cpu in zip(windows.steps, windows.cpu, strict=True)
            ],
        )

    def native(self) -> Windows:
        """The windows of the native script, each with as many steps as a worker's."""
        options = {
            "data": self._batches,
            "mode": self._cell.mode,
            "threads": self._cell.threads,
            "steps": self._steps,
            "windows": max(3, STEPS[self._cell.task] // self._steps),
            "length": self._length,
            "warmup": self._warmup,
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        result = self._run(NATIVE / "run.py", str(self._script), *arguments)
        samples = self._task.batch * result["steps"]
        return Windows(
            wall=[samples / wall for wall in result["seconds"]],
            cpu=[samples / cpu for cpu in result["cpu"]],
        )

    def _run(self, file: Path, *arguments: str, payload: object = None) -> dict[str, list[Any]]:
        """Run a script under the framework's own Python. Returns the JSON that it prints."""
        done = subprocess.run(
            [str(self._environment.python), str(file), *arguments],
            env=worker_process.variables(
                self._framework, self._cell.setting, scratch=self._scratch
            ),
            input=json.dumps(payload),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{self._cell}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def together(self, pairs: int) -> tuple[list[Windows], list[Windows]]:
        """Native and adapter in one process: each pair of windows is a round."""
        cell = self._cell
        steps = max(1, STEPS[cell.task] // 12)
        wanted = {
            "framework": cell.framework,
            "task": cell.task,
            "mode": cell.mode,
            "threads": cell.threads,
            "length": self._length,
            "script": str(self._script),
            "data": str(self._batches),
            "steps": steps,
            "pairs": pairs,
        }
        seconds = self._run(TOGETHER, payload=wanted)
        samples = self._task.batch * steps
        native, adapter = (
            [Windows(wall=[samples / wall], cpu=[samples / cpu]) for wall, cpu in seconds[side]]
            for side in ("native", "adapter")
        )
        return native, adapter

    def apart(self, rounds: int) -> tuple[list[Windows], list[Windows]]:
        """Native and adapter, each in a fresh process in each round."""
        self.adapter()  # not counted, but needed for the steps that fill a window
        native: list[Windows] = []
        adapter: list[Windows] = []
        for number in range(rounds):
            if number % 2:
                adapter.append(self.adapter())
            native.append(self.native())
            if not number % 2:
                adapter.append(self.adapter())
        return native, adapter

    def compare(self, rounds: int, *, together: bool) -> Comparison:
        native, adapter = self.together(rounds) if together else self.apart(rounds)
        cell = self._cell
        return Comparison(
            framework=cell.framework,
            task=cell.task,
            mode=cell.mode,
            threads=cell.threads,
            native=native,
            adapter=adapter,
        )


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    setting = Setting(threads=options.threads)
    for task in options.task or sorted(STEPS):
        for framework in options.framework or catalogue.compared():
            if not script_of(framework, task).exists():
                continue
            for mode in catalogue.load(framework).modes:
                if not options.mode or mode in options.mode:
                    yield Cell(framework=framework, task=task, mode=mode, setting=setting)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.native", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("-f", "--framework", action="append", choices=catalogue.compared())
    parser.add_argument("-t", "--task", action="append", choices=list(STEPS))
    parser.add_argument("-m", "--mode", action="append")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=50, help="tokens in a text, at most")
    parser.add_argument("--warmup", type=float, default=2.0, help="seconds, at most")
    parser.add_argument("--together", action="store_true", help="both in one process")
    parser.add_argument("--json", type=Path, help="write every window's throughput here")
    options = parser.parse_args()
    wanted = list(cells(options))
    data = prepare_data({cell.task for cell in wanted}, "auto", SILENT)
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="framebench-native-") as scratch:
        for cell in wanted:
            pair = Pair(
                cell,
                data=data[cell.task],
                scratch=Path(scratch),
                length=options.length,
                warmup=options.warmup,
            )
            comparisons.append(pair.compare(options.rounds, together=options.together))
            print(*(value for value in comparisons[-1].row().values()), file=sys.stderr, flush=True)
            if options.json:
                options.json.write_text(
                    json.dumps([asdict(comparison) for comparison in comparisons]) + "\n"
                )
    print(
        tabulate(
            [comparison.row() for comparison in comparisons], headers="keys", tablefmt="github"
        )
    )


if __name__ == "__main__":
    main()
