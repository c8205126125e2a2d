"""What Keras's optimizers keep of a variable, by the task's names."""

from __future__ import annotations

import keras
import numpy as np

from bench.core.arrays import Array


def velocity(optimizer: keras.optimizers.SGD, index: int) -> Array:
    """The task's velocity. Keras keeps what it adds to the weight: -learning_rate * velocity."""
    change: Array = np.array(optimizer.momentums[index])
    return -change / np.array(optimizer.learning_rate)


def mean(optimizer: keras.optimizers.Adam, index: int) -> Array:
    return np.array(optimizer._momentums[index])


def square(optimizer: keras.optimizers.Adam, index: int) -> Array:
    return np.array(optimizer._velocities[index])


STATE = {"velocity": velocity, "mean": mean, "square": square}


def state_of(optimizer: keras.optimizers.Optimizer, name: str, variable: keras.Variable) -> Array:
    """The optimizer's state of a variable, by the task's name; 0 before the first step."""
    return STATE[name](optimizer, optimizer._get_variable_index(variable))
