"""Real runs with a known outcome: a framework against a copy, and against a slowed copy.

    python -m tests.benchmarks.planted [-f pytorch] [-t cifar-cnn] [--threads 2] [--blocks 40]

copies the source and adds the framework twice more: as it is, and slowed by 5 % (each step is
followed by a busy wait in proportion to its time; `--slower` sets another share). `framebench run`
proves and times all three like any other framework. Every five consecutive blocks then count as a
run, and so does every random draw of five blocks, of which there can be more. The output says how
often the framework is called different from itself (in at most 5 % of runs, if all is well), and
how often the slowed copy is called slower (in at least 95 %, on a quiet machine). A step must be
complete when it returns: where steps wait in a queue, the busy wait would overlap with them.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from bench.analysis import contention
from bench.analysis.intervals import Interval, ratio
from bench.analysis.processes import throughput
from bench.core.record import Record
from bench.launch import catalogue, machine, virtual_environments
from bench.launch.paths import CACHE_VARIABLE, cache_dir
from bench.records import run_folder
from bench.run.request import fraction
from tests.source_tree import copy_source

BLOCKS = 5  # as in the standard preset
DRAWS = 1000

SLOWER = """

def _slowed(step):
    from time import perf_counter

    def slowed(self, batch):
        begun = perf_counter()
        loss = step(self, batch)
        end = begun + (perf_counter() - begun) / (1 - {part})
        while perf_counter() < end:
            pass
        return loss

    return slowed


for _session in [value for name, value in list(globals().items()) if name.endswith("Session")]:
    if "step" in vars(_session):
        _session.step = _slowed(_session.step)
"""


def plant(tree: Path, framework: str, part: float) -> tuple[str, str]:
    """Copy the source with the framework twice more. Returns the names of the two copies."""
    copy_source(tree)
    again, slower = f"{framework}_again", f"{framework}_slower"
    for name in (again, slower):
        folder = tree / "frameworks" / name
        shutil.copytree(tree / "frameworks" / framework, folder)
        about = (folder / "framework.toml").read_text(encoding="utf-8")
        about = about.replace(f'name = "{framework}"', f'name = "{name}"')
        (folder / "framework.toml").write_text(about, encoding="utf-8")
    with (tree / "frameworks" / slower / "adapter.py").open("a", encoding="utf-8") as file:
        file.write(SLOWER.format(part=part))
    return again, slower


def lend(cache: Path, framework: str, names: Iterable[str]) -> None:
    """Make a cache in which the copies have the framework's own environment."""
    environment = virtual_environments.find(catalogue.load(framework), "cpu")
    if environment is None:
        sys.exit(f"{framework} has no environment yet: framebench setup {framework}")
    original = environment.python.parents[1]
    (cache / "environments").mkdir(parents=True)
    for folder in (cache_dir() / "environments").iterdir():
        (cache / "environments" / folder.name).symlink_to(folder)
    for name in names:
        (cache / "environments" / original.name.replace(framework, name, 1)).symlink_to(original)
    for shared in ("data", "reference"):
        (cache / shared).symlink_to(cache_dir() / shared)


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, dict[int, float]]:
    """Throughputs by block, of the framework, of its copy and of its slowed copy."""
    tree, cache = scratch / "tree", scratch / "cache"
    names = (options.framework, *plant(tree, options.framework, fraction(options.slower)))
    lend(cache, options.framework, names[1:])
    chosen = [text for name in names for text in ("-f", name)]
    subprocess.run(
        [
            *(sys.executable, "-m", "bench", "run", *chosen, "-t", options.task),
            *("--threads", str(options.threads), "-n", str(options.blocks), "--spare", "0"),
            *("--name", "planted"),
            *("--results", str(scratch / "results")),
        ],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": str(tree), CACHE_VARIABLE: str(cache)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    run = run_folder.read(scratch / "results" / "planted")
    disturbed = contention.disturbed_blocks(run.records)  # as a run's tables leave them out
    quiet = [record for record in run.records if record.job.block not in disturbed]
    return {name: by_block(quiet, name) for name in names}


def by_block(records: Iterable[Record], framework: str) -> dict[int, float]:
    """One cell's throughputs."""
    return {
        record.job.block: throughput(record, contention.contended(record))
        for record in records
        if record.job.cell.framework == framework
    }


def verdicts(intervals: Iterable[Interval | None], wanted: str) -> str:
    """How many intervals have the wanted verdict: "3 of 8 (37.5%)"."""
    measured = [interval for interval in intervals if interval]
    says = {
        "different": [not interval.includes(1) for interval in measured],
        "slower": [interval.high < 1 for interval in measured],
    }[wanted]
    return f"{sum(says)} of {len(says)} ({sum(says) / len(says):.1%})"


def compare(first: dict[int, float], second: dict[int, float]) -> list[list[Interval | None]]:
    """Intervals of the ratio: for every five consecutive blocks, and for draws of five."""

    def of(blocks: Iterable[int]) -> Interval | None:
        return ratio({at: first[at] for at in blocks}, {at: second[at] for at in blocks})

    every = sorted(first.keys() & second.keys())
    rows = [every[at : at + BLOCKS] for at in range(0, len(every) - BLOCKS + 1, BLOCKS)]
    rng = random.Random(0)
    return [[of(row) for row in rows], [of(rng.sample(every, BLOCKS)) for _ in range(DRAWS)]]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.planted", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("-f", "--framework", default="pytorch", choices=catalogue.compared())
    parser.add_argument("-t", "--task", default="cifar-cnn")
    parser.add_argument("--threads", type=int, default=machine.usable_cores())
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--slower", default="5%", help="default: 5%%")
    options = parser.parse_args()
    if options.blocks < BLOCKS:
        parser.error(f"--blocks must be {BLOCKS} or more")
    with tempfile.TemporaryDirectory(prefix="framebench-planted-") as scratch:
        measured = measure(options, Path(scratch))
    plain, again, slower = measured.values()
    whole = {"its copy": ratio(again, plain), "its slowed copy": ratio(slower, plain)}
    threads = f"{options.threads} thread{'s' * (options.threads != 1)}"
    print(
        f"{options.framework} on {options.task}, {threads}, "
        f"{len(plain)} quiet blocks of {options.blocks}"
    )
    noise_of = statistics.stdev(math.log(again[at] / plain[at]) for at in plain) / math.sqrt(2)
    print(f"  processes vary by {noise_of:.1%} (standard deviation, within blocks)")
    for name, interval in whole.items():
        assert interval
        text = f"{interval.estimate:.4f} ({interval.low:.4f} to {interval.high:.4f})"
        print(f"  {name}: {text} of its pace")
    rows = []
    for words, other, wanted in (
        ("called different from itself", again, "different"),
        (f"slowed by {options.slower}, called slower", slower, "slower"),
    ):
        in_a_row, drawn = compare(other, plain)
        rows.append([words, verdicts(in_a_row, wanted), verdicts(drawn, wanted)])
    print(tabulate(rows, headers=["runs of five blocks", "in a row", "drawn"]))


if __name__ == "__main__":
    main()
