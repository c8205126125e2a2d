"""What the harness costs: `python -m tests.benchmarks.harness [--skip PART]... [RUN]...`.

Makes a run (the headline tasks, once in each framework). Prints which share of its wall time, and
of that of every RUN named, is not training, importing or compiling; how long the command line takes
to answer; and how long a report over 10,000 records takes. Nothing is asserted, as a busy machine
makes all of it slower.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.core.listener import SILENT, Silent
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.report.common.text import seconds_text
from bench.run import campaign
from bench.run.plan import make_plan
from bench.run.preparation import prepare
from bench.run.request import Request

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"
RECORDS, COPIES = 10_000, 20
REPEATS = 7
EVALUATION = "compile evaluation"  # the phase of a worker

# Seconds that a worker clocked, by what it was doing.
CLOCKED = {
    "import": lambda measurement: measurement.import_seconds,
    "build": lambda measurement: measurement.build_seconds,
    "first step": lambda measurement: measurement.first_step_seconds,
    "warm-up": lambda measurement: measurement.warmup_seconds,
    "train": lambda measurement: sum(measurement.windows.wall),
    "evaluate": lambda measurement: sum(evaluation.wall for evaluation in measurement.evaluations),
}


def say(what: str, figure: str, target: str = "") -> None:
    print(f"  {what:<58}{figure:>12}  {target}".rstrip(), flush=True)


def share(run: run_folder.Run) -> None:
    """Print how much of a run's time its records account for, and how much they do not."""
    wall = run.info["wall_seconds"]
    spent: dict[str, float] = defaultdict(float)
    for record in run.records:
        if record.measurement:
            for name, read in CLOCKED.items():
                spent[name] += read(record.measurement)
    rest = wall - sum(spent.values())
    print(f"{run.folder}: {len(run.records)} records, {seconds_text(wall)}")
    for name, seconds in spent.items():
        say(name, f"{seconds / wall:.1%}")
    say("the rest", f"{rest / wall:.1%}")
    outside = wall - sum(record.wall_seconds for record in run.records)
    say("  of which between workers (records, summaries, the display)", f"{outside / wall:.1%}")


class Timeline(Silent):
    """Adds up the time between the phases that workers report."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.records: list[Record] = []
        self._at = "start"
        self._since = time.perf_counter()

    def _enter(self, name: str) -> None:
        now = time.perf_counter()
        self.spent[self._at] += now - self._since
        self._at, self._since = name, now

    def phase(self, subject: str, name: str) -> None:
        self._enter(name)

    def extended(self, jobs: int, why: str) -> None:
        pass

    def recorded(self, record: Record) -> None:
        self.records.append(record)
        self._enter("start")


def numpy_start(frameworks: Sequence[str]) -> dict[str, float]:
    """Seconds that Python takes to start and import numpy, in each framework's environment.

    The worker has numpy imported before the framework asks for it, outside of the clock.
    """
    from bench.launch.virtual_environments import Environment, provide_all

    environments = provide_all([catalogue.load(name) for name in frameworks], "cpu", SILENT)
    return {
        name: median_seconds([str(environment.python), "-I", "-c", "import numpy"])[0]
        for name, environment in environments.items()
        if isinstance(environment, Environment)
    }


def account(request: Request) -> None:
    """Make a run, and print for each phase what workers clocked, and what they did not."""
    plan = make_plan(request)
    preparation = prepare(plan, SILENT)
    timeline = Timeline()
    campaign.run(plan, preparation, timeline)
    info = run_folder.read(plan.folder).info
    wall = info["wall_seconds"]
    good = [record for record in timeline.records if record.measurement]
    spent = {
        name: sum(read(record.measurement) for record in good if record.measurement)
        for name, read in CLOCKED.items()
    }
    starts = numpy_start(sorted({record.job.cell.framework for record in good}))
    # measured at another time, it may be longer than the phase that it is a part of
    started = min(
        timeline.spent["start"], sum(starts[record.job.cell.framework] for record in good)
    )
    # in no record, but the framework's own: an evaluation is traced and compiled separately
    spent[EVALUATION] = timeline.spent[EVALUATION]
    print(f"{info['name']}: {len(timeline.records)} workers, {seconds_text(wall)}")
    print(f"  {'phase':<20}{'wall':>10}{'clocked':>10}{'rest':>10}{'of the run':>12}")
    for name, seconds in timeline.spent.items():
        clocked = started if name == "start" else spent.get(name, 0.0)
        rest = seconds - clocked
        print(f"  {name:<20}{seconds:>10.2f}{clocked:>10.2f}{rest:>10.2f}{rest / wall:>12.1%}")
    rest = sum(timeline.spent.values()) - sum(spent.values())
    say("not clocked by the workers", f"{rest / wall:.1%}")
    say("  without starting Python and importing numpy", f"{(rest - started) / wall:.1%}", "< 3 %")


def median_seconds(command: Sequence[str], repeats: int = REPEATS) -> tuple[float, float]:
    """The median wall and processor seconds of a command in fresh processes."""
    walls, processors = [], []
    for _ in range(repeats):
        used, begun = processor_seconds(), time.perf_counter()
        subprocess.run(
            command,
            cwd=catalogue.TREE,
            env={**os.environ, "COLUMNS": "160"},
            capture_output=True,
            check=True,
        )
        walls.append(time.perf_counter() - begun)
        processors.append(processor_seconds() - used)
    return statistics.median(walls), statistics.median(processors)


def processor_seconds() -> float:
    """The processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say_command(target: str, *arguments: str, repeats: int = REPEATS) -> None:
    """Print how long a command takes. On a busy machine the processor time is more telling."""
    wall, processor = median_seconds([sys.executable, "-m", "bench", *arguments], repeats)
    shown = " ".join(word for word in arguments if "/" not in word)
    figure = f"{seconds_text(wall)} ({seconds_text(processor)} of processor)"
    print(f"  framebench {shown:<36}{figure:>30}  {target}", flush=True)


def command_line() -> None:
    """Print how long commands take that show nothing while a person waits."""
    print("command line, median of fresh processes")
    say_command("< 0.2 s", "--help")
    say_command("< 1 s", "list")


def many_records(folder: Path) -> None:
    """Write a run of `RECORDS` records: the published ones, in more blocks and cells.

    Each cell has `COPIES` times as many repeats, and further cells differ in their threads.
    """
    records = run_folder.read(PUBLISHED).records
    blocks = 1 + max(record.job.block for record in records)
    folder.mkdir(parents=True)
    (folder / "run.json").write_bytes((PUBLISHED / "run.json").read_bytes())
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(RECORDS):
            record = records[number % len(records)]
            threads, copy = divmod(number // len(records), COPIES)
            block = record.job.block + copy * blocks
            cell = record.job.cell.with_setting(threads=1 + threads)
            job = replace(record.job, cell=cell, block=block, seed=block)
            file.write(replace(record, job=job).to_json() + "\n")


def reports() -> None:
    """Print how long a report over many records takes, in every form."""
    print(f"report over {RECORDS:,} records, median of fresh processes")
    with tempfile.TemporaryDirectory(prefix="framebench-") as scratch:
        folder = Path(scratch) / "many"
        many_records(folder)
        for form in ("table", "markdown", "csv", "json", "html"):
            say_command("< 2 s", "report", str(folder), "--format", form, repeats=3)
        say_command("", "export", str(folder), repeats=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.benchmarks.harness")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--framework", action="append", default=[], help="repeatable; default: all")
    parser.add_argument("--task", action="append", default=[], help="repeatable")
    parser.add_argument("--skip", action="append", default=[], choices=["run", "cli", "report"])
    arguments = parser.parse_args()
    if "run" not in arguments.skip:
        with tempfile.TemporaryDirectory(prefix="framebench-") as results:
            account(
                Request(
                    frameworks=arguments.framework,
                    tasks=arguments.task,
                    repeats=1,
                    results=Path(results),
                    name="quick-once",
                )
            )
    for folder in arguments.runs:
        share(run_folder.read(folder))
    if "cli" not in arguments.skip:
        command_line()
    if "report" not in arguments.skip:
        reports()


if __name__ == "__main__":
    main()
