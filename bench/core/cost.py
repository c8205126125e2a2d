"""What training a task costs at the least, by its definition alone: operations, and bytes moved.

Model FLOPs, as Chowdhery et al. (2022, "PaLM", appendix B) use the word: what the mathematics asks
for, whatever an implementation does. They are those of matrix products and convolutions, in which
a multiplication with its addition counts as two. Biases, activations, normalization, pooling,
losses and updates are left out, as is usual: a few operations a value, where a product has
hundreds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.core.optimizers import SGD, Optimizer
from bench.core.parameters import Parameter
from bench.core.task import Task, TokenInput

VALUE_BYTES = 4  # float32, and token ids of 32 bits
# Values that an LSTM makes at a token for each hidden unit: four gates, the cell and the state.
_LSTM_OUTPUTS = 6
# And a GRU: three gates, the recurrent product that the reset gate scales, and the state.
_GRU_OUTPUTS = 5


@dataclass(frozen=True, kw_only=True)
class _Weight:
    """A weight as one example meets it: how often it is applied, and how many values come of it.

    `passes_on` tells whether the gradient of its inputs is worked out too, as there is something
    trained below.
    """

    parameter: Parameter
    applied: int
    outputs: int
    passes_on: bool

    @property
    def flops(self) -> int:
        """Of the forward pass. Looking up an embedding takes none, and a normalization few."""
        return 0 if self.parameter.kind == "embedding" else 2 * self.parameter.size * self.applied


def _weights(task: Task) -> Iterator[_Weight]:
    """Every parameter but biases and shifts, from the first layer to the last."""
    length = task.input.length if isinstance(task.input, TokenInput) else 1
    trained_below = False
    for parameter in task.parameters:
        out = parameter.shape[0]
        if parameter.kind == "dense":  # in a text task, it reads the last state alone
            applied, outputs = 1, out
        elif parameter.kind == "conv":
            assert parameter.output
            applied = math.prod(parameter.output)
            outputs = out * applied
        elif parameter.kind == "norm_scale" and parameter.output:
            # No product, but a map of its own: it cannot be had in passing, as the whole batch is
            # read before the first value is normalized.
            applied, outputs = 0, out * math.prod(parameter.output)
        elif parameter.kind == "embedding":
            applied, outputs = length, parameter.shape[1] * length
        elif parameter.kind == "lstm_input":
            applied, outputs = length, _LSTM_OUTPUTS * out // 4 * length
        elif parameter.kind == "gru_input":
            applied, outputs = length, _GRU_OUTPUTS * out // 3 * length
        elif parameter.kind in ("lstm_recurrent", "gru_recurrent"):
            # its outputs are those of the input's weight
            applied, outputs = length, 0
        else:
            continue
        yield _Weight(
            parameter=parameter, applied=applied, outputs=outputs, passes_on=trained_below
        )
        trained_below = True


def forward_flops(task: Task) -> int:
    """FLOPs of one example's logits."""
    return sum(weight.flops for weight in _weights(task))


def training_flops(task: Task) -> int:
    """FLOPs of training on one example: forward and backward.

    The backward pass multiplies a layer's gradient by the layer's inputs, for the gradient of its
    weights, and by its weights, for the gradient of its inputs: with the forward pass, three times
    as much as that alone. The first layer's inputs are data, whose gradient nobody needs, so that
    it takes two times (Hobbhahn and Sevilla, 2021, "What's the backward-forward FLOP ratio for
    neural networks?"). An embedding is trained: the layer that reads it is not the first.
    """
    return sum((3 if weight.passes_on else 2) * weight.flops for weight in _weights(task))


def _state_values(optimizer: Optimizer) -> int:
    """What an optimizer keeps of each parameter: Adam two moments, momentum one velocity."""
    if isinstance(optimizer, SGD):
        return 1 if optimizer.momentum else 0
    return 2


def step_bytes(task: Task) -> int:
    """Bytes that one training step of a batch moves, if every operation moves its tensors once.

    Parameters: read forward, and a weight once more where it passes a gradient on; their gradients
    written, and read by the update, which reads and writes the parameter and the optimizer's state.
    An embedding is looked up, so that a row a token is read instead of the table, and never read
    backward; but its gradient and its update are those of the whole table, as the task's Adam moves
    every row at each step.

    Layers' outputs: written and read forward, their gradients written and read backward; those of
    a convolution are its map before pooling. What activations, pooling and dropout make of them can
    be had in passing. The example is read forward, and again for the first weight's gradient.

    So much comes from memory when nothing stays in a cache from one operation to the next, as with
    large tensors. A small network stays there, and can outrun memory.
    """
    weights = list(_weights(task))
    gradient, parameter, state = 2, 2, 2 * _state_values(task.optimizer)
    updated = (gradient + parameter + state) * task.parameter_count
    read_forward = sum(one.size for one in task.parameters if one.kind != "embedding")
    read_backward = sum(weight.parameter.size for weight in weights if weight.passes_on)
    looked_up = sum(one.outputs for one in weights if one.parameter.kind == "embedding")
    inputs = (
        task.input.length if isinstance(task.input, TokenInput) else math.prod(task.input.shape)
    )
    activations = 2 * inputs + looked_up + 4 * sum(weight.outputs for weight in weights)
    values = updated + read_forward + read_backward + task.batch * activations
    return VALUE_BYTES * values
