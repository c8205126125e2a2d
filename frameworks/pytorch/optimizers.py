"""PyTorch's optimizers, which have the task's update formula."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.core.optimizers import SGD, Adam, Optimizer


def sgd(settings: SGD, params: list[Tensor], *, fused: bool | None) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        params, lr=settings.learning_rate, momentum=settings.momentum, fused=fused
    )


def adam(settings: Adam, params: list[Tensor], *, fused: bool | None) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        params,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=fused,
    )


MAKERS = {"sgd": sgd, "adam": adam}
# PyTorch's names of an optimizer's state.
STATE = {"velocity": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}


def make_optimizer(
    settings: Optimizer, params: list[Tensor], *, expert: bool
) -> torch.optim.Optimizer:
    """The task's optimizer for these weights."""
    # Fused: one pass over a weight and its state, where a CPU otherwise makes one per operator.
    return MAKERS[settings.kind](settings, params, fused=True if expert else None)


def state_of(optimizer: torch.optim.Optimizer, name: str, param: Tensor) -> Tensor:
    """The optimizer's state of a weight, by the task's name; 0 before the first step."""
    native: Tensor | None = optimizer.state.get(param, {}).get(STATE[name])
    return torch.zeros_like(param) if native is None else native


def reset(optimizer: torch.optim.Optimizer) -> None:
    """Set the optimizer's state to zero, in place: new tensors would make a step compile again."""
    for state in optimizer.state.values():
        for value in state.values():
            if isinstance(value, Tensor):
                value.zero_()
