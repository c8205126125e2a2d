"""Time one native script: `python run.py pytorch/mlp.py --data BATCHES.npz --mode eager`.

A script is a training loop as an expert writes it after the framework's own documentation. Its
`prepare(mode, threads, length)` returns `train(batches)`, which turns each batch's numpy arrays
into tensors, takes a step with each, waits for the last step, and returns the losses unread. A
batch has an array for each field of the task, in their order. Where all batches are the same graph,
only the first is turned into tensors. Where the framework `OWNS_LOOP`, it
is given an array for each field with all examples of a window instead, one batch after the other,
unless the mode is `train_on_batch`. This file owns the clock, as the
project's worker does for adapters, and shares no code with it.
Run it in the framework's own environment. The result is one line of JSON on standard output.
"""

import argparse
import importlib.util
import json
import math
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

MODES = ("eager", "compiled", "xla", "fit", "train_on_batch")
TASKS = {
    "mlp": "mnist-mlp",
    "cnn": "cifar-cnn",
    "lstm": "imdb-lstm",
    "gpt": "shakespeare-gpt",
    "seq2seq": "multi30k-seq2seq",
    "speech": "digits-ctc",
    "gcn": "cora-gcn",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("script", type=Path)
    parser.add_argument("--data", type=Path, required=True, help=".npz, an array for each field")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20, help="in a window")
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--length", type=int, default=50, help="tokens in a text")
    parser.add_argument("--warmup", type=float, default=2.0, help="seconds")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with np.load(options.data, allow_pickle=False) as arrays:
        supply = cycle(list(zip(*arrays.values(), strict=True)))
    spec = importlib.util.spec_from_file_location(f"native_{options.script.stem}", options.script)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script  # torch.compile imports it by its name
    spec.loader.exec_module(script)
    owns_loop = getattr(script, "OWNS_LOOP", False) and options.mode != "train_on_batch"
    train = script.prepare(options.mode, options.threads, options.length)

    def window(steps: int) -> tuple[float, float]:
        # Fresh arrays, laid out before the clock starts: as warm in the caches as a worker's.
        batches = [[array.copy() for array in batch] for batch in islice(supply, steps)]
        if owns_loop:
            batches = [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]
        start, cpu = time.perf_counter(), time.process_time()
        losses = train(batches)
        took = time.perf_counter() - start, time.process_time() - cpu
        loss = losses[-1]
        loss = float(loss.asscalar() if hasattr(loss, "asscalar") else loss)  # MXNet's is a vector
        assert math.isfinite(loss), loss
        return took

    window(1)  # compiles
    warm = time.perf_counter() + options.warmup
    window(options.steps)
    while time.perf_counter() < warm:
        window(options.steps)
    seconds, cpu = zip(*(window(options.steps) for _ in range(options.windows)), strict=True)
    result = {
        "framework": options.script.resolve().parent.name,
        "task": TASKS[options.script.stem],
        "mode": options.mode,
        "threads": options.threads,
        "steps": options.steps,
        "seconds": seconds,
        "cpu": cpu,  # seconds, over all threads
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
