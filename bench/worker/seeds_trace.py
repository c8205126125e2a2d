"""Whether what a framework draws follows from its seed.

Each repeat of a cell has a seed of its own, so that what is drawn, dropout or noise, differs from
one to the next; otherwise repeats would be less independent than intervals take them to be. Two
sessions with different seeds take a step from the same weights on the same batch:

* `seeds/losses`  the loss of each update, by seed, (2, updates)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.split import Split
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.dropout_trace import OpenSession


def seeds_trace(openers: Sequence[OpenSession], task: Task, *, folder: Path) -> dict[str, Array]:
    """The array above, with a session of each of the `openers`, of which each has another seed."""
    losses = []
    for open_session in openers:
        session = open_session(task)
        train = Split(folder, "train", task, session.format, None).without_noise()
        rows = np.arange(task.batch) % len(train)
        batch = {
            name: task.fields[name].shortened(array) for name, array in train.batch(rows).items()
        }
        session.load(initial_weights(task, 0))
        own = session.step(session.stage(batch))
        losses.append([float(session.numpy(loss)) for loss in own])
        session.close()
    return {"seeds/losses": np.array(losses)}
