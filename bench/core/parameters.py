"""Trained parameters: their names, shapes and kinds, and those of each layer.

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
lstm_bias           (4 * hidden,), same order; a single vector, where some frameworks add two
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
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One trained tensor, in canonical layout.

    `flattened` is the (channels, height, width) of the feature map that a dense weight reads its
    columns from; a framework that keeps channels last must permute those columns. `output` is the
    (height, width) of the map that a convolution, or the batch normalization after it, computes for
    one example: it says how often the weights are applied. The initial weights of a `rectified`
    convolution are drawn as He et al. propose for rectifiers, not as Glorot and Bengio do.
    """

    name: str
    shape: tuple[int, ...]
    kind: ParameterKind
    flattened: tuple[int, int, int] | None = None
    output: tuple[int, int] | None = None
    rectified: bool = False

    @property
    def layer(self) -> str:
        """The name of the parameter's layer."""
        return self.name.rpartition(".")[0]

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
    """Weight of a convolution without a bias; scale and shift of the batch normalization after it.

    The shift serves as the bias: the normalization would subtract a bias of the convolution with
    the mean. Running mean and variance are state, not parameters: they start at 0 and 1.
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
    """One GRU layer as cuDNN computes it: the reset gate scales the recurrent product and its bias.

    So the two bias vectors cannot be summed into one, and both are trained.
    """
    return (
        Parameter(name=f"{name}.input_weight", shape=(3 * hidden, inputs), kind="gru_input"),
        Parameter(
            name=f"{name}.recurrent_weight", shape=(3 * hidden, hidden), kind="gru_recurrent"
        ),
        Parameter(name=f"{name}.bias", shape=(3 * hidden,), kind="gru_bias"),
        Parameter(name=f"{name}.recurrent_bias", shape=(3 * hidden,), kind="gru_recurrent_bias"),
    )
