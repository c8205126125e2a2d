"""Noise of a framework's own: its distribution shows in losses, and faults are told from chance.

The network is the reference's, and so are the faults: each is a reference that draws in a wrong
way. Frameworks are held to the same check by `framebench verify`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.arrays import Array
from bench.core.fields import Pixels
from bench.core.layers import Dense
from bench.core.noise_field import Noise
from bench.core.setting import EPSILONS, Precision, Setting
from bench.core.task import Task
from bench.proof.checks import TraceComparison
from bench.proof.distances import correlation_error, sample_errors
from bench.proof.tolerances import tolerance
from bench.worker.noise_trace import noise_trace
from frameworks.reference.adapter import ReferenceSession
from tests.test_adversarial import small

# A small one: the reference's formulas take layers of any size.
TASK = replace(
    tasks.load("mnist-vae"),
    fields={
        "image": Pixels(size=(49,), mean=(0.0,), std=(1.0,)),
        "noise": Noise(size=20, layer="decoder"),
    },
    layers=(
        Dense(name="encoder", inputs=49, outputs=40),
        Dense(name="mean", inputs=40, outputs=20),
        Dense(name="log_variance", inputs=40, outputs=20),
        Dense(name="decoder", inputs=20, outputs=80),
        Dense(name="output", inputs=80, outputs=49),
    ),
)


GAN = small(tasks.load("mnist-gan"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder with pictures enough for a batch."""
    made: Path = tmp_path_factory.mktemp("pictures")
    images = np.random.default_rng(0).integers(0, 256, (200, 1, 7, 7), np.uint8)
    np.save(made / "train_x.npy", images)
    return made


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Array]:
    return losses(ReferenceSession, folder, drawn=False)


@pytest.fixture(scope="module")
def expected_of_two(folder: Path) -> dict[str, Array]:
    return losses(ReferenceSession, folder, drawn=False, task=GAN)


def losses(
    session: type[ReferenceSession],
    folder: Path,
    *,
    drawn: bool = True,
    precision: Precision = "float64",
    task: Task = TASK,
) -> dict[str, Array]:
    def opened(task: Task) -> ReferenceSession:
        return session(task, mode="eager", setting=Setting(precision=precision), seed=1)

    return noise_trace(opened, task, folder=folder, drawn=drawn)


def failed(
    trace: dict[str, Array],
    expected: dict[str, Array],
    precision: Precision = "float64",
    task: Task = TASK,
) -> str:
    """The place at which the check of a trace fails; nothing if it passes."""
    comparison = TraceComparison(
        task=task,
        trace=trace,
        reference=expected,
        allowed=tolerance(task, precision),
        epsilon=EPSILONS[precision],
    )
    (check,) = comparison.noise()
    return "" if check.passed else check.where


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_honest_noise_passes(
    folder: Path, expected: dict[str, Array], precision: Precision
) -> None:
    assert failed(losses(ReferenceSession, folder, precision=precision), expected) == ""


class NoNoise(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape)


class TheSameInEveryStep(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(0).standard_normal(shape)


class TwoByTurns(ReferenceSession):
    turn = 0

    def _noise(self, shape: tuple[int, ...]) -> Array:
        self.turn = 1 - self.turn
        return np.random.default_rng(self.turn).standard_normal(shape)


class HalfTheDeviation(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return super()._noise(shape) / 2


class ATenthMore(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return 1.1 * super()._noise(shape)


class AFifthToTheRight(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return super()._noise(shape) + 0.2


class Uniform(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return self._random.uniform(-np.sqrt(3), np.sqrt(3), shape)


class OneForAllExamples(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(super()._noise(shape[1:]), shape)


class OneForAllNumbers(ReferenceSession):
    def _noise(self, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(super()._noise((shape[0], 1)), shape)


@pytest.mark.parametrize(
    ("session", "places"),
    [
        (NoNoise, ["losses that are the same"]),
        (TheSameInEveryStep, ["losses that are the same"]),
        (TwoByTurns, ["losses that are the same"]),
        (HalfTheDeviation, ["mean"]),
        (ATenthMore, ["mean"]),
        (AFifthToTheRight, ["mean"]),
        (Uniform, ["mean"]),
        (OneForAllExamples, ["variance"]),
        (OneForAllNumbers, ["mean", "variance", "gradient of decoder.bias, mean"]),
    ],
)
def test_faulty_noise_is_caught(
    session: type[ReferenceSession], places: list[str], folder: Path, expected: dict[str, Array]
) -> None:
    assert failed(losses(session, folder), expected) in places


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_honest_noise_of_two_updates_passes(
    folder: Path, expected_of_two: dict[str, Array], precision: Precision
) -> None:
    found = losses(ReferenceSession, folder, precision=precision, task=GAN)
    assert failed(found, expected_of_two, task=GAN) == ""


class OneForBothUpdates(ReferenceSession):
    def _with_noise(self, batch: tuple[Array, ...]) -> tuple[Array, ...]:
        image, noise, _ = super()._with_noise(batch)
        return image, noise, noise


class TheSameForTheGenerator(ReferenceSession):
    def _with_noise(self, batch: tuple[Array, ...]) -> tuple[Array, ...]:
        image, noise, other = super()._with_noise(batch)
        return image, noise, np.random.default_rng(0).standard_normal(other.shape)


@pytest.mark.parametrize(
    ("session", "place"),
    [
        (OneForBothUpdates, "discriminator with generator"),
        # They still vary by what the discriminator's update made of its own.
        (TheSameForTheGenerator, "generator variance"),
        (ATenthMore, "mean"),
        (Uniform, "mean"),
        (OneForAllExamples, "variance"),
    ],
)
def test_faulty_noise_of_two_updates_is_caught(
    session: type[ReferenceSession],
    place: str,
    folder: Path,
    expected_of_two: dict[str, Array],
) -> None:
    found = failed(losses(session, folder, task=GAN), expected_of_two, task=GAN)
    assert found.endswith(place)


def test_the_error_of_a_correlation_by_hand() -> None:
    one = np.array([[0.0, 0], [1, 1], [2, 2], [3, 3], [4, 9]])
    off = np.array([[0.0, 4], [1, 3], [2, 0], [3, 3], [4, 4], [2, 5], [2, 4]])
    r, s = np.corrcoef(one.T)[0, 1], np.corrcoef(off.T)[0, 1]
    by_hand = abs(np.arctanh(r) - np.arctanh(s)) / np.sqrt(1 / 2 + 1 / 4)
    assert correlation_error(one, off) == pytest.approx(by_hand)
    assert correlation_error(one, np.zeros((7, 2))) == np.inf
    assert np.isfinite(correlation_error(one[:, [0, 0]], off))  # a correlation of 1


def test_errors_of_two_samples_by_hand() -> None:
    errors = sample_errors(np.array([0.0, 2.0]), np.array([1.0, 5.0]))
    # Means 1 and 3; variances 2 and 8, so that the means' difference has an error of sqrt(1 + 4).
    assert errors == pytest.approx({"mean": 2 / np.sqrt(5), "variance": np.log(4) / 2})
    assert sample_errors(np.zeros(2), np.array([1.0, 5.0]))["variance"] == np.inf
    assert sample_errors(np.array([1.0, np.nan]), np.ones(2)) == {"mean": np.inf}


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_chance_alone_is_rarely_caught(precision: Precision) -> None:
    rng = np.random.default_rng(0)
    worst = [
        max(sample_errors(*rng.normal(777, 12, (2, 48)).astype(precision)).values())
        for _ in range(2000)
    ]
    assert max(worst) < 5
