"""Two LSTMs with attention in JAX/Flax."""

from flax import nnx
from jax import Array
from jax import numpy as jnp

from bench.core.task import Task
from frameworks.jax_flax.layers import rows


def lstm(*, rngs: nnx.Rngs) -> nnx.RNN:
    cell = nnx.OptimizedLSTMCell(128, 256, rngs=rngs)  # one product for all four gates
    return nnx.RNN(cell, return_carry=True, rngs=rngs)


class Seq2Seq(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.source_embedding = nnx.Embed(8_000, 128, rngs=rngs)
        self.encoder = lstm(rngs=rngs)
        self.target_embedding = nnx.Embed(8_000, 128, rngs=rngs)
        self.decoder = lstm(rngs=rngs)
        self.combine = nnx.Linear(512, 256, use_bias=False, rngs=rngs)
        self.output = nnx.Linear(256, 8_000, rngs=rngs)

    def __call__(self, source: Array, previous: Array) -> Array:
        x = self.source_embedding(source)  # (N, S) -> (N, S, 128)
        last, encoded = self.encoder(x)  # the last cell and state, and (N, S, 256)
        x = self.target_embedding(previous)  # (N, T) -> (N, T, 128)
        _, x = self.decoder(x, initial_carry=last)  # (N, T, 256)
        is_real = (source != 0)[:, None]  # (N, 1, S)
        scores = jnp.einsum("ntf,nsf->nts", x, encoded)
        scores = jnp.where(is_real, scores, -jnp.inf)
        context = jnp.einsum("nts,nsf->ntf", nnx.softmax(scores), encoded)  # (N, T, 256)
        x = jnp.concatenate([context, x], axis=2)  # (N, T, 512)
        x = jnp.tanh(self.combine(rows(x)))  # (N * T, 256)
        return self.output(x).reshape(*previous.shape, 8_000)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return Seq2Seq(rngs=rngs)
