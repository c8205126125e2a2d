"""Every framework for real, in its own environment, on a little real data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench import catalogue, data, runner, tasks
from bench.core.proof import STEPS, ProofJob
from bench.core.record import Record
from bench.core.weights import Array, initial_weights
from bench.environments import Environment
from tests.conftest import Framebench

pytestmark = pytest.mark.frameworks

MODES = [
    (framework, mode)
    for framework in catalogue.compared()
    for mode in catalogue.load(framework).modes
]


@dataclass(frozen=True)
class Tolerance:
    """The largest deviations that rounding explains; losses over that many first steps.

    Float32 losses are compared before training amplifies their rounding. Gradients have room for
    a maximum over near equals that falls on another of them, and updates for Adam's first one,
    which is the sign of each gradient, the smallest of which are rounding alone.
    """

    logits: float
    gradients: float
    losses: float
    steps: int
    update: float


TOLERANCES = {
    "float64": Tolerance(logits=1e-9, gradients=1e-9, losses=1e-9, steps=STEPS, update=1e-9),
    "float32": Tolerance(logits=1e-5, gradients=3e-4, losses=1e-5, steps=5, update=1e-2),
}


@pytest.fixture(scope="module")
def trace(
    environment: Callable[[str], Environment], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, dict[str, Array]]]:
    """Traces of every task by framework, mode and precision: by task, the arrays."""

    def make(framework: str, mode: str, precision: str) -> dict[str, dict[str, Array]]:
        out = tmp_path_factory.mktemp(framework)
        job = ProofJob(
            framework=framework,
            mode=mode,
            device="cpu",
            precision=precision,  # type: ignore[arg-type]
            threads=2,
            seed=0,
            data={name: str(data.prepare(tasks.load(name).dataset)) for name in tasks.names()},
            out=str(out),
        )
        told = list(
            runner.messages(
                job.to_json(),
                catalogue.load(framework),
                environment(framework),
                threads=2,
                log=out / "log",
                timeout=300,
            )
        )
        assert told[-1]["status"] == "ok", told[-1]
        failed = {name: one for name, one in told[-1]["traced"].items() if one["status"] != "ok"}
        assert not failed
        return {name: dict(np.load(out / f"{name}.npz")) for name in tasks.names()}

    return make


@pytest.fixture(scope="module")
def reference(
    trace: Callable[..., dict[str, dict[str, Array]]],
) -> dict[str, dict[str, Array]]:
    return trace("reference", "eager", "float64")


def deviation(found: Array, expected: Array) -> float:
    """The largest difference, relative to the largest entry."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def update_deviation(found: Array, expected: Array, initial: Array) -> float:
    """How far one update is from another, over the size of it."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - initial))


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize(("framework", "mode"), MODES)
def test_every_task_is_the_reference_s(
    framework: str,
    mode: str,
    precision: str,
    trace: Callable[..., dict[str, dict[str, Array]]],
    reference: dict[str, dict[str, Array]],
) -> None:
    allowed = TOLERANCES[precision]
    for name, arrays in trace(framework, mode, precision).items():
        expected = reference[name]
        assert arrays.keys() == expected.keys()
        assert deviation(arrays["logits"], expected["logits"]) < allowed.logits, name
        for parameter, weight in initial_weights(tasks.load(name), 0).items():
            np.testing.assert_array_equal(arrays[f"weights/{parameter}"], weight)
            key = f"grads/{parameter}"
            assert deviation(arrays[key], expected[key]) < allowed.gradients, (name, key)
            key = f"updated/{parameter}"
            found = update_deviation(arrays[key], expected[key], weight)
            assert found < allowed.update, (name, key)
        losses = np.abs(arrays["losses"] / expected["losses"] - 1)[: allowed.steps]
        assert losses.max() < allowed.losses, (name, losses)


def test_all_frameworks_train_the_headline_tasks(framebench: Framebench, tmp_path: Path) -> None:
    framebench(
        *("run", "--name", "r", "-n", "1", "--warmup", "0.5", "--length", "20"),
        *("--train-examples", "1280", "--test-examples", "500"),
    )
    lines = (tmp_path / "results" / "r" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    found = [Record.from_json(line) for line in lines]
    assert {record.status for record in found} == {"ok"}
    headline = [name for name in tasks.names() if tasks.load(name).headline]
    for name in headline:
        same = {
            record.job.cell.framework: record.measurement
            for record in found
            if record.job.cell.task == name and record.measurement
        }
        assert set(same) == set(catalogue.compared())
        assert len({one.weights_digest for one in same.values()}) == 1
        assert {one.parameter_count for one in same.values()} == {tasks.load(name).parameter_count}
        allowed = TOLERANCES["float32"]
        curves = np.array([one.first_losses[: allowed.steps] for one in same.values()])
        expected = curves[:1].repeat(len(curves), axis=0)
        np.testing.assert_allclose(curves, expected, rtol=2 * allowed.losses)
        accuracies = [one.evaluations[-1].accuracy for one in same.values()]
        assert max(accuracies) - min(accuracies) < 0.05
    versions = json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))
    assert len(versions["environments"]) == len(catalogue.compared())
