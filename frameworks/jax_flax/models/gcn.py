"""Two graph convolutions in JAX/Flax."""

from flax import nnx
from jax import Array
from jax.experimental.sparse import BCOO

from bench.core.task import Task
from frameworks.jax_flax.graphs import GraphConvolution


class GCN(nnx.Module):
    def __init__(self, rate: float, *, rngs: nnx.Rngs) -> None:
        self.first = GraphConvolution(1433, 16, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.second = GraphConvolution(16, 7, rngs=rngs)

    def __call__(self, words: BCOO, links: BCOO) -> tuple[Array, Array]:
        x = nnx.relu(self.first(words, links))  # (2708, 1433) -> (2708, 16)
        x = self.dropout(x)
        x = self.second(x, links)  # (2708, 7)
        penalty = 2**-12 * (self.first.kernel[...] ** 2).sum()
        return x[None], penalty[None, None]  # (1, 2708, 7), (1, 1)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GCN(task.dropout["first"], rngs=rngs)
