"""Precisions by PyTorch's own means: autocast, a scaled loss in float16, and TF32's switches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.core.setting import LOSS_SCALE, Precision

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_products(precision: Precision) -> None:
    """Whether products of float32 may be computed in TF32, process-wide."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def forward_in(
    precision: Precision, model: nn.Module, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """The network's forward pass, (N, ...) -> (N, K); logits are in float32 if it is mixed."""
    if precision not in AUTOCAST:
        return model
    dtype = AUTOCAST[precision]

    def forward(x: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype):
            return model(x).float()

    return forward


def make_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler | None:
    """What scales the loss, for float16 alone: the others hold what float32 holds."""
    if precision != "fp16":
        return None
    return torch.amp.GradScaler(device.type, init_scale=LOSS_SCALE)
