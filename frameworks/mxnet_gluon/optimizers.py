"""MXNet's optimizers with the task's update formula.

In float32 they use MXNet's fused operators with other constants, and are as fast as MXNet's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.ndarray import NDArray

from bench.core.optimizers import SGD, Adam, AdamW, Optimizer


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


class AdamWOfThePaper(AdamOfThePaper):
    """Adam with decoupled decay, which MXNet has as an operator alone: its own `wd` is L2.

    The operator corrects no bias, and its decay is not multiplied by the learning rate.
    """

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        self._update_count(index)
        step = self._index_update_count[index]
        rate, decay = self._get_lr(index), self._get_wd(index)
        root = math.sqrt(1 - self.beta2**step)
        mean, square = state
        mx.nd.contrib.adamw_update(
            weight,
            grad,
            mean,
            square,
            self._scale(weight),
            out=weight,
            lr=rate * root / (1 - self.beta1**step),
            eta=1.0,
            wd=rate * decay,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self._task_epsilon * root,
        )

    def _scale(self, weight: NDArray) -> NDArray:
        """The factor of gradients as the operator takes it; made once, as it seldom changes."""
        if getattr(self, "_scaled_by", None) != self.rescale_grad:
            self._scaled_by = self.rescale_grad
            self._scale_array = mx.nd.array([self.rescale_grad], ctx=weight.context)
        return self._scale_array


class AdamWInDouble(AdamInDouble):
    """The same from elementary operators."""

    def update(self, index: int, weight: NDArray, grad: NDArray, state: Any) -> None:
        weight[:] = weight * (1 - self.lr * self._get_wd(index))
        super().update(index, weight, grad, state)


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


def adamw(settings: AdamW, dtype: str) -> mx.optimizer.Optimizer:
    make = AdamWInDouble if dtype == "float64" else AdamWOfThePaper
    return make(
        learning_rate=settings.learning_rate,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        wd=settings.decay,
    )


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}
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


def mark_decay(settings: Any, groups: Sequence[tuple[Any, list[gluon.Parameter]]]) -> None:
    """Mark the weights that do not decay, where the task's optimizer has a decay."""
    if decay := getattr(settings, "decay", 0.0):
        for own, params in groups:
            for param in params:
                param.wd_mult = own.decay / decay


def clip_gradients(trainer: gluon.Trainer, limit: float) -> None:
    """Multiply all gradients by limit / norm where that is below 1."""
    gradients = [param.grad() for param in trainer._params]
    if gradients[0].dtype == np.float32:
        gluon.utils.clip_global_norm(gradients, limit, check_isfinite=False)
        return
    # MXNet's own function joins what it computes with a float32 array.
    norm = mx.nd.add_n(*[gradient.square().sum() for gradient in gradients]).sqrt()
    scale = mx.nd.minimum(limit / norm, 1.0)
    for gradient in gradients:
        gradient[:] = gradient * scale


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
