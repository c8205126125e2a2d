"""How PyTorch sets a precision: by autocast, GradScaler for float16, and switches for TF32."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.core.errors import UnsupportedError
from bench.core.setting import LOSS_SCALE, Precision

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_products(precision: Precision) -> None:
    """Allow float32 products to be computed in TF32, or forbid it, in the whole process."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def forward_in(
    precision: Precision, model: nn.Module, device: torch.device
) -> Callable[..., Tensor | tuple[Tensor, ...]]:
    """The network's forward pass. In mixed precision, outputs are float32."""
    if precision not in AUTOCAST:
        return model
    dtype = AUTOCAST[precision]

    def forward(*inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        with torch.autocast(device.type, dtype):
            outputs = model(*inputs)
            if isinstance(outputs, tuple):
                return tuple(output.float() for output in outputs)
            return outputs.float()

    return forward


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
