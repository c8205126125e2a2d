"""The GPT with six blocks, and heads of 64, in MXNet Gluon."""

from mxnet.gluon import HybridBlock

from bench.core.task import Task
from frameworks.mxnet_gluon.models.gpt import GPT


def build(task: Task) -> HybridBlock:
    return GPT(task, steps=256, blocks=6, features=384, heads=6)
