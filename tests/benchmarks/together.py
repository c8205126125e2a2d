"""Adapter and native script in one process, their windows alternating.

Run by `tests.benchmarks.native` under the framework's own Python. Windows last a tenth of a second,
or a single step, so that disturbances slow both sides alike. What differs between separate
processes does not show. Standard input is JSON. The result is a line of JSON on standard output:
for each side, the seconds of each window as [wall, cpu].
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

TREE = Path(__file__).resolve().parents[2]
UNCOUNTED = 3  # pairs of windows for warming up both sides


def load(name: str, file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # torch.compile imports it by its name
    spec.loader.exec_module(module)
    return module


def once(stage: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What `stage` makes of the first batch, for each batch."""
    first: list[Any] = []

    def staged(batch: Any) -> Any:
        if not first:
            first.append(stage(batch))
        return first[0]

    return staged


def adapter_of(wanted: dict[str, Any]) -> Callable[[list[Any]], list[Any]]:
    """A function that trains a window's batches by the adapter, as a worker does."""
    from bench.core.adapter import OwnLoop
    from bench.core.setting import Setting
    from bench.core.weights import initial_weights
    from bench.worker.main import import_framework, load_task

    adapter, _ = import_framework(wanted["framework"])
    setting = Setting(threads=wanted["threads"])
    adapter.set_up(setting)
    task = load_task(wanted["task"]).with_length(wanted["length"])
    session = adapter.open(task, mode=wanted["mode"], setting=setting, seed=0)
    session.load(initial_weights(task, 0))

    def train(batches: list[Any]) -> list[Any]:
        if isinstance(session, OwnLoop):
            return list(session.train(dict(zip(task.fields, batches, strict=True)), task.batch))
        losses = [session.step(staged(batch)) for batch in batches]
        session.sync()
        return losses

    def stage(batch: Any) -> Any:
        return session.stage(dict(zip(task.fields, batch, strict=True)))

    # A batch that is the whole data set is staged once, as a worker does it.
    staged = once(stage) if task.whole else stage

    return train


def main() -> None:
    wanted = json.load(sys.stdin)
    launch = load("launch", TREE / "bench" / "worker" / "launch.py")
    launch.lend("bench", TREE)
    launch.lend("frameworks", TREE)
    sides = {"adapter": adapter_of(wanted)}
    script = load("native_script", Path(wanted["script"]))
    sides["native"] = script.prepare(wanted["mode"], wanted["threads"], wanted["length"])
    owns_loop = getattr(script, "OWNS_LOOP", False) and wanted["mode"] != "train_on_batch"
    with np.load(wanted["data"], allow_pickle=False) as arrays:
        supply = cycle(list(zip(*arrays.values(), strict=True)))
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for pair in range(UNCOUNTED + wanted["pairs"]):
        for name in sorted(sides, reverse=bool(pair % 2)):
            batches: list[Any] = [
                [array.copy() for array in batch] for batch in islice(supply, wanted["steps"])
            ]
            if owns_loop:
                batches = [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]
            wall, cpu = time.perf_counter(), time.process_time()
            losses = sides[name](batches)
            took = time.perf_counter() - wall, time.process_time() - cpu
            del losses
            if pair >= UNCOUNTED:
                seconds[name].append(took)
    print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
