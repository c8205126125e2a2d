"""The GPT with six blocks, and heads of 64, in PaddlePaddle."""

from paddle import nn

from bench.core.task import Task
from frameworks.paddlepaddle.models.gpt import GPT


def build(task: Task) -> nn.Layer:
    return GPT(task, steps=256, blocks=6, features=384, heads=6)
