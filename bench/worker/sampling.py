"""The sample of a task, written by a session that has been timed, outside of every clock.

It is written last, with the weights of the last evaluation, which every framework reaches after the
same steps. So no program for its batch is compiled between windows, takes memory that is counted,
or comes before the trace of the end.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.core.record import Job
from bench.core.samples import Outputs, Written
from bench.core.split import Split, unlabelled
from bench.core.task import Task
from bench.worker.evaluation import outputs
from bench.worker.steady_pace import ReadySession


def weights(job: Job, task: Task, ready: ReadySession) -> dict[str, Array]:
    """The present weights, for a sample that is written later; none if there will be none."""
    if not (job.sample and task.sample):
        return {}
    with ready.account.spent("sample"):
        return ready.session.dump()


def write(
    trained: Mapping[str, Array],
    ready: ReadySession,
    job: Job,
    task: Task,
    test: Split,
    listener: Listener,
) -> Written:
    """The sample that the session writes after it was `trained` so; nothing without weights.

    The measurement is not lost if this fails: the log says why, and there is no sample.
    """
    if not (trained and task.sample):
        return Written()
    with ready.account.spent("sample"):
        try:
            ready.session.load(task.sample.weights(trained))
            found = _outputs(ready, str(job.cell), task, test, listener)
            return task.sample.write(found, task.fields, Path(job.data))
        except Exception:  # a framework may raise anything, and the data may lack something
            traceback.print_exc()
            return Written()


def _outputs(
    ready: ReadySession, subject: str, task: Task, test: Split, listener: Listener
) -> Outputs:
    """The session's outputs for inputs of the test set's types, with zeros for its targets."""
    example = unlabelled(task, test.batch(np.zeros(1, np.int64)))

    def found(inputs: Mapping[str, Array]) -> dict[str, Array]:
        # Each time, as a worker that is silent for long would be taken for one that hangs.
        listener.phase(subject, "sample")
        count = len(inputs[task.inputs[0]])
        batch = {
            name: inputs[name].astype(one.dtype)
            if name in inputs
            else np.zeros((count, *one.shape[1:]), one.dtype)
            for name, one in example.items()
        }
        return outputs(ready.session, batch)

    return found
