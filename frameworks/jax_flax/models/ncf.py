"""The product of a user's and an item's factors in JAX/Flax."""

from flax import nnx
from jax import Array

from bench.core.task import Task


class NCF(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.user = nnx.Embed(943, 50, rngs=rngs)
        self.item = nnx.Embed(1682, 50, rngs=rngs)

    def __call__(self, user: Array, item: Array) -> Array:
        user = self.user(user)  # (N,) -> (N, 50)
        item = self.item(item)  # (N,) -> (N, 50)
        return (user * item).sum(1, keepdims=True)  # (N, 1)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return NCF(rngs=rngs)
