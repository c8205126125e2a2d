"""Real runs with a known outcome: a framework against a copy, and against a slowed copy.

    python -m tests.benchmarks.planted [-f pytorch] [-t cifar-cnn] [--blocks 40] [--seconds 4]
        [--neighbour] [--keep DIR]

measures each framework on each task in a run of its own; both options are repeatable. The run holds
three copies of the framework: two are equal, and one is slowed by 5 % (each step is followed by a
busy wait in proportion to its time; `--slower` sets another share). A step of all three ends with a
fence, because the wait would overlap with steps that are still queued. `framebench run` proves and
times the copies like any other framework, with the budget of the quick preset and for the seconds
of the standard one.

Every five consecutive blocks then count as a run, and so does every random draw of five blocks, of
which there can be more. The tables, in Markdown, say how often the framework is called different
from itself (in at most 5 % of runs, if all is well), and how often the slowed copy is called slower
(in at least 95 %, on a quiet machine), by the interval of the ratio. A wait in every step may cost
more than its own time. So the last column has the same for the equal copy, with its paces scaled so
that the mean ratio is exactly 0.95: the noise is real, and the slowdown is arithmetic.

`--neighbour` keeps one core busy for ten seconds of every thirty. With `--keep`, the runs stay in
DIR, and the figures in `planted.json` there. The same command goes on where it was interrupted, and
with more `--blocks` it makes the runs longer.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from tabulate import tabulate

from bench import tasks
from bench.analysis import contention
from bench.analysis.intervals import Interval, ratio
from bench.analysis.processes import throughput
from bench.core.presets import PRESETS
from bench.core.record import Record
from bench.launch import catalogue, machine, virtual_environments
from bench.launch.paths import CACHE_VARIABLE, cache_dir
from bench.records import run_folder
from bench.run.request import fraction
from bench.system import children, files
from tests.source_tree import copy_framework, copy_source

BLOCKS = 5  # as in the standard preset
DRAWS = 1000
STANDARD = PRESETS["standard"].seconds
NAME = "planted"  # of each run
COPIES = ("plain", "again", "slower")

STEP = """

def _timed(step):
    from time import perf_counter

    def timed(self, batch):
        begun = perf_counter()
        loss = step(self, batch)
        self.sync()
        end = begun + (perf_counter() - begun) / (1 - {part})
        while perf_counter() < end:
            pass
        return loss

    return timed


for _session in [value for name, value in list(globals().items()) if name.endswith("Session")]:
    if "step" in vars(_session):
        _session.step = _timed(_session.step)
"""

# Takes a core for the first 10 s of every 30 s.
NEIGHBOUR = """
import time
begun = time.monotonic()
while True:
    if (time.monotonic() - begun) % 30 < 10:
        sum(range(10_000))
    else:
        time.sleep(0.05)
"""


@dataclass(frozen=True, kw_only=True)
class Planting:
    """What is measured in one run.

    `part` is the share of its pace that the slowed copy loses, and `seconds` the least for which
    each process is timed.
    """

    framework: str
    task: str
    threads: int
    part: float
    seconds: float
    neighbour: bool

    @property
    def folder(self) -> str:
        """The name of its folder, which says all that matters."""
        beside = "-neighbour" * self.neighbour
        return (
            f"{self.framework}-{self.task}-{self.threads}-{self.part:g}-{self.seconds:g}s{beside}"
        )

    @property
    def names(self) -> list[str]:
        """The names of the copies."""
        return [f"{self.framework}_{copy}" for copy in COPIES]


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """How often the verdict in question came out: of runs in a row, and of drawn ones."""

    in_a_row: int
    rows: int
    drawn: int
    draws: int

    @staticmethod
    def of(verdicts: Sequence[Sequence[bool]]) -> Verdicts:
        """From those of runs in a row, and those of drawn ones."""
        rows, draws = verdicts
        return Verdicts(in_a_row=sum(rows), rows=len(rows), drawn=sum(draws), draws=len(draws))

    def __str__(self) -> str:
        return f"{self.in_a_row} of {self.rows}; {self.drawn / self.draws:.1%} of draws"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The figures of a run: of `blocks`, the `quiet` ones count, or all if they are too few.

    `noise` is the standard deviation of processes within blocks. `copy` and `slowed` are the ratios
    of both copies' paces to that of the framework itself. `scaled_called_slower` is of the equal
    copy, with its paces scaled to what the slowed one's should be.
    """

    planting: Planting
    blocks: int
    quiet: int
    noise: float
    copy: Interval
    slowed: Interval
    called_different: Verdicts
    called_slower: Verdicts
    scaled_called_slower: Verdicts


def plant(tree: Path, planting: Planting) -> None:
    """Copy the source, with each copy of the framework in a folder of its own."""
    copy_source(tree)
    for name, part in zip(planting.names, (0, 0, planting.part), strict=True):
        folder = copy_framework(tree, planting.framework, name)
        with (folder / "adapter.py").open("a", encoding="utf-8") as file:
            file.write(STEP.format(part=part))


def lend(cache: Path, framework: str, names: Iterable[str]) -> None:
    """Make a cache in which copies of these names have the framework's own environment."""
    environment = virtual_environments.find(catalogue.load(framework), "cpu")
    if environment is None:
        sys.exit(f"{framework} has no environment yet: framebench setup {framework}")
    original = environment.python.parents[1]
    (cache / "environments").mkdir(parents=True)
    for folder in (cache_dir() / "environments").iterdir():
        (cache / "environments" / folder.name).symlink_to(folder)
    for name in names:
        copied = original.name.replace(framework, name, 1)
        (cache / "environments" / copied).symlink_to(original)
    for shared in ("data", "reference"):
        (cache / shared).symlink_to(cache_dir() / shared)


def prepare(folder: Path, planting: Planting) -> None:
    """Plant the copies in a new folder, which appears when it is whole."""
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    plant(unfinished / "tree", planting)
    lend(unfinished / "cache", planting.framework, planting.names)
    unfinished.rename(folder)


def measure(
    planting: Planting, folder: Path, blocks: int
) -> tuple[dict[str, dict[int, float]], int]:
    """Throughputs by block of each copy, and how many blocks were quiet.

    Only quiet blocks are returned, or all if fewer than five were. Goes on with what the folder has
    already.
    """
    if not folder.exists():
        prepare(folder, planting)
    results = folder / "results"
    beside = [sys.executable, "-c", NEIGHBOUR]
    while options := missing(planting, results / NAME, blocks):
        with (
            children.started(beside, env=children.inherited())
            if planting.neighbour
            else nullcontext()
        ):
            done = subprocess.run(
                [*(sys.executable, "-m", "bench", "run"), *options, "--results", str(results)],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(folder / "tree"),
                    CACHE_VARIABLE: str(folder / "cache"),
                },
                stdout=subprocess.DEVNULL,
                check=False,
            )
        if done.returncode:
            sys.exit(f"{planting.folder}: the run ended with exit code {done.returncode}")
    run = run_folder.read(results / NAME)
    records = [record for record in run.records if record.job.block < blocks]
    disturbed = contention.disturbed_blocks(records)  # as a run's tables leave them out
    quiet = [record for record in records if record.job.block not in disturbed]
    count = len({record.job.block for record in quiet})
    counting = quiet if count >= BLOCKS else records
    return {name: by_block(counting, name) for name in planting.names}, count


def missing(planting: Planting, run: Path, blocks: int) -> Sequence[str]:
    """The options of `framebench run` for what is not measured yet; empty if all is."""
    if not run.exists():
        chosen = [text for name in planting.names for text in ("-f", name)]
        chosen += ["-t", planting.task, "--threads", str(planting.threads)]
        chosen += ["--seconds", str(planting.seconds)]
        return [*chosen, "-n", str(blocks), "--spare", "0", "--name", NAME]
    kept = run_folder.read(run)
    if not kept.finished:
        return ["--resume", str(run)]
    more = blocks - len({record.job.block for record in kept.records})
    return ["--add-blocks", str(more), str(run)] if more > 0 else []


def by_block(records: Iterable[Record], framework: str) -> dict[int, float]:
    """One cell's throughputs."""
    return {
        record.job.block: throughput(record, contention.contended(record))
        for record in records
        if record.job.cell.framework == framework
    }


def outcome(planting: Planting, folder: Path, blocks: int) -> Outcome:
    """Measure, and judge every five consecutive blocks, and draws of five."""
    paces, quiet = measure(planting, folder, blocks)
    plain, again, slower = paces.values()
    copy, slowed = ratio(again, plain), ratio(slower, plain)
    assert copy and slowed
    scale = (1 - planting.part) / copy.estimate
    scaled = {at: scale * pace for at, pace in again.items()}

    def called_slower(first: dict[int, float]) -> Verdicts:
        return Verdicts.of([[interval.high < 1 for interval in of] for of in fives(first, plain)])

    noise = statistics.stdev(math.log(again[at] / plain[at]) for at in plain) / math.sqrt(2)
    return Outcome(
        planting=planting,
        blocks=blocks,
        quiet=quiet,
        noise=noise,
        copy=copy,
        slowed=slowed,
        called_different=Verdicts.of(
            [[not interval.includes(1) for interval in of] for of in fives(again, plain)]
        ),
        called_slower=called_slower(slower),
        scaled_called_slower=called_slower(scaled),
    )


def fives(first: dict[int, float], second: dict[int, float]) -> list[list[Interval]]:
    """Intervals of the ratio: for every five consecutive blocks, and for draws of five."""

    def of(blocks: Iterable[int]) -> Interval:
        interval = ratio({at: first[at] for at in blocks}, {at: second[at] for at in blocks})
        assert interval
        return interval

    every = sorted(first.keys() & second.keys())
    rows = [every[at : at + BLOCKS] for at in range(0, len(every) - BLOCKS + 1, BLOCKS)]
    rng = random.Random(0)
    return [[of(row) for row in rows], [of(rng.sample(every, BLOCKS)) for _ in range(DRAWS)]]


def table(outcomes: Sequence[Outcome]) -> str:
    """All figures in Markdown, one row for each run."""

    def text(interval: Interval) -> str:
        return f"{interval.estimate:.4f} ({interval.low:.4f}–{interval.high:.4f})"

    headings = [
        *("framework", "task", "threads", "seconds", "quiet blocks", "processes vary by"),
        *("pace of its copy", "of its slowed copy"),
        *("called different from itself", "slowed copy called slower"),
        "copy scaled, called slower",
    ]
    rows = [
        [
            each.planting.framework,
            each.planting.task,
            str(each.planting.threads),
            f"{each.planting.seconds:g}",
            f"{each.quiet} of {each.blocks}" + ", so all count" * (each.quiet < BLOCKS),
            f"{each.noise:.1%}",
            text(each.copy),
            text(each.slowed),
            str(each.called_different),
            str(each.called_slower),
            str(each.scaled_called_slower),
        ]
        for each in outcomes
    ]
    return tabulate(rows, headers=headings, tablefmt="github", disable_numparse=True)


def keep(outcomes: Sequence[Outcome], file: Path) -> None:
    """Put these figures into the file, in place of earlier ones of the same runs."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept |= {each.planting.folder: asdict(each) for each in outcomes}
    files.write(file, json.dumps(kept, indent=1).encode())


def measure_all(options: argparse.Namespace, kept: Path) -> None:
    """Measure everything, print the table so far after each run, and keep the figures."""
    outcomes = []
    for framework in options.framework:
        for task in options.task:
            planting = Planting(
                framework=framework,
                task=task,
                threads=options.threads,
                part=fraction(options.slower),
                seconds=options.seconds,
                neighbour=options.neighbour,
            )
            outcomes.append(outcome(planting, kept / planting.folder, options.blocks))
            keep(outcomes, kept / "planted.json")
            print(f"{table(outcomes)}\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.planted", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("-f", "--framework", action="append", choices=catalogue.compared())
    parser.add_argument("-t", "--task", action="append", choices=tasks.names())
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--blocks", type=int, default=40, help="default: 40")
    parser.add_argument("--seconds", type=float, default=STANDARD, help="default: %(default)g")
    parser.add_argument("--slower", default="5%", help="default: 5%%")
    parser.add_argument("--neighbour", action="store_true", help="beside a neighbour")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="default: nothing is kept")
    options = parser.parse_args()
    options.framework = options.framework or ["pytorch", "mxnet_gluon"]
    options.task = options.task or ["mnist-mlp", "cifar-cnn"]
    if options.blocks < BLOCKS:
        parser.error(f"--blocks must be {BLOCKS} or more")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        measure_all(options, options.keep.absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="framebench-planted-") as scratch:
            measure_all(options, Path(scratch))


if __name__ == "__main__":
    main()
