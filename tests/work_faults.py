"""Faults of adapters that pass the proof and then do other work, or do it where no clock runs.

Each is code for the end of any framework's `adapter.py`. It puts a session of its own around those
that the adapter opens, so that the same fault can be planted in every framework.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.worker.trace import STEPS
from tests.source_tree import copy_framework, copy_source

# `taken` counts the steps since the weights were loaded. A fault of float32 alone is not seen by
# the float64 proof, which takes hundreds of steps.
AROUND = """


class AroundSession:
    def __init__(self, session, precision):
        self.session, self.rounds, self.taken = session, precision == "float32", 0

    def __getattr__(self, name):
        return getattr(self.session, name)

    def load(self, params):
        self.taken = 0
        self.session.load(params)

    def step(self, batch):
        self.taken += 1
        return self.session.step(batch)

"""
OPENS = """

def _open_around(self, task, *, mode, setting, seed, open=type(ADAPTER).open):
    session = open(self, task, mode=mode, setting=setting, seed=seed)
    return FaultySession(session, setting.precision)


type(ADAPTER).open = _open_around
"""


def queued(fence: str) -> str:
    """Steps wait in a queue until the fence, or something that reads the session, does them."""
    return f"""
class Waiting:
    value = None


class FaultySession(AroundSession):
    def load(self, params):
        self.queue = []
        super().load(params)

    def step(self, batch):
        loss = Waiting()
        self.queue.append((loss, batch))
        return (loss,)

    def work(self, count):
        for loss, batch in self.queue[:count]:
            (loss.value,) = super().step(batch)
        del self.queue[:count]

    def numpy(self, value):
        self.work(len(self.queue))
        return self.session.numpy(value.value if isinstance(value, Waiting) else value)

    def sync(self):
        {fence}

    def dump(self):
        self.work(len(self.queue))
        return self.session.dump()

    def state(self):
        self.work(len(self.queue))
        return self.session.state()

    def outputs(self, batch):
        self.work(len(self.queue))
        return self.session.outputs(batch)
"""


THREADED = """
from concurrent.futures import Future, ThreadPoolExecutor


class FaultySession(AroundSession):
    pool = ThreadPoolExecutor(1)

    def load(self, params):
        self.wait()
        super().load(params)

    def step(self, batch):
        return (self.pool.submit(super().step, batch),)

    def wait(self):
        self.pool.submit(int).result()

    def numpy(self, value):
        return self.session.numpy(value.result()[0] if isinstance(value, Future) else value)

    def dump(self):
        self.wait()
        return self.session.dump()

    def state(self):
        self.wait()
        return self.session.state()

    def outputs(self, batch):
        self.wait()
        return self.session.outputs(batch)
"""

# As long again as the process has worked; the time in which it is stopped is not its own.
IDLE = """
import time


class FaultySession(AroundSession):
    def parameter_count(self):
        time.sleep(max(1.5, time.process_time()))
        return self.session.parameter_count()
"""

# An adapter that reaches into the harness itself, whose clock then goes on at a tenth of its pace.
# Each step takes 5 ms at least.
SLOWED = f"""
import time

from bench.worker import clock


def _slowed(real=time.perf_counter, begun=time.perf_counter()):
    return begun + (real() - begun) / 10


clock.perf_counter = clock.seconds = _slowed


class FaultySession(AroundSession):
    def step(self, batch):
        if self.taken > {STEPS}:
            time.sleep(5e-3)
        return super().step(batch)
"""

NO_FENCE = """
class FaultySession(AroundSession):
    def sync(self):
        pass
"""

# Staged again, as the memory of a batch is used for later ones.
BATCH_AGAIN = f"""
class FaultySession(AroundSession):
    first = {{"none": ()}}

    def stage(self, batch):
        sizes = [len(next(iter(arrays.values()))) for arrays in (batch, self.first)]
        if self.rounds and self.taken >= {STEPS + 2} and sizes[0] == sizes[1]:
            batch = self.first
        elif self.taken == 0:
            self.first = {{name: array.copy() for name, array in batch.items()}}
        return self.session.stage(batch)
"""

HALF_BATCHES = """
class FaultySession(AroundSession):
    def step(self, batch):
        if self.rounds and self.taken >= 25:
            batch = tuple(tensor[::2] for tensor in batch)
        return super().step(batch)
"""

# Of the numpy reference alone, as it reaches into its optimizers.
DECAYING = """
from dataclasses import replace


class FaultySession(AroundSession):
    def step(self, batch):
        if self.rounds and self.taken >= 100:
            for updates in self.session._updates:
                updates._optimizers = {
                    weight: replace(own, learning_rate=own.learning_rate / 2)
                    for weight, own in updates._optimizers.items()
                }
        return super().step(batch)
"""

# Dropout ends with the first evaluation of the timed training; the proof evaluates earlier. Of the
# numpy reference alone as well.
NO_DROPOUT = f"""
class FaultySession(AroundSession):
    def load(self, params):
        self.session._drop = type(self.session)._drop.__get__(self.session)
        super().load(params)

    def outputs(self, batch):
        if self.taken > {STEPS}:
            self.session._drop = lambda layer, x: x
        return self.session.outputs(batch)
"""


@dataclass(frozen=True, kw_only=True)
class WorkFault:
    """What is added to an adapter, and the words of its reason."""

    code: str
    words: str


LEFT = "work was left behind the fence"
UNTOLD = "work was done where no clock counts it"
OTHER_LOSS = "the loss of step"
ANYWHERE = {
    "fence_that_waits_for_nothing": WorkFault(code=queued("pass"), words=LEFT),
    "batch_again": WorkFault(code=BATCH_AGAIN, words=OTHER_LOSS),
    "half_batches": WorkFault(code=HALF_BATCHES, words=OTHER_LOSS),
}
IN_THE_REFERENCE = {
    **ANYWHERE,
    "fence_that_waits_for_half": WorkFault(
        code=queued("self.work(len(self.queue) // 2)"), words=LEFT
    ),
    "fence_that_waits_for_no_thread": WorkFault(code=THREADED, words=LEFT),
    "work_where_no_clock_runs": WorkFault(code=IDLE, words=UNTOLD),
    "slowed_harness": WorkFault(code=SLOWED, words=UNTOLD),
    "decaying_rate": WorkFault(code=DECAYING, words="the mean loss of epoch"),
}
# Frameworks that compute in the background, where a fence that is forgotten leaves work behind.
WHERE_STEPS_RETURN_EARLY = {
    **ANYWHERE,
    "no_fence": WorkFault(code=NO_FENCE, words=LEFT),
}


def add_copies(tree: Path, framework: str, faults: Iterable[tuple[str, str]]) -> None:
    """Copy the source to `tree`, with a copy of the framework for each name, with its fault.

    Without code it is an honest copy.
    """
    copy_source(tree)
    for name, code in faults:
        adapter = copy_framework(tree, framework, name) / "adapter.py"
        if code:
            with adapter.open("a", encoding="utf-8") as file:
                file.write(AROUND + code + OPENS)
