"""Every framework for real, in its own environment, on a little real data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import catalogue, data, runner, tasks
from bench.core.proof import ProofJob
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
# What honest float32 implementations meet: rounding, and no more. Losses over the first steps, as
# training amplifies rounding after that.
LOGITS, GRADIENTS, LOSSES, FIRST_STEPS = 1e-5, 1e-4, 1e-5, 5


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


@pytest.mark.parametrize(("framework", "mode"), MODES)
def test_every_task_is_the_reference_s(
    framework: str,
    mode: str,
    trace: Callable[..., dict[str, dict[str, Array]]],
    reference: dict[str, dict[str, Array]],
) -> None:
    for name, arrays in trace(framework, mode, "float32").items():
        expected = reference[name]
        assert arrays.keys() == expected.keys()
        for parameter, weight in initial_weights(tasks.load(name), 0).items():
            np.testing.assert_array_equal(arrays[f"weights/{parameter}"], weight)
        for key in (key for key in arrays if key.startswith(("grads/", "updated/"))):
            assert deviation(arrays[key], expected[key]) < GRADIENTS, (name, key)
        assert deviation(arrays["logits"], expected["logits"]) < LOGITS, name
        losses = np.abs(arrays["losses"] / expected["losses"] - 1)[:FIRST_STEPS]
        assert losses.max() < LOSSES, (name, losses)


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
        curves = np.array([one.first_losses[:FIRST_STEPS] for one in same.values()])
        np.testing.assert_allclose(curves, curves[:1].repeat(len(curves), axis=0), rtol=2 * LOSSES)
        accuracies = [one.evaluations[-1].accuracy for one in same.values()]
        assert max(accuracies) - min(accuracies) < 0.05
    versions = json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))
    assert len(versions["environments"]) == len(catalogue.compared())
