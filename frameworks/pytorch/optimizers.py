"""PyTorch's optimizers, which have the task's update formula."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.core.layout import Groups, every
from bench.core.optimizers import SGD, Adam, AdamW, Optimizer


def sgd(settings: SGD, groups: Groups, *, fused: bool | None) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        every(groups), lr=settings.learning_rate, momentum=settings.momentum, fused=fused
    )


def adam(settings: Adam, groups: Groups, *, fused: bool | None) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        every(groups),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=fused,
    )


def adamw(settings: AdamW, groups: Groups, *, fused: bool | None) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        [{"params": params, "weight_decay": own.decay} for own, params in groups],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=fused,
    )


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}
# PyTorch's names of an optimizer's state.
STATE = {"velocity": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}


def make_optimizer(settings: Optimizer, groups: Groups, *, expert: bool) -> torch.optim.Optimizer:
    """The task's optimizer for these weights."""
    # Fused: one pass over a weight and its state, where a CPU otherwise makes one per operator.
    return MAKERS[settings.kind](settings, groups, fused=True if expert else None)


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


def clip_gradients(optimizer: torch.optim.Optimizer, limit: float) -> None:
    """Multiply the gradients by limit / norm where that is below 1.

    `torch.nn.utils.clip_grad_norm_` divides by norm + 1e-6, which float64 shows.
    """
    params = [param for group in optimizer.param_groups for param in group["params"]]
    gradients = [param.grad for param in params if param.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    torch._foreach_mul_(gradients, (limit / norm).clamp(max=1))
