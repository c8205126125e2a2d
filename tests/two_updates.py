"""A task that makes two updates in each step; run in a framework's environment by a test.

    python -m tests.two_updates FRAMEWORK OUT MODE...

Trains a perceptron in float64, whose hidden layer is moved by SGD with momentum and whose output by
Adam, on made-up batches. For each mode it writes gradients, losses, weights, the optimizers' state
and outputs after a few steps to OUT-MODE.npz.
"""

import sys
from dataclasses import replace

import numpy as np

from bench.core.adapter import Session
from bench.core.arrays import Array
from bench.core.optimizers import SGD
from bench.core.setting import Setting
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.worker.main import import_framework, load_task

STEPS = 3
EXAMPLES = 8


def two_updates(task: Task) -> Task:
    """The task with an update for each of its layers; dyadic, so that no constant is rounded."""
    (update,) = task.dyadic().updates
    momentum = SGD(learning_rate=0.1, momentum=0.9).dyadic()
    hidden = replace(update, name="hidden", layers=("hidden",), optimizer=momentum)
    return replace(task, updates=(hidden, replace(update, name="output", layers=("output",))))


def batches(session: Session) -> list[dict[str, Array]]:
    """The same made-up batches for every framework."""
    rng = np.random.default_rng(0)
    return [
        {
            "image": rng.normal(size=(EXAMPLES, 784)),
            "label": rng.integers(0, 10, EXAMPLES).astype(session.format.labels),
        }
        for _ in range(STEPS)
    ]


def trained(session: Session, task: Task) -> dict[str, Array]:
    """What a session shows of the first steps, the second time that it takes them."""
    weights = initial_weights(task, 0)
    arrays: dict[str, Array] = {}
    for _ in range(2):
        session.load(weights)
        assert not any(value.any() for value in session.state().values())
        first, *_ = host = batches(session)
        gradients = session.gradients(session.stage(first))
        arrays = {f"gradients/{name}": value for name, value in gradients.items()}
        session.load(weights)
        for step, batch in enumerate(host):
            losses = session.step(session.stage(batch))
            for update, loss in zip(task.updates, losses, strict=True):
                arrays[f"losses/{step}/{update.name}"] = session.numpy(loss)
        arrays |= {f"weights/{name}": value for name, value in session.dump().items()}
        arrays |= {f"state/{name}": value for name, value in session.state().items()}
        outputs = session.outputs(session.stage(first))
        arrays |= {f"outputs/{name}": session.numpy(value) for name, value in outputs.items()}
    return arrays


def main(framework: str, out: str, *modes: str) -> None:
    adapter, _ = import_framework(framework)
    setting = Setting(precision="float64", threads=1)
    adapter.set_up(setting)
    task = two_updates(load_task("mnist-mlp"))
    for mode in modes:
        session = adapter.open(task, mode=mode, setting=setting, seed=0)
        np.savez(f"{out}-{mode}.npz", **trained(session, task))  # type: ignore[arg-type]
        session.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
