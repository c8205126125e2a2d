"""The programs that JAX compiles: a step, the gradients, an evaluation, as functions of arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax
import optax
from flax import nnx

from bench.core.setting import Precision, storage_dtype
from frameworks.jax_flax.precision import Forward, chosen, make_scale, value_and_grad

# Weights, the network's other values, the optimizers' states in the order of the task's updates,
# and the loss scale. The other values are dropout's generator and the running statistics of batch
# normalization. The scale is None where the loss is not scaled.
Trees = tuple[nnx.State, nnx.State, list[optax.OptState], Any]


class UpdateStep:
    """One of the task's updates: its loss, its optimizer, and the weights that it moves."""

    def __init__(
        self,
        loss: Callable[..., jax.Array],
        optimizer: optax.GradientTransformation,
        moved: Collection[tuple[Any, ...]],
    ) -> None:
        """`moved` has the paths of the weights that it moves."""
        self.loss = loss
        self.optimizer = optimizer
        self._moved = moved

    def parts(self, params: nnx.State) -> tuple[nnx.State, nnx.State]:
        """The weights that it moves, and the others."""
        moved, kept = nnx.split_state(params, lambda path, _: path in self._moved, ...)
        return moved, kept


class Programs:
    """What is compiled for a network. The state of its training is a list of arrays.

    Pure functions of arrays, because nnx.jit would walk the network in Python at each call.
    """

    def __init__(
        self, model: nnx.Module, updates: Sequence[UpdateStep], precision: Precision
    ) -> None:
        self._updates = updates
        self._precision = precision
        self._stored_in = storage_dtype(precision)
        model.eval()
        self._evaluating = nnx.graphdef(model)
        model.train()
        self._training, params, other = nnx.split(model, nnx.Param, ...)
        moments = jax.eval_shape(self._initial_moments, params)
        self._structure = jax.tree.structure((params, other, moments, make_scale(precision)))
        self._moments = jax.jit(self._initial_moments)
        # The step overwrites the memory of the state that it is given.
        self.train = jax.jit(self._train, donate_argnums=0)
        self.gradients = jax.jit(self._gradients)
        self.evaluate = jax.jit(self._evaluate)

    def start(self, params: nnx.State, other: nnx.State) -> list[jax.Array]:
        """The state before the first step."""
        return jax.tree.leaves((params, other, self._moments(params), make_scale(self._precision)))

    def trees(self, state: list[jax.Array]) -> Trees:
        """A state's parts."""
        trees: Trees = jax.tree.unflatten(self._structure, state)
        return trees

    def trained_values(self, state: list[jax.Array]) -> int:
        """How many values the updates move."""
        params = self.trees(state)[0]
        moved = [update.parts(params)[0] for update in self._updates]
        return sum(leaf.size for leaf in jax.tree.leaves(moved))

    def _initial_moments(self, params: nnx.State) -> list[optax.OptState]:
        return [update.optimizer.init(update.parts(params)[0]) for update in self._updates]

    def _train(
        self, state: list[jax.Array], *batch: jax.Array
    ) -> tuple[list[jax.Array], tuple[jax.Array, ...]]:
        """The state after a step, and each update's loss."""
        params, other, every, scale = self.trees(state)
        losses, next_every = [], []
        for update, moments in zip(self._updates, every, strict=True):
            moved, kept = update.parts(params)
            (loss, other), gradients, scale, finite = value_and_grad(
                self._loss_of(update, kept, other, batch), moved, scale
            )
            changes, next_moments = update.optimizer.update(gradients, moments, moved)
            next_moved = optax.apply_updates(moved, changes)
            trained = chosen(finite, (next_moved, next_moments), (moved, moments))
            params = nnx.merge_state(trained[0], kept)
            next_every.append(trained[1])
            losses.append(loss)
        return jax.tree.leaves((params, other, next_every, scale)), tuple(losses)

    def _gradients(self, state: list[jax.Array], *batch: jax.Array) -> list[nnx.State]:
        """For each update, the gradients of the weights that it moves."""
        params, other, _, scale = self.trees(state)
        every = []
        for update in self._updates:
            moved, kept = update.parts(params)
            loss_of = self._loss_of(update, kept, other, batch)
            every.append(value_and_grad(loss_of, moved, scale)[1])
        return every

    def _loss_of(
        self, update: UpdateStep, kept: nnx.State, other: nnx.State, batch: tuple[jax.Array, ...]
    ) -> Callable[[nnx.State], tuple[jax.Array, nnx.State]]:
        """A function of the weights that an update moves.

        It returns the batch's mean loss, and the network's new other values.
        """

        def loss_of(moved: nnx.State) -> tuple[jax.Array, nnx.State]:
            model = nnx.merge(self._training, moved, kept, other, copy=True)
            loss = update.loss(Forward(model, self._stored_in), *batch)
            return loss, nnx.state(model, nnx.Not(nnx.Param))

        return loss_of

    def _evaluate(self, state: list[jax.Array], *inputs: jax.Array) -> Any:
        """What the network returns in evaluation mode."""
        params, other, *_ = self.trees(state)
        model = nnx.merge(self._evaluating, params, other)
        return Forward(model, self._stored_in)(*inputs)
