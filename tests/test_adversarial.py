"""Two networks against each other: their losses, the distance of samples from data, their step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.adversarial import SLOPE, DiscriminatorLoss, FrechetDistance, GeneratorLoss
from bench.core.arrays import Array
from bench.core.fields import Pixels
from bench.core.layers import Dense
from bench.core.noise_field import Noise
from bench.core.readers import BatchFormat
from bench.core.setting import Setting
from bench.core.task import Task
from bench.core.weights import initial_weights
from bench.datasets.common.components import COUNT, principal, with_components
from bench.datasets.common.content import Content
from frameworks.reference.adapter import ReferenceSession


def small(task: Task) -> Task:
    """The task on 7 x 7 pixels and of less noise: formulas take layers of any size."""
    sizes = {
        "generator.first": (20, 80),
        "generator.second": (80, 40),
        "generator.output": (40, 49),
        "discriminator.first": (49, 40),
        "discriminator.second": (40, 30),
        "discriminator.output": (30, 1),
    }
    layers = tuple(Dense(name=name, inputs=i, outputs=o) for name, (i, o) in sizes.items())
    fields = {
        "image": Pixels(size=(49,), mean=(0.5,), std=(0.5,)),
        "noise_d": Noise(size=20, layer="generator.first"),
        "noise_g": Noise(size=20, layer="generator.first", number=1),
    }
    return replace(task, fields=fields, layers=layers)


TASK = replace(small(tasks.load("mnist-gan")), batch=8)


def test_the_slope_is_the_one_that_float32_holds() -> None:
    assert np.float32(0.2) == SLOPE


def test_both_losses_by_hand() -> None:
    outputs = {
        "real": np.array([[np.log(3)], [800.0]]),  # probabilities 3/4 and 1
        "fake_d": np.array([[0.0], [-np.log(4)]]),  # 1/2 and 1/5
        "fake_g": np.array([[-np.log(3)], [-800.0]], np.float32),  # 1/4 and next to 0
    }
    total, count = DiscriminatorLoss().of(outputs, {})
    assert (total, count) == (pytest.approx(-np.log(3 / 4 * 1 / 2 * 4 / 5)), 2)
    total, count = GeneratorLoss().of(outputs, {})
    assert (total, count) == (pytest.approx(np.log(4) + 800), 2)


def distance(samples: Array, images: Array, *, batch: int) -> float:
    """Of arrays (N, 2), whose components are the axes, by sums over batches."""
    metric = FrechetDistance(target=1, components=np.eye(2))
    batches = (
        metric.of({"sample": samples[at : at + batch]}, {"image": images[at : at + batch]})
        for at in range(0, len(samples), batch)
    )
    return metric.value(np.sum(list(batches), axis=0))


def test_a_distance_by_hand() -> None:
    signs = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    samples, images = signs * [1, 5] + [3, 0], signs * [4, 7] + [0, 1]
    # Of independent coordinates it is the sum of (m1 - m2)^2 and (s1 - s2)^2.
    expected = (3**2 + 1**2) + (1 - 4) ** 2 + (5 - 7) ** 2
    assert distance(samples, images, batch=4) == pytest.approx(expected)
    assert distance(samples, images, batch=3) == pytest.approx(expected)
    assert distance(samples, samples, batch=4) == pytest.approx(0, abs=1e-9)


def test_a_distance_of_covariances_that_do_not_commute() -> None:
    rng = np.random.default_rng(0)
    samples, images = (rng.normal(size=(50, 2)) @ rng.normal(size=(2, 2)) for _ in range(2))
    one, other = (np.cov(points.T, bias=True) for points in (samples, images))
    shared = np.sqrt(np.linalg.eigvals(one @ other)).sum()
    expected = ((samples.mean(axis=0) - images.mean(axis=0)) ** 2).sum()
    expected += np.trace(one) + np.trace(other) - 2 * shared
    assert distance(samples, images, batch=50) == pytest.approx(expected)


def test_a_distance_reads_the_components_of_the_prepared_data(tmp_path: Path) -> None:
    np.save(tmp_path / "components.npy", np.array([[1.0], [0.0]]))
    metric = tasks.load("mnist-gan").metric.on(tmp_path)
    other_axis = metric.of({"sample": np.ones((3, 2))}, {"image": np.array([[1.0, 9.0]] * 3)})
    assert metric.value(other_axis) == pytest.approx(0)
    accuracy = tasks.load("mnist-mlp").metric
    assert accuracy.on(tmp_path) is accuracy


def test_principal_components_are_the_directions_of_the_largest_variance() -> None:
    rng = np.random.default_rng(0)
    spread = np.linspace(40, 2, 81)
    pixels = (128 + spread * rng.uniform(-1, 1, (500, 81))).astype(np.uint8)
    found = principal(pixels)
    assert found.shape == (81, COUNT)
    np.testing.assert_allclose(found.T @ found, np.eye(COUNT), atol=1e-12)
    variances = (pixels @ found).var(axis=0)
    assert (np.diff(variances) <= 0).all()
    np.testing.assert_allclose(
        variances, np.linalg.eigvalsh(np.cov(pixels.T, bias=True))[::-1][:64]
    )


def test_components_are_those_of_the_training_images() -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"{split}_x": rng.integers(0, 256, (9, 1, 8, 8), np.uint8) for split in ("train", "test")
    }
    content = with_components(Content(arrays=arrays, official={"train": True, "test": True}))
    expected = principal(arrays["train_x"].reshape(9, 64))
    np.testing.assert_array_equal(content.arrays["components"], expected)
    assert content.arrays["train_x"] is arrays["train_x"]


def batch(**changed: int) -> dict[str, Array]:
    """Numbers for each field, by a seed; those `changed` have another one."""
    seeds = {"image": 0, "noise_d": 1, "noise_g": 2, **changed}
    return {
        name: np.random.default_rng(seed).normal(size=(TASK.batch, *TASK.fields[name].shape))
        for name, seed in seeds.items()
    }


def trained(given: dict[str, Array]) -> tuple[dict[str, Array], tuple[float, ...]]:
    """The weights after a step of the reference, and its losses."""
    session = ReferenceSession(TASK, mode="eager", setting=Setting(precision="float64"), seed=0)
    session.load(initial_weights(TASK, 0))
    losses = session.step(session.stage(given))
    return session.dump(), tuple(map(float, losses))


def moved(one: dict[str, Array], other: dict[str, Array]) -> set[str]:
    """The networks whose weights differ."""
    return {name.partition(".")[0] for name in one if (one[name] != other[name]).any()}


def test_each_update_reads_noise_of_its_own() -> None:
    weights, losses = trained(batch())
    start = {name: value.astype(np.float64) for name, value in initial_weights(TASK, 0).items()}
    assert moved(weights, start) == {"generator", "discriminator"}
    others, other_losses = trained(batch(noise_g=9))
    assert moved(weights, others) == {"generator"}
    assert losses[0] == other_losses[0] and losses[1] != other_losses[1]
    # The generator's update comes after the discriminator's, and from what that left.
    others, other_losses = trained(batch(noise_d=9))
    assert moved(weights, others) == {"generator", "discriminator"}
    assert losses[0] != other_losses[0] and losses[1] != other_losses[1]


def test_the_losses_of_a_step_are_those_of_the_outputs() -> None:
    """Worked out by numpy in evaluation, they agree with those that are trained."""
    session = ReferenceSession(TASK, mode="eager", setting=Setting(precision="float64"), seed=0)
    session.load(initial_weights(TASK, 0))
    given = batch()
    outputs = {n: session.numpy(v) for n, v in session.outputs(session.stage(given)).items()}
    totals = [update.loss.of(outputs, given) for update in TASK.updates]
    first, second = (total / count for total, count in totals)
    _, losses = trained(given)
    assert losses[0] == pytest.approx(first)
    assert losses[1] == pytest.approx(second, rel=0.1)  # after the discriminator's update


def test_noises_of_a_task_are_independent(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_x.npy", np.zeros((900, 1), np.uint8))
    noises = [field for field in TASK.fields.values() if isinstance(field, Noise)]
    found = [
        field.reader(tmp_path, split, BatchFormat(floats="float64")).rows(np.arange(900))
        for field in noises
        for split in ("train", "test")
    ]
    correlations = np.corrcoef([values.reshape(-1) for values in found])
    assert abs(correlations - np.eye(4)).max() < 5 / np.sqrt(900 * 20)
