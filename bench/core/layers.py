"""Layers: what each one trains, computes and costs.

A layer knows all about itself: its parameters with their canonical layouts and how they start, the
products that it computes, and its output values. Together a task's layers say what its network is,
written by hand in each framework. Others: `recurrent`, `attention`, `graph`, `style` in this room.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench.core.parameters import Parameter
from bench.core.starts import Glorot, He, Ones, Uniform, Zeros


@dataclass(frozen=True, kw_only=True)
class Product:
    """Multiplications and additions of one example's forward pass, with the values of a weight.

    `weights` counts the values of the weight, which the backward pass reads again for the gradient
    of what it was multiplied with. `inner` products always need that gradient, others if there is a
    trained weight in an earlier layer. `constant` ones are by data, `of_data` ones of data alone.
    """

    flops: int
    weights: int = 0
    inner: bool = False
    constant: bool = False
    of_data: bool = False


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """One layer. `name` is also its attribute in the frameworks' networks.

    `length` is, everywhere, the number of steps of the task's sequences; 1 if it has none.
    """

    name: str

    # Whether evaluation uses statistics that training batches leave behind.
    running_statistics: ClassVar[bool] = False

    @property
    def remark(self) -> tuple[str, str] | None:
        """What a definition says once about a task's layers of this class: a name and a text."""
        return None

    @property
    def summed(self) -> bool:
        """Whether its output is added to the sequence that it was made from, behind dropout."""
        return False

    @property
    def tied_to(self) -> str | None:
        """The name of the embedding with whose table it multiplies, if that is what it does."""
        return None

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Its weights, in an order that never changes: it chooses the random streams."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Features, channels or columns of its output."""

    @abstractmethod
    def products(self, length: int) -> tuple[Product, ...]:
        """What one example's forward pass multiplies."""

    @abstractmethod
    def output_values(self, length: int) -> int:
        """Values that it computes for one example and that the backward pass needs."""

    def looked_up(self, length: int) -> int:
        """Values of its weights that the forward pass reads for each example, not once a batch."""
        return 0

    @property
    def read_once(self) -> int:
        """Values of its weights that the forward pass of a batch reads once."""
        return sum(parameter.size for parameter in self.parameters)

    def _bias(self, size: int) -> Parameter:
        return Parameter(
            name=f"{self.name}.bias", shape=(size,), kind="bias", axes="(out,)", start=Zeros()
        )


@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """y = x W^T + b, without b if there is no `bias`.

    `flattened` is the (channels, height, width) of the map that it reads. In a task with sequences
    it reads every step if `each_step`, and otherwise one vector, such as the last state. It is the
    last one of a block around which there is a shortcut if `summed`.
    """

    inputs: int
    outputs: int
    flattened: tuple[int, int, int] | None = None
    bias: bool = True
    each_step: bool = False
    summed: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        weight = Parameter(
            name=f"{self.name}.weight",
            shape=(self.outputs, self.inputs),
            kind="dense",
            axes="(out, in)",
            start=Glorot(self.inputs, self.outputs),
            flattened=self.flattened,
        )
        return (weight, self._bias(self.outputs)) if self.bias else (weight,)

    @property
    def width(self) -> int:
        return self.outputs

    def products(self, length: int) -> tuple[Product, ...]:
        weights = self.inputs * self.outputs
        return (Product(flops=2 * weights * self._steps(length), weights=weights),)

    def output_values(self, length: int) -> int:
        return self.outputs * self._steps(length)

    def _steps(self, length: int) -> int:
        return length if self.each_step else 1


@dataclass(frozen=True, kw_only=True)
class Conv(Layer):
    """A two-dimensional convolution with a square kernel.

    `output` is the (height, width) of the map that it computes, before pooling. Without a bias it
    is followed by a batch normalization, whose shift serves as one. The weights of a `rectified`
    one start as He et al. propose for rectifiers, not as Glorot and Bengio do.
    """

    inputs: int
    outputs: int
    kernel: int
    output: tuple[int, int]
    bias: bool = True
    rectified: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        area = self.kernel**2
        fan_in, fan_out = self.inputs * area, self.outputs * area
        weight = Parameter(
            name=f"{self.name}.weight",
            shape=(self.outputs, self.inputs, self.kernel, self.kernel),
            kind="conv",
            axes="(out, in, kernel height, kernel width)",
            start=He(fan_in) if self.rectified else Glorot(fan_in, fan_out),
        )
        return (weight, self._bias(self.outputs)) if self.bias else (weight,)

    @property
    def width(self) -> int:
        return self.outputs

    def products(self, length: int) -> tuple[Product, ...]:
        weights = self.outputs * self.inputs * self.kernel**2
        return (Product(flops=2 * weights * math.prod(self.output), weights=weights),)

    def output_values(self, length: int) -> int:
        return self.outputs * math.prod(self.output)


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """Batch normalization of maps of (height, width) `output`: Ioffe and Szegedy (2015).

    Running mean and variance are state, not parameters: they start at 0 and 1.
    """

    channels: int
    output: tuple[int, int]

    running_statistics = True

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "batch normalization",
            "epsilon 1e-05; in training by the batch's mean and variance over n; in evaluation by "
            "running ones, each 0.9 of its old value + 0.1 of the batch's, the variance over n or "
            "n - 1 as the framework computes it",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        # Opened: three standard deviations above 0. With more, less would be left of a shift's
        # gradient, which the next normalization removes except at the map's edges. The values are
        # small, so that updates keep digits.
        shape, axes = (self.channels,), "(channels,)"
        return (
            Parameter(
                name=f"{self.name}.weight",
                shape=shape,
                kind="norm_scale",
                axes=axes,
                start=Ones(),
                opened=1 / 8,
            ),
            Parameter(
                name=f"{self.name}.bias",
                shape=shape,
                kind="norm_shift",
                axes=axes,
                start=Zeros(),
                opened=3 / 8,
            ),
        )

    @property
    def width(self) -> int:
        return self.channels

    def products(self, length: int) -> tuple[Product, ...]:
        return (Product(flops=0, weights=self.channels),)

    def output_values(self, length: int) -> int:
        """A map of its own: it cannot be fused with the operation before it.

        The whole batch is read before the first value is normalized.
        """
        return self.channels * math.prod(self.output)


@dataclass(frozen=True, kw_only=True)
class Embedding(Layer):
    """Rows of a table by their ids. `sequence` if there is an id for each step of a sequence.

    Every row is trained in each step, as the task's optimizers are dense.
    """

    rows: int
    features: int
    sequence: bool = True

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                name=f"{self.name}.weight",
                shape=(self.rows, self.features),
                kind="embedding",
                axes="(vocabulary, features)",
                start=Uniform(bound=0.05),
            ),
        )

    @property
    def width(self) -> int:
        return self.features

    def products(self, length: int) -> tuple[Product, ...]:
        """None: looking up takes no FLOPs, and no gradient goes back to ids."""
        return ()

    def output_values(self, length: int) -> int:
        return self.features * (length if self.sequence else 1)

    def looked_up(self, length: int) -> int:
        return self.output_values(length)

    @property
    def read_once(self) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class Dot(Layer):
    """The dot product of two vectors. It trains nothing itself."""

    features: int

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def width(self) -> int:
        return 1

    def products(self, length: int) -> tuple[Product, ...]:
        return (Product(flops=2 * self.features),)

    def output_values(self, length: int) -> int:
        return 1
