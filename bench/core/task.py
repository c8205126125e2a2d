"""A task: everything about a training problem that must be the same in every framework.

A task owns the names and shapes of its parameters, their initial values, the data and the order of
the batches, the loss, and the update formula. A framework supplies the network alone (its
`models/<network>.py`) and its engine.

Canonical layouts, the same in every record and every proof:

==================  ==========================================================================
kind                shape
==================  ==========================================================================
dense               (out, in)
conv                (out, in, kernel height, kernel width)
bias                (out,)
embedding           (vocabulary, features)
lstm_input          (4 * hidden, in), gates in the order input, forget, cell, output
lstm_recurrent      (4 * hidden, hidden), same order
lstm_bias           (4 * hidden,), same order; one bias vector, the sum of the two that some have
gru_input           (3 * hidden, in), gates in the order reset, update, new
gru_recurrent       (3 * hidden, hidden), same order
gru_bias            (3 * hidden,), same order; added to the input's product
gru_recurrent_bias  (3 * hidden,), same order; added to the recurrent product
norm_scale          (channels,)
norm_shift          (channels,)
==================  ==========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

ParameterKind = Literal[
    "dense",
    "conv",
    "bias",
    "embedding",
    "lstm_input",
    "lstm_recurrent",
    "lstm_bias",
    "gru_input",
    "gru_recurrent",
    "gru_bias",
    "gru_recurrent_bias",
    "norm_scale",
    "norm_shift",
]
Loss = Literal["softmax_cross_entropy", "sigmoid_cross_entropy"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One trained tensor, in canonical layout.

    `flattened` is the (channels, height, width) of the feature map that a dense weight reads its
    columns from; a framework that keeps channels last must permute those columns. `output` is the
    (height, width) of the map that a convolution makes of one example, or a batch normalization of
    such a map: how often it is applied. A `rectified` convolution begins with weights as He et al.
    draw them for a rectifier behind it, and not as Glorot and Bengio do.
    """

    name: str
    shape: tuple[int, ...]
    kind: ParameterKind
    flattened: tuple[int, int, int] | None = None
    output: tuple[int, int] | None = None
    rectified: bool = False

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def dense(
    name: str, inputs: int, outputs: int, *, flattened: tuple[int, int, int] | None = None
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a dense layer."""
    return (
        Parameter(
            name=f"{name}.weight", shape=(outputs, inputs), kind="dense", flattened=flattened
        ),
        Parameter(name=f"{name}.bias", shape=(outputs,), kind="bias"),
    )


def conv(
    name: str, inputs: int, outputs: int, kernel: int, *, output: tuple[int, int]
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a two-dimensional convolution with a square kernel."""
    return (
        Parameter(
            name=f"{name}.weight",
            shape=(outputs, inputs, kernel, kernel),
            kind="conv",
            output=output,
        ),
        Parameter(name=f"{name}.bias", shape=(outputs,), kind="bias"),
    )


def conv_norm(
    name: str, norm: str, inputs: int, outputs: int, kernel: int, *, output: tuple[int, int]
) -> tuple[Parameter, Parameter, Parameter]:
    """Weight of a convolution without a bias; scale and shift of the batch normalization behind it.

    Its shift is the bias, as a bias below it would go with the mean. Running mean and variance are
    state, not parameters: they begin at 0 and 1.
    """
    return (
        Parameter(
            name=f"{name}.weight",
            shape=(outputs, inputs, kernel, kernel),
            kind="conv",
            output=output,
            rectified=True,
        ),
        Parameter(name=f"{norm}.weight", shape=(outputs,), kind="norm_scale", output=output),
        Parameter(name=f"{norm}.bias", shape=(outputs,), kind="norm_shift"),
    )


def embedding(name: str, vocabulary: int, features: int) -> tuple[Parameter]:
    """The table of an embedding."""
    return (Parameter(name=f"{name}.weight", shape=(vocabulary, features), kind="embedding"),)


def lstm(name: str, inputs: int, hidden: int) -> tuple[Parameter, Parameter, Parameter]:
    """One LSTM layer with one bias vector."""
    return (
        Parameter(name=f"{name}.input_weight", shape=(4 * hidden, inputs), kind="lstm_input"),
        Parameter(
            name=f"{name}.recurrent_weight", shape=(4 * hidden, hidden), kind="lstm_recurrent"
        ),
        Parameter(name=f"{name}.bias", shape=(4 * hidden,), kind="lstm_bias"),
    )


def gru(name: str, inputs: int, hidden: int) -> tuple[Parameter, ...]:
    """One GRU layer as cuDNN has it: the reset gate scales the recurrent product, bias and all.

    Hence two bias vectors, which no sum can stand for: both are trained.
    """
    return (
        Parameter(name=f"{name}.input_weight", shape=(3 * hidden, inputs), kind="gru_input"),
        Parameter(
            name=f"{name}.recurrent_weight", shape=(3 * hidden, hidden), kind="gru_recurrent"
        ),
        Parameter(name=f"{name}.bias", shape=(3 * hidden,), kind="gru_bias"),
        Parameter(name=f"{name}.recurrent_bias", shape=(3 * hidden,), kind="gru_recurrent_bias"),
    )


@dataclass(frozen=True, kw_only=True)
class SGD:
    """w <- w - learning_rate * v, with v <- momentum * v + gradient (no damping, no Nesterov)."""

    learning_rate: float
    momentum: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam as Kingma and Ba (2015) give it in Algorithm 1: epsilon outside the bias correction.

    w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon)
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


Optimizer = SGD | Adam


def dyadic(optimizer: Optimizer) -> Optimizer:
    """The same formula with constants that float32 holds exactly, and their complements too.

    Adam's epsilon is made large, so that an update is no longer the sign of each gradient, which
    hides both the formula and the gradient.
    """
    if isinstance(optimizer, SGD):
        return SGD(learning_rate=2**-7, momentum=0.875 if optimizer.momentum else 0.0)
    return Adam(learning_rate=2**-10, beta1=0.875, beta2=1 - 2**-10, epsilon=2**-13)


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """Images as float32: (pixel / 255 - mean) / std, one mean and std for each channel.

    `shape` is that of one example in canonical order: (pixels,) or (channels, height, width).
    """

    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TokenInput:
    """Token ids, (length,) per example: 0 pads at the front, 1 is a word outside the vocabulary."""

    length: int
    vocabulary: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much training a preset does. None means all there is.

    `length` shortens the sequences of a text task.
    """

    epochs: int
    train_examples: int | None = None
    test_examples: int | None = None
    length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One training problem. See the module's text for who owns what.

    A `heavy` one is for GPUs: an epoch takes long on a CPU, where no preset trains it unless it
    is asked for by name. Its proof takes smaller batches.

    `dropout` has a rate for each dropout layer, in their order, by the name of the layer whose
    values it meets, behind activation and pooling. In training each value is zeroed by itself with
    that probability, and else scaled by 1 / (1 - rate); in evaluation nothing is done.
    """

    name: str
    title: str
    dataset: str
    network: str
    input: ImageInput | TokenInput
    classes: int
    parameters: tuple[Parameter, ...]
    loss: Loss
    optimizer: Optimizer
    batch: int
    target_accuracy: float
    headline: bool = False
    heavy: bool = False
    dropout: Mapping[str, float] = field(default_factory=dict)
    presets: Mapping[str, Budget] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Columns of the logits: one for each class, or a single one under a sigmoid."""
        return 1 if self.loss == "sigmoid_cross_entropy" else self.classes

    @property
    def parameter_count(self) -> int:
        return sum(parameter.size for parameter in self.parameters)

    @property
    def batch_norm(self) -> bool:
        """Whether it normalizes over the batch, and keeps running means and variances."""
        return any(one.kind == "norm_scale" and one.output for one in self.parameters)

    def with_dropout(self, *layers: str) -> Task:
        """The same task with dropout after these layers alone: any other's rate is 0."""
        rates = {layer: rate if layer in layers else 0.0 for layer, rate in self.dropout.items()}
        return replace(self, dropout=rates)

    def with_length(self, length: int) -> Task:
        """The same text task on sequences of `length` tokens."""
        if not isinstance(self.input, TokenInput):
            return self
        return replace(self, input=replace(self.input, length=length))
