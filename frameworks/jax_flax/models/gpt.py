"""A GPT in JAX/Flax."""

from functools import partial

from flax import nnx
from jax import Array

from bench.core.task import Task
from frameworks.jax_flax.layers import LayerNorm, attention

Norm = partial(LayerNorm, epsilon=2**-17, use_bias=False)


class Block(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.attention_norm = Norm(128, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(
            8, 128, use_bias=False, decode=False, attention_fn=attention, rngs=rngs
        )
        self.feed_norm = Norm(128, rngs=rngs)
        self.expand = nnx.Linear(128, 512, use_bias=False, rngs=rngs)
        self.contract = nnx.Linear(512, 128, use_bias=False, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = x + self.attention(self.attention_norm(x), is_causal=True)
        y = nnx.gelu(self.expand(self.feed_norm(x)))  # by tanh: (N, T, 512)
        return x + self.contract(y)


class GPT(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs) -> None:
        block = partial(Block, rngs=rngs)
        self.token = nnx.Embed(65, 128, rngs=rngs)
        self.position = nnx.Embed(64, 128, rngs=rngs)
        self.blocks = nnx.Sequential(block(), block(), block(), block())
        self.norm = Norm(128, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        x = self.token(x) + self.position.embedding[: x.shape[1]]  # (N, T) -> (N, T, 128)
        x = self.blocks(x)
        x = self.norm(x)
        return self.token.attend(x)  # tied: (N, T, 65)


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GPT(rngs=rngs)
