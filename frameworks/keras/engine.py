"""The backend that computes: what Keras leaves to it, or does not reach."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import keras

from bench.core.arrays import Array
from bench.core.setting import Device, Setting


class HeldMatrix(Protocol):
    """A sparse matrix that stays on the device, as the backend's products take it."""

    @property
    def native(self) -> Any:
        """The matrix, as the backend has it in its products."""

    def take(self, entries: Array) -> None:
        """Become the matrix of these entries, structured as `bench.core.graph` has them."""


class Engine(Protocol):
    """A module `on_BACKEND`. Tensors are those of its backend.

    `MODES` are the modes in which it trains; `INTEGERS` is the type of labels and tokens.
    """

    MODES: Sequence[str]
    INTEGERS: str

    def set_up(self, setting: Setting) -> None:
        """Choose device, threads and number types for the whole process."""

    def choose_operators(self, model: keras.Model, setting: Setting) -> None:
        """Have layers compute by the fastest operators, if the tuning is an expert's."""

    def choose_products(self, model: keras.Model, mode: str) -> None:
        """Have graph convolutions multiply by the products that the mode allows."""

    def held_matrix(self, size: tuple[int, int], entries: int, setting: Setting) -> HeldMatrix:
        """A place for a sparse matrix of that size and number of entries."""

    def check(self, model: keras.Model, mode: str, *, updates: int) -> None:
        """Raises UnsupportedError if it can't train the model in that mode.

        That is, by so many updates in a step.
        """

    def versions(self, device: Device) -> dict[str, str]:
        """Versions of the backend and its libraries."""

    def debugging_aids(self) -> list[str]:
        """What is on that slows computing, as `Adapter.debugging_aids` says."""

    def sync(self, variables: Sequence[keras.Variable]) -> None:
        """Wait until the variables have their values."""

    def peak_device_bytes(self) -> int:
        """The most memory that tensors took on the GPU."""

    def compiled_programs(self, model: keras.Model) -> int:
        """How many programs have been compiled for the model's training."""

    def gradients(
        self, loss_of: Callable[[], Any], variables: Sequence[keras.Variable]
    ) -> list[Any]:
        """The gradients of what `loss_of` returns."""

    def update(
        self,
        model: keras.Model,
        loss_of: Callable[[], Any],
        optimizer: keras.optimizers.Optimizer,
        variables: Sequence[keras.Variable],
    ) -> Any:
        """Update some variables of the model by what `loss_of` returns. Returns that.

        A backend whose `check` refuses several updates has none.
        """

    def ctc(self, logits: Any, letters: Any, counts: Any) -> Any:
        """CTC's loss of each example: (N, T, K), (N, L) with 0 behind the last, and (N,)."""

    def dense(self, gradient: Any) -> Any:
        """A gradient as a tensor of its variable's shape."""

    def update_all(
        self,
        variables: Sequence[Any],
        means: Sequence[Any],
        squares: Sequence[Any],
        gradients: Sequence[Any],
        *,
        betas: tuple[float, float],
        epsilon: float,
        rate: Any,
        root: Any,
    ) -> None:
        """Adam's update of all variables at once, where the backend's optimizers have that.

        `rate` is over the correction of the means, `root` that of the correction of the squares.
        """

    def release(self) -> None:
        """Release what a closed session leaves behind."""

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        """As `Adapter.matmul` says."""

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        """As `Adapter.accumulate` says."""


ENGINE = cast(Engine, importlib.import_module(f"{__package__}.on_{keras.backend.backend()}"))
