"""Adapters that pass the proof and then do other work, or do it where no clock runs.

Each is a copy of the numpy reference with a fault of its own. One run proves and times all of them,
beside the reference and honest copies of it: those must be ranked, and each fault must be `wrong`.
The records alone must show it too, without a proof after the timing, in the words that name it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.analysis.cell_summary import CellSummary
from bench.analysis.results import Results
from bench.launch.paths import CACHE_VARIABLE
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.worker.trace import STEPS
from tests.benchmarks.planted import lend
from tests.source_tree import copy_framework, copy_source

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(900)]

# Counts the steps since the weights were loaded.
COUNTING = """

_load, _step = ReferenceSession.load, ReferenceSession.step


def _counted_load(self, params):
    _load(self, params)
    self.taken = 0


def _counted_step(self, batch):
    self.taken += 1
    return _step(self, batch)


ReferenceSession.load, ReferenceSession.step = _counted_load, _counted_step
"""

# Steps wait in a queue until `fence` or a reader does them.
LAZY = """

class _Loss:
    value = None


class LazySession(ReferenceSession):
    def load(self, params):
        self.queue = []
        super().load(params)

    def step(self, batch):
        loss = _Loss()
        self.queue.append((loss, batch))
        return (loss,)

    def work(self, count):
        for loss, batch in self.queue[:count]:
            (loss.value,) = super().step(batch)
        del self.queue[:count]

    def numpy(self, value):
        self.work(len(self.queue))
        return np.asarray(value.value if isinstance(value, _Loss) else value)

    def sync(self):
        {fence}

    def dump(self):
        self.work(len(self.queue))
        return super().dump()

    def state(self):
        self.work(len(self.queue))
        return super().state()

    def outputs(self, batch):
        self.work(len(self.queue))
        return super().outputs(batch)


ReferenceSession = LazySession
"""

THREADED = """

from concurrent.futures import Future, ThreadPoolExecutor


class ThreadedSession(ReferenceSession):
    pool = ThreadPoolExecutor(1)

    def load(self, params):
        self.wait()
        super().load(params)

    def step(self, batch):
        return (self.pool.submit(super().step, batch),)

    def wait(self):
        self.pool.submit(int).result()

    def numpy(self, value):
        return np.asarray(value.result()[0] if isinstance(value, Future) else value)

    def dump(self):
        self.wait()
        return super().dump()

    def state(self):
        self.wait()
        return super().state()

    def outputs(self, batch):
        self.wait()
        return super().outputs(batch)


ReferenceSession = ThreadedSession
"""

# As long again as the process has worked; the time in which it is stopped is not its own.
IDLE = """

import time


def _counting_for_long(self):
    time.sleep(max(1.5, time.process_time()))
    return sum(param.size for param in self._params.values())


ReferenceSession.parameter_count = _counting_for_long
"""

# An adapter that reaches into the harness itself, whose clock then goes on at a tenth of its pace.
# Each step takes 5 ms at least.
SLOWED = f"""

import time

from bench.worker import clock


def _slowed(real=time.perf_counter, begun=time.perf_counter()):
    return begun + (real() - begun) / 10


clock.perf_counter = clock.seconds = _slowed


def _slow_step(self, batch):
    if self.taken > {STEPS}:
        time.sleep(5e-3)
    return _counted_step(self, batch)


ReferenceSession.step = _slow_step
"""


def from_step(number: int, change: str) -> str:
    """A fault of every step from one on: `change` may use `self` and another `batch`.

    It is one of float32, in which the proof takes fewer steps in a row than in float64.
    """
    return f"""

def _late_step(self, batch):
    if self.taken >= {number} and self._dtype == "float32":
        {change}
    elif self.taken == 0:
        self.first = tuple(array.copy() for array in batch)
    return _counted_step(self, batch)


ReferenceSession.step = _late_step
"""


DECAYING = """

from dataclasses import replace


def _decay(self):
    for updates in self._updates:
        settings = updates._settings
        updates._settings = replace(settings, learning_rate=settings.learning_rate / 2)

"""


@dataclass(frozen=True, kw_only=True)
class PlantedFault:
    """What is added to an adapter, and the words of its reason."""

    code: str
    words: str


FAULTS = {
    "fence_that_waits_for_nothing": PlantedFault(
        code=LAZY.format(fence="pass"), words="work was left behind the fence"
    ),
    "fence_that_waits_for_half": PlantedFault(
        code=LAZY.format(fence="self.work(len(self.queue) // 2)"),
        words="work was left behind the fence",
    ),
    "fence_that_waits_for_no_thread": PlantedFault(
        code=THREADED, words="work was left behind the fence"
    ),
    "work_where_no_clock_runs": PlantedFault(
        code=IDLE, words="work was done where no clock counts it"
    ),
    "slowed_harness": PlantedFault(
        code=COUNTING + SLOWED, words="work was done where no clock counts it"
    ),
    "batch_again": PlantedFault(
        code=COUNTING + from_step(STEPS + 2, "batch = self.first"), words="the loss of step"
    ),
    "half_batches": PlantedFault(
        code=COUNTING + from_step(25, "batch = tuple(array[::2] for array in batch)"),
        words="the loss of step",
    ),
    "decaying_rate": PlantedFault(
        code=COUNTING + DECAYING + from_step(100, "_decay(self)"), words="the mean loss of epoch"
    ),
}
HONEST = ("honest_copy", "another_honest_copy")
# Dropout ends with the first evaluation of the timed training; the proof evaluates earlier.
NO_DROPOUT = f"""

_outputs, _drop = ReferenceSession.outputs, ReferenceSession._drop
_load_anew = ReferenceSession.load


def _dropping_load(self, params):
    self.dropping = True
    _load_anew(self, params)


def _evaluating_outputs(self, batch):
    self.dropping = self.taken <= {STEPS}
    return _outputs(self, batch)


def _early_drop(self, layer, x):
    return _drop(self, layer, x) if self.dropping else x


ReferenceSession.load, ReferenceSession.outputs = _dropping_load, _evaluating_outputs
ReferenceSession._drop = _early_drop
"""


def add_copies(tree: Path, faults: Iterable[tuple[str, str]]) -> None:
    """Copy the source to `tree`, with a copy of the reference for each name, with its code."""
    copy_source(tree)
    for name, code in faults:
        folder = copy_framework(tree, "reference", name)
        text = (folder / "adapter.py").read_text(encoding="utf-8")
        marked = "\n\nclass ReferenceAdapter:"
        assert text.count(marked) == 1
        text = text.replace(marked, code + marked)
        (folder / "adapter.py").write_text(text, encoding="utf-8")


def run(scratch: Path, task: str, faults: dict[str, str]) -> Run:
    """A run of the reference and its copies, with more code each."""
    tree, cache = scratch / "tree", scratch / "cache"
    add_copies(tree, faults.items())
    lend(cache, "reference", faults)
    chosen = [text for name in ("reference", *faults) for text in ("-f", name)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "run", *chosen, "-t", task, "--threads", "1"),
            *("-n", "1", "--spare", "0", "--epochs", "2", "--train-examples", "8000"),
            *("--test-examples", "500", "--warmup", "0.1", "--timeout", "120"),
            *("--name", "planted", "--results", str(scratch / "results")),
        ],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": str(tree), CACHE_VARIABLE: str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return run_folder.read(scratch / "results" / "planted")


def by_framework(measured: Run) -> dict[str, CellSummary]:
    """The run's summaries by framework."""
    return {summary.cell.framework: summary for summary in Results.of(measured).summaries}


def by_records(measured: Run) -> dict[str, CellSummary]:
    """The summaries of the same run without its proofs after the timing, as older runs are."""
    return by_framework(replace(measured, info={**measured.info, "late_proofs": []}))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    faults = {name: fault.code for name, fault in FAULTS.items()}
    return run(
        tmp_path_factory.mktemp("planted"), "mnist-mlp", {**dict.fromkeys(HONEST, ""), **faults}
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_wrong_in_its_own_words(name: str, measured: Run) -> None:
    assert by_framework(measured)[name].status == "wrong"
    summary = by_records(measured)[name]
    assert summary.status == "wrong"
    assert FAULTS[name].words in summary.reason and "in block 0" in summary.reason
    assert summary.relative is None


def test_honest_copies_are_ranked_beside_them(measured: Run) -> None:
    for name in ("reference", *HONEST):
        for summaries in (by_framework(measured), by_records(measured)):
            assert (summaries[name].status, summaries[name].reason) == ("ok", "")
            assert summaries[name].relative is not None


def test_dropout_that_ends_with_the_first_evaluation_is_wrong(tmp_path: Path) -> None:
    faults = {HONEST[0]: "", "without_dropout": COUNTING + NO_DROPOUT}
    summaries = by_records(run(tmp_path, "mnist-mlp-dropout", faults))
    reason = summaries.pop("without_dropout").reason
    assert "the mean loss of epoch 2" in reason
    assert all(summary.ok for summary in summaries.values())
