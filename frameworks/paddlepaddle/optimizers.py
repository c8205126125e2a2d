"""Paddle's optimizers with the task's update formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from bench.core.layout import Groups, every
from bench.core.optimizers import SGD, Adam, AdamW, Optimizer


class DoubleMomentum(paddle.optimizer.Momentum):
    """Momentum for float64: Paddle's operator takes the coefficient only in float32.

    Each velocity is scaled beforehand by the coefficient's rounding error. float32 does not need
    this.
    """

    def step(self) -> None:
        rounding = self._momentum / float(np.float32(self._momentum))
        with paddle.no_grad():
            for velocity in self.state_dict().values():
                velocity.scale_(rounding)
        super().step()


def sgd(
    settings: SGD, groups: Groups, dtype: str, *, clip: Any, expert: bool
) -> paddle.optimizer.Optimizer:
    """Plain, or with momentum. It is the same in every tuning."""
    if settings.momentum == 0.0:
        return paddle.optimizer.SGD(
            settings.learning_rate, parameters=every(groups), grad_clip=clip
        )
    momentum = paddle.optimizer.Momentum if dtype == "float32" else DoubleMomentum
    return momentum(
        settings.learning_rate, settings.momentum, parameters=every(groups), grad_clip=clip
    )


def adam(
    settings: Adam, groups: Groups, dtype: str, *, clip: Any, expert: bool
) -> paddle.optimizer.Optimizer:
    # Paddle adds epsilon outside the bias correction, as the task does. In float32 it rounds
    # beta1 and beta2, so that 1 - 0.999 is off by 1.3e-5, and multiplies up the powers. Little
    # of this remains: the moments and their correction use the same rounded numbers, so that
    # the error cancels at the first step, and losses over 20 steps agree to 2e-7 on the MLP.
    return paddle.optimizer.Adam(
        settings.learning_rate,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        parameters=every(groups),
        grad_clip=clip,
        # One call for all weights, where Python would make one for each. Not in float64, which
        # Paddle refuses.
        use_multi_tensor=expert and dtype == "float32",
    )


def adamw(
    settings: AdamW, groups: Groups, dtype: str, *, clip: Any, expert: bool
) -> paddle.optimizer.Optimizer:
    decaying = {param.name for own, params in groups if own.decay for param in params}
    return paddle.optimizer.AdamW(
        settings.learning_rate,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        parameters=every(groups),
        weight_decay=settings.decay,
        apply_decay_param_fun=decaying.__contains__,
        grad_clip=clip,
    )


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}
# Paddle's names of an optimizer's state.
STATE = {"velocity": "velocity", "mean": "moment1", "square": "moment2"}
# State that begins at one of the optimizer's settings: Adam's running products of beta.
POWERS = {"beta1_pow_acc": "beta1", "beta2_pow_acc": "beta2"}


def make_optimizer(
    settings: Optimizer, groups: Groups, dtype: str, *, clip: float | None, expert: bool
) -> paddle.optimizer.Optimizer:
    """The task's optimizer for these weights of `dtype`; `clip` is as in the task's update."""
    by_norm = None if clip is None else paddle.nn.ClipGradByGlobalNorm(clip)
    return MAKERS[settings.kind](settings, groups, dtype, clip=by_norm, expert=expert)


def state_of(optimizer: paddle.optimizer.Optimizer, name: str, param: Tensor) -> Tensor:
    """The optimizer's state of a weight, by the task's name; 0 before the first step."""
    # The public `state_dict` has only the names of tensors, which end in running numbers.
    native: Tensor | None = optimizer._accumulators.get(STATE[name], {}).get(param.name)
    return paddle.zeros_like(param) if native is None else native


def reset(optimizer: paddle.optimizer.Optimizer, settings: Optimizer, dtype: str) -> None:
    """Set the optimizer's state to its initial values.

    In place: the first step would otherwise make new state, within the clock. Moments and
    velocities begin at zero, Adam's running products of beta at their first power.
    """
    for name, states in optimizer._accumulators.items():
        initial = getattr(settings, POWERS[name]) if name in POWERS else 0.0
        for state in states.values():
            state.set_value(np.full(state.shape, initial, dtype))
