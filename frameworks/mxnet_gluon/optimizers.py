"""MXNet's optimizers with the task's update formula.

In float32 they use MXNet's fused operators with other constants, and are as fast as MXNet's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.ndarray import NDArray

from bench.core.optimizers import SGD, Adam, Optimizer


class AdamOfThePaper(mx.optimizer.Adam):
    """MXNet's Adam, with epsilon outside the bias correction.

    MXNet corrects the bias in the learning rate and adds epsilon to the uncorrected sqrt(v) (the
    paper's epsilon-hat): that is Algorithm 1 if epsilon-hat is epsilon * sqrt(1 - beta2**t).

    The operator rounds the betas to float32, which puts 1 - beta2 off by 1.3e-5 for 0.999. Powers
    of the same rounded betas, in double, make v / (1 - beta2**t) a weighted mean again and cancel
    that. What remains are the weights of that mean, off by about t * 1.3e-8.
    """

    def __init__(self, *, beta1: float, beta2: float, epsilon: float, **settings: Any) -> None:
        super().__init__(beta1=float(np.float32(beta1)), beta2=float(np.float32(beta2)), **settings)
        self._task_epsilon = epsilon

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        step = self._index_update_count.get(index, self.begin_num_update) + 1
        self.epsilon = self._task_epsilon * math.sqrt(1 - self.beta2**step)
        super().update(index, weight, grad, state)


class AdamInDouble(mx.optimizer.Adam):
    """The same formula from elementary operators: the fused one rounds its constants to float32."""

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        self._update_count(index)
        step = self._index_update_count[index]
        mean, var = state
        grad = self.rescale_grad * grad
        mean[:] = self.beta1 * mean + (1 - self.beta1) * grad
        var[:] = self.beta2 * var + (1 - self.beta2) * grad * grad
        scale = (var / (1 - self.beta2**step)).sqrt() + self.epsilon
        weight[:] = weight - (self.lr / (1 - self.beta1**step)) * mean / scale


class SGDInDouble(mx.optimizer.Optimizer):
    """SGD from elementary operators: the fused one rounds its constants to float32."""

    def __init__(self, *, momentum: float, **settings: Any) -> None:
        super().__init__(**settings)
        self._momentum = momentum

    def create_state(self, index: int, weight: NDArray) -> NDArray:
        return mx.nd.zeros_like(weight)

    def update(self, index: int, weight: NDArray, grad: NDArray, state: NDArray) -> None:
        self._update_count(index)
        state[:] = self._momentum * state - self.lr * self.rescale_grad * grad
        weight[:] = weight + state


def sgd(settings: SGD, dtype: str) -> mx.optimizer.Optimizer:
    make = SGDInDouble if dtype == "float64" else mx.optimizer.SGD
    return make(learning_rate=settings.learning_rate, momentum=settings.momentum)


def adam(settings: Adam, dtype: str) -> mx.optimizer.Optimizer:
    make = AdamInDouble if dtype == "float64" else AdamOfThePaper
    return make(
        learning_rate=settings.learning_rate,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
    )


MAKERS = {"sgd": sgd, "adam": adam}
# How to read the task's state of a weight from MXNet's, given the learning rate.
STATE: dict[str, Callable[[Any, float], NDArray]] = {
    # MXNet's has the factor -learning_rate: the same formula while the rate is constant.
    "velocity": lambda state, rate: state / -rate,
    "mean": lambda state, rate: state[0],
    "square": lambda state, rate: state[1],
}


def make_optimizer(settings: Optimizer, dtype: str) -> mx.optimizer.Optimizer:
    """The task's optimizer, for weights of `dtype`."""
    return MAKERS[settings.kind](settings, dtype)


def state_of(trainer: gluon.Trainer, name: str, param: gluon.Parameter) -> NDArray:
    """The optimizer's state of a weight, by the task's name; 0 before the first step."""
    states = trainer._updaters[0].states
    place = trainer._param2idx[param.name]
    if place not in states:
        return mx.nd.zeros_like(param.data())
    return STATE[name](states[place], trainer.learning_rate)


def reset(trainer: gluon.Trainer) -> None:
    """Set the optimizer's state to zero: Trainer has no reset of its own.

    In place, so that no step has to allocate.
    """
    optimizer = trainer.optimizer
    optimizer.num_update = optimizer.begin_num_update
    for counts in optimizer._all_index_update_counts.values():
        counts.clear()  # a dictionary for each device
    for state in trainer._updaters[0].states.values():
        for value in state if isinstance(state, tuple) else (state,):
            if value is not None:
                value[:] = 0
