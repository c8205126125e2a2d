"""The least that training a task costs by its definition: operations, and bytes moved.

FLOPs are model FLOPs, as Chowdhery et al. (2022, "PaLM", appendix B) define them: those that the
mathematics requires, whatever an implementation does. They are those of matrix products and
convolutions; a multiplication with its addition counts as two. As is usual, biases, activations,
normalization, pooling, losses and updates are left out: they take a few operations per value, where
a product takes hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.core.layers import Product
from bench.core.task import Task

VALUE_BYTES = 4  # float32, and ids of 32 bits


def _products(task: Task) -> Iterator[tuple[Product, bool, bool]]:
    """Every product, whether it passes a gradient on, and whether it has one of its own weight.

    A product by data passes one on, and has none of its own.
    """
    trained = {parameter.name for parameter in task.trained}
    trained_below = False
    for layer in task.layers:
        own = [parameter.name for parameter in layer.parameters]
        moves = not own or not trained.isdisjoint(own)
        for product in layer.products(task.length or 1):
            passes_on = product.inner or product.constant or trained_below
            owns = moves and not product.constant
            yield product, passes_on and not product.of_data, owns and not product.of_data
        trained_below = trained_below or not trained.isdisjoint(own)


def training_flops(task: Task) -> int:
    """FLOPs of training on one example: forward and backward.

    The backward pass multiplies a layer's gradient by the layer's inputs, for the gradient of its
    weights, and by its weights, for the gradient of its inputs. Together with the forward pass this
    is three times the forward pass. The first layer's inputs are data, whose gradient is not
    needed, so that layer takes twice its forward pass (Hobbhahn and Sevilla, 2021, "What's the
    backward-forward FLOP ratio for neural networks?"). An embedding is trained: the layer that
    reads it is not the first. A product by data, such as a graph's links, takes twice its forward
    pass in any layer, and so does one by a weight that is not trained.
    """
    return sum(
        (1 + passes_on + owns) * product.flops for product, passes_on, owns in _products(task)
    )


def step_flops(task: Task) -> int:
    """FLOPs of one training step of a batch."""
    return training_flops(task) * task.batch


def _updated_values(task: Task) -> int:
    """Values that the updates of a step read and write, with those of the gradients."""
    gradient, parameter = 2, 2
    return sum(
        (gradient + parameter + 2 * len(update.optimizer.state)) * trained.size
        for update in task.updates
        for trained in task.parameters
        if update.moves(trained)
    )


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
    length = task.length or 1
    read_forward = sum(layer.read_once for layer in task.layers)
    read_backward = sum(product.weights for product, passes_on, _ in _products(task) if passes_on)
    inputs = sum(task.fields[name].values for name in task.inputs)
    outputs = sum(layer.output_values(length) for layer in task.layers)
    looked_up = sum(layer.looked_up(length) for layer in task.layers)
    activations = 2 * inputs + looked_up + 4 * outputs
    values = _updated_values(task) + read_forward + read_backward + task.batch * activations
    return VALUE_BYTES * values
