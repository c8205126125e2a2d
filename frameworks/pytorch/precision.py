"""How PyTorch sets a precision: by autocast, GradScaler for float16, and switches for TF32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bench.core.errors import UnsupportedError
from bench.core.setting import LOSS_SCALE, Precision

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_products(precision: Precision) -> None:
    """Allow float32 products to be computed in TF32, or forbid it, in the whole process."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


class Autocast:
    """A network's forward pass under autocast, and that of each of its parts, by its name.

    Outputs are float32.
    """

    def __init__(
        self, forward: Callable[..., Any], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._forward = forward
        self._device = device
        self._dtype = dtype

    def __call__(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        with torch.autocast(self._device.type, self._dtype):
            outputs = self._forward(*inputs)
            if isinstance(outputs, tuple):
                return tuple(output.float() for output in outputs)
            found: Tensor = outputs.float()
            return found

    def __getattr__(self, part: str) -> Autocast:
        return Autocast(getattr(self._forward, part), self._device, self._dtype)


def forward_in(
    precision: Precision, model: nn.Module, device: torch.device
) -> Callable[..., Tensor | tuple[Tensor, ...]]:
    """The network's forward pass, and those of its parts. Outputs are never of fewer bits."""
    if precision not in AUTOCAST:
        return model
    return Autocast(model, device, AUTOCAST[precision])


def check_support(precision: Precision, model: nn.Module, device: torch.device) -> None:
    """Try a mixed precision on the network's LSTMs: on a CPU, only they need the processor's help.

    Other operators fall back to slower code; oneDNN has none for an LSTM in bfloat16 without
    AVX-512. Raises UnsupportedError if the processor lacks it.
    """
    if precision not in AUTOCAST or device.type != "cpu":
        return
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            try:
                with torch.no_grad(), torch.autocast(device.type, AUTOCAST[precision]):
                    module(torch.zeros(1, 1, module.input_size))
            except RuntimeError as error:
                raise UnsupportedError(
                    f"torch {torch.__version__} has no {precision} for an LSTM on this processor: "
                    f"{str(error).splitlines()[0]}"
                ) from error


def make_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler | None:
    """The scaler of the loss, for float16 only: the other types have the range of float32."""
    if precision != "fp16":
        return None
    return torch.amp.GradScaler(device.type, init_scale=LOSS_SCALE)
