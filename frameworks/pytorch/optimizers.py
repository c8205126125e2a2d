"""PyTorch's optimizers, which have the task's update formula."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.core.optimizers import SGD, Optimizer


def make_optimizer(
    settings: Optimizer, params: list[Tensor], *, expert: bool
) -> torch.optim.Optimizer:
    """The task's optimizer for these weights."""
    # Fused: one pass over a weight and its state, where a CPU otherwise makes one per operator.
    fused = True if expert else None  # None leaves it to PyTorch
    if isinstance(settings, SGD):
        return torch.optim.SGD(
            params, lr=settings.learning_rate, momentum=settings.momentum, fused=fused
        )
    return torch.optim.Adam(
        params,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=fused,
    )


def reset(optimizer: torch.optim.Optimizer) -> None:
    """Set the optimizer's state to zero, in place: new tensors would make a step compile again."""
    for state in optimizer.state.values():
        for value in state.values():
            if isinstance(value, Tensor):
                value.zero_()
