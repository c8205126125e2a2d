"""Dropout in a GPT: its draws are read back exactly, and faults in it are told from chance.

The network is the reference's, and so are the faults: each is a reference that drops in a wrong
way. Frameworks are held to the same checks by `framebench verify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autograd.tracer import getval

from bench import tasks
from bench.core.setting import EPSILONS, Precision, Setting
from bench.core.task import Task
from bench.datasets import shakespeare
from bench.proof.checks import TraceComparison
from bench.proof.tolerances import tolerance
from bench.worker import dropout_trace
from bench.worker.tied_dropout import tied_draws
from frameworks.reference.adapter import ReferenceSession
from frameworks.reference.attention import attention, layer_norm
from frameworks.reference.layers import Dropout, Params, Value
from frameworks.reference.models import gpt
from tests.rotation import rotating

# Each makes hundreds of steps of the large GPT.
pytestmark = pytest.mark.frameworks

ATTENTION = "blocks.1.attention"
LAYERS = ("position", ATTENTION, "blocks.3.contract")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder with enough of the twin's text."""
    made: Path = tmp_path_factory.mktemp("shakespeare")
    for name, array in shakespeare.twin(size=20_000).arrays.items():
        np.save(made / f"{name}.npy", array)
    return made


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shows 6,000 values, so the fewest are enough for these faults."""
    monkeypatch.setattr(dropout_trace, "VALUES", 1)


def failed(
    session: type[ReferenceSession],
    folder: Path,
    layers: Sequence[str] = (ATTENTION,),
    precision: Precision = "float64",
) -> dict[str, str]:
    """The checks of these layers' dropout that a session's draws fail, with the place of each."""
    task = replace(
        tasks.load("shakespeare-gpt").with_length(24), dropout=dict.fromkeys(layers, 0.2)
    )

    def opened(task: Task) -> ReferenceSession:
        return session(task, mode="eager", setting=Setting(precision=precision), seed=1)

    said: list[str] = []
    trace = tied_draws(opened, task, folder=folder, drawn=True, say=said.append)
    assert said == [f"dropout behind {layer}" for layer in layers]
    # Of the reference's trace, only the outputs in evaluation mode are compared.
    logits = {key: array for key, array in trace.items() if key.endswith("/logits")}
    comparison = TraceComparison(
        task=task,
        trace=trace,
        reference=logits,
        allowed=tolerance(task, precision),
        epsilon=EPSILONS[precision],
    )
    return {check.name: check.where for check in comparison.dropout() if not check.passed}


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_honest_draws_of_all_layers_pass(folder: Path, precision: Precision) -> None:
    assert failed(ReferenceSession, folder, LAYERS, precision) == {}


class Faulty(ReferenceSession):
    """Scales the values by `factors`, which a fault below draws in a wrong way."""

    rate = 0.2

    def _drop(self, layer: str, x: Value) -> Value:
        return x * self.factors(x.shape) if self._task.rate(layer) else x

    def factors(self, shape: tuple[int, ...]) -> Any:
        return (self._random.random(shape) < 1 - self.rate) / (1 - self.rate)


class AnotherRate(Faulty):
    rate = 0.25


class Unscaled(Faulty):
    def factors(self, shape: tuple[int, ...]) -> Any:
        return super().factors(shape) * (1 - self.rate)


class WholeSteps(Faulty):
    def factors(self, shape: tuple[int, ...]) -> Any:
        return super().factors((*shape[:2], 1))


class OneMaskForAllSteps(Faulty):
    def factors(self, shape: tuple[int, ...]) -> Any:
        return super().factors((shape[0], 1, shape[2]))


class TheSameDrawAgain(Faulty):
    def factors(self, shape: tuple[int, ...]) -> Any:
        self._random = np.random.default_rng(0)
        return super().factors(shape)


class Off(Faulty):
    def factors(self, shape: tuple[int, ...]) -> Any:
        return 1.0


class AnotherDrawInTheBackwardPass(Faulty):
    def _drop(self, layer: str, x: Value) -> Value:
        y = super()._drop(layer, x)
        return y + getval(super()._drop(layer, x)) - getval(y)


@pytest.mark.parametrize(
    ("session", "check"),
    [
        pytest.param(session, check, marks=rotating(f"tied dropout {session.__name__}"))
        for session, check in (
            (AnotherRate, "dropout"),
            (Unscaled, "dropout backward"),
            (WholeSteps, "dropout"),
            (OneMaskForAllSteps, "dropout"),
            (TheSameDrawAgain, "dropout"),
            (Off, "dropout"),
            (AnotherDrawInTheBackwardPass, "dropout backward"),
        )
    ],
)
def test_faulty_draws_are_caught(session: type[Faulty], check: str, folder: Path) -> None:
    assert check in failed(session, folder)


def test_the_faults_draw_as_well_as_the_reference_but_for_what_is_wrong(folder: Path) -> None:
    assert failed(Faulty, folder) == {}


def test_dropout_of_the_sum_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def block(params: Params, name: str, x: Value, dropout: Dropout, *, heads: int) -> Value:
        y = layer_norm(params, f"{name}.attention_norm", x, epsilon=2**-17)
        y = attention(params, f"{name}.attention", y, heads=heads, causal=True)
        return dropout(f"{name}.attention", x + y)

    monkeypatch.setattr(gpt, "block", block)
    places = failed(ReferenceSession, folder)
    assert places["dropout backward"] == f"{ATTENTION}, values"


def test_dropout_before_the_output_weight_is_caught(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes or leaves a whole step, as all features of a step are made of one value."""

    def block(params: Params, name: str, x: Value, dropout: Dropout, *, heads: int) -> Value:
        y = layer_norm(params, f"{name}.attention_norm", x, epsilon=2**-17)
        # Every step has the same values, so that is what their means are.
        y = dropout(f"{name}.attention", y @ params[f"{name}.attention.value_weight"].T)
        return x + y @ params[f"{name}.attention.output_weight"].T

    monkeypatch.setattr(gpt, "block", block)
    assert "dropout" in failed(ReferenceSession, folder)


@pytest.mark.parametrize(
    "layer", [pytest.param(layer, marks=rotating(f"tied dropout {layer}")) for layer in LAYERS]
)
def test_another_rate_behind_one_layer_is_caught_there(folder: Path, layer: str) -> None:
    class OneLayer(AnotherRate):
        def _drop(self, name: str, x: Value) -> Value:
            drop = super()._drop if name == layer else partial(ReferenceSession._drop, self)
            return drop(name, x)

    assert failed(OneLayer, folder, LAYERS)["dropout"] == layer
