"""How PyTorch sets a precision: by autocast, GradScaler for float16, and switches for TF32."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.core.setting import LOSS_SCALE, Precision

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_products(precision: Precision) -> None:
    """Allow float32 products to be computed in TF32, or forbid it, in the whole process."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def forward_in(
    precision: Precision, model: nn.Module, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """The network's forward pass, (N, ...) -> (N, K). In mixed precision, logits are float32."""
    if precision not in AUTOCAST:
        return model
    dtype = AUTOCAST[precision]

    def forward(x: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype):
            return model(x).float()

    return forward


def make_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler | None:
    """The scaler of the loss, for float16 only: the other types have the range of float32."""
    if precision != "fp16":
        return None
    return torch.amp.GradScaler(device.type, init_scale=LOSS_SCALE)
