"""The GPT with six blocks, and heads of 64, in JAX/Flax."""

from flax import nnx

from bench.core.task import Task
from frameworks.jax_flax.models.gpt import GPT


def build(task: Task, rngs: nnx.Rngs) -> nnx.Module:
    return GPT(task, steps=256, blocks=6, features=384, heads=6, rngs=rngs)
