"""How a framework treats denormal numbers; run in its environment by `tests.test_frameworks`.

    python -m tests.denormals FRAMEWORK TUNING MODE...

A layer's weights start as denormal numbers and get updates of 0. Prints a line for each mode: the
share of these weights that is 0 afterwards.
"""

import sys

import numpy as np

from bench.core.setting import Setting, Tuning
from bench.core.weights import initial_weights
from bench.worker.main import import_framework, load_task

DENORMAL = 1e-39  # float32 begins at 1.2e-38


def main(framework: str, tuning: Tuning, *modes: str) -> None:
    adapter, _ = import_framework(framework)
    setting = Setting(threads=2, tuning=tuning)
    adapter.set_up(setting)
    task = load_task("mnist-mlp")
    weights = initial_weights(task, 0)
    weights["hidden.weight"] = np.full_like(weights["hidden.weight"], DENORMAL)
    # With inputs of 0 the gradient of the first layer's weights is 0.
    images = np.zeros((task.batch, 784), np.float32)
    for mode in modes:
        session = adapter.open(task, mode=mode, setting=setting, seed=0)
        session.load(weights)
        labels = np.zeros(task.batch, session.format.labels)
        for _ in range(2):
            session.step(session.stage({"image": images, "label": labels}))
        session.sync()
        # Compares bits, because the comparison itself may treat denormal numbers as zero.
        print(np.mean(session.dump()["hidden.weight"].view(np.uint32) << 1 == 0))
        session.close()


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
