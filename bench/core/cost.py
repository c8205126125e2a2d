"""The least that training a task costs by its definition: operations, and bytes moved.

FLOPs are model FLOPs, as Chowdhery et al. (2022, "PaLM", appendix B) define them: those that the
mathematics requires, whatever an implementation does. They are those of matrix products and
convolutions; a multiplication with its addition counts as two. As is usual, biases, activations,
normalization, pooling, losses and updates are left out: they take a few operations per value, where
a product takes hundreds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.core.optimizers import SGD, Optimizer
from bench.core.parameters import Parameter
from bench.core.task import Task, TokenInput

VALUE_BYTES = 4  # float32, and token ids of 32 bits
# Values that an LSTM computes for each token and hidden unit: four gates, the cell and the state.
_LSTM_OUTPUTS = 6
# Those of a GRU: three gates, the recurrent product that the reset gate scales, and the state.
_GRU_OUTPUTS = 5


@dataclass(frozen=True, kw_only=True)
class _Weight:
    """A weight, how often one example applies it, and how many values it outputs.

    `passes_on` is true if the gradient of its inputs is computed too, because there is a trained
    weight in an earlier layer.
    """

    parameter: Parameter
    applied: int
    outputs: int
    passes_on: bool

    @property
    def flops(self) -> int:
        """FLOPs of the forward pass. Looking up an embedding takes none."""
        return 0 if self.parameter.kind == "embedding" else 2 * self.parameter.size * self.applied


def _weights(task: Task) -> Iterator[_Weight]:
    """Every parameter but biases and shifts, from the first layer to the last."""
    length = task.input.length if isinstance(task.input, TokenInput) else 1
    trained_below = False
    for parameter in task.parameters:
        out = parameter.shape[0]
        if parameter.kind == "dense":  # in a text task, it reads only the last state
            applied, outputs = 1, out
        elif parameter.kind == "conv":
            assert parameter.output
            applied = math.prod(parameter.output)
            outputs = out * applied
        elif parameter.kind == "norm_scale" and parameter.output:
            # No product, but a map of its own: it cannot be fused with the operation before it,
            # because the whole batch is read before the first value is normalized.
            applied, outputs = 0, out * math.prod(parameter.output)
        elif parameter.kind == "embedding":
            applied, outputs = length, parameter.shape[1] * length
        elif parameter.kind == "lstm_input":
            applied, outputs = length, _LSTM_OUTPUTS * out // 4 * length
        elif parameter.kind == "gru_input":
            applied, outputs = length, _GRU_OUTPUTS * out // 3 * length
        elif parameter.kind in ("lstm_recurrent", "gru_recurrent"):
            # Its outputs are counted with the input's weight.
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
    weights, and by its weights, for the gradient of its inputs. Together with the forward pass this
    is three times the forward pass. The first layer's inputs are data, whose gradient is not
    needed, so that layer takes twice its forward pass (Hobbhahn and Sevilla, 2021, "What's the
    backward-forward FLOP ratio for neural networks?"). An embedding is trained: the layer that
    reads it is not the first.
    """
    return sum((3 if weight.passes_on else 2) * weight.flops for weight in _weights(task))


def _state_values(optimizer: Optimizer) -> int:
    """State values for each trained value: Adam's two moments, or one velocity with momentum."""
    if isinstance(optimizer, SGD):
        return 1 if optimizer.momentum else 0
    return 2


def step_bytes(task: Task) -> int:
    """Bytes that one training step of a batch moves, if every operation moves its tensors once.

    Parameters are read in the forward pass, and weights that pass a gradient on are read once more
    in the backward pass. Gradients are written, and read by the update, which reads and writes the
    parameter and the optimizer's state. For an embedding, the forward pass reads one row for each
    token instead of the table, and the backward pass reads nothing; but gradient and update are
    those of the whole table, because the task's Adam moves every row in each step.

    Layers' outputs are written and read in the forward pass, their gradients in the backward pass.
    A convolution's outputs are its map before pooling. Activations, pooling and dropout can be
    fused with them. The example is read in the forward pass, and again for the gradient of the
    first weight.

    This much is read from and written to memory if nothing stays in a cache from one operation to
    the next, as with large tensors. A small network stays in the caches and can beat this bound.
    """
    weights = list(_weights(task))
    gradient, parameter, state = 2, 2, 2 * _state_values(task.optimizer)
    updated = (gradient + parameter + state) * task.parameter_count
    read_forward = sum(p.size for p in task.parameters if p.kind != "embedding")
    read_backward = sum(weight.parameter.size for weight in weights if weight.passes_on)
    looked_up = sum(weight.outputs for weight in weights if weight.parameter.kind == "embedding")
    inputs = (
        task.input.length if isinstance(task.input, TokenInput) else math.prod(task.input.shape)
    )
    activations = 2 * inputs + looked_up + 4 * sum(weight.outputs for weight in weights)
    values = updated + read_forward + read_backward + task.batch * activations
    return VALUE_BYTES * values
