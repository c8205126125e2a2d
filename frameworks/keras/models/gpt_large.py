"""The GPT with six blocks, and heads of 64, in Keras."""

import keras

from bench.core.task import Task
from frameworks.keras.models.gpt import gpt


def build(task: Task) -> keras.Model:
    return gpt(task, steps=256, blocks=6, features=384, heads=6)
