"""The GPT with six blocks, and heads of 64, in PyTorch."""

from torch import nn

from bench.core.task import Task
from frameworks.pytorch.models.gpt import GPT


def build(task: Task) -> nn.Module:
    return GPT(task, steps=256, blocks=6, features=384, heads=6)
