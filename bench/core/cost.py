"""The least that training a task costs by its definition: operations, and bytes moved.

FLOPs are model FLOPs, as Chowdhery et al. (2022, "PaLM", appendix B) define them: those that the
mathematics requires, whatever an implementation does. They are those of matrix products and
convolutions; a multiplication with its addition counts as two. As is usual, biases, activations,
normalization, pooling, losses and updates are left out: they take a few operations per value, where
a product takes hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.core.layers import Layer, Product
from bench.core.task import Task, Update

VALUE_BYTES = 4  # float32, and ids of 32 bits


@dataclass(frozen=True, kw_only=True)
class _Use:
    """How an update's loss uses a layer: for each example it passes through it `count` times.

    `moved` says whether the layer's weights need a gradient, and `passes_on` whether what it reads
    does, as there is a weight that is moved in an earlier layer.
    """

    layer: Layer
    count: int
    moved: bool
    passes_on: bool

    @property
    def goes_back(self) -> bool:
        """Whether the backward pass gets to it."""
        return self.moved or self.passes_on

    def reads_weights(self, product: Product) -> bool:
        """Whether the backward pass multiplies by what was a product's weight, or second factor."""
        if product.constant or product.of_data:
            return False
        return self.passes_on or (self.moved and product.inner)

    def passes(self, product: Product) -> int:
        """How many times the forward pass of a product all its passes take."""
        if product.of_data:
            return self.count
        moved = self.moved or (self.goes_back and (product.inner or not product.weights))
        return self.count * (1 + moved + self.reads_weights(product))


def _uses(task: Task, update: Update) -> Iterator[_Use]:
    """How an update's loss uses each of the task's layers."""
    moved_below = False
    for layer in task.layers:
        moved = any(update.moves(parameter) for parameter in layer.parameters)
        count = update.passes.get(layer.name, 1)
        yield _Use(layer=layer, count=count, moved=moved, passes_on=moved_below)
        moved_below = moved_below or moved


def training_flops(task: Task) -> int:
    """FLOPs of training on one example: forward and backward.

    The backward pass multiplies a layer's gradient by the layer's inputs, for the gradient of its
    weights, and by its weights, for the gradient of its inputs. Together with the forward pass this
    is three times the forward pass. The first layer's inputs are data, whose gradient is not
    needed, so that layer takes twice its forward pass (Hobbhahn and Sevilla, 2021, "What's the
    backward-forward FLOP ratio for neural networks?"). An embedding is trained: the layer that
    reads it is not the first. A product by data, such as a graph's links, takes twice its forward
    pass in any layer, and so does one by a weight that is not trained. Of several updates, each
    passes forward by itself, and backward to the first of the layers that it moves, without the
    gradients of weights that it does not move.
    """
    return sum(
        use.passes(product) * product.flops
        for update in task.updates
        for use in _uses(task, update)
        for product in use.layer.products(task.length or 1)
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

    Layers' outputs are written and read in the forward pass, their gradients in the backward pass,
    if it gets to them. Of several updates, each passes forward and backward by itself.
    A convolution's outputs are its map before pooling. Activations, pooling and dropout can be
    fused with them. The example is read in the forward pass, and again for the gradient of the
    first weight.

    This much is read from and written to memory if nothing stays in a cache from one operation to
    the next, as with large tensors. A small network stays in the caches and can beat this bound.
    """
    length = task.length or 1
    read, activations = 0, 2 * sum(task.fields[name].values for name in task.inputs)
    for update in task.updates:
        for use in _uses(task, update):
            layer = use.layer
            products = filter(use.reads_weights, layer.products(length))
            read += layer.read_once + sum(product.weights for product in products)
            outputs = (4 if use.goes_back else 2) * layer.output_values(length)
            activations += use.count * (layer.looked_up(length) + outputs)
    return VALUE_BYTES * (_updated_values(task) + read + task.batch * activations)
