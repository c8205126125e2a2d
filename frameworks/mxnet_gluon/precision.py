"""How MXNet sets a precision: by its amp, which patches the operators of the whole process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
from mxnet import gluon
from mxnet.contrib import amp
from mxnet.contrib.amp.lists import symbol_bf16
from mxnet.ndarray import NDArray

from bench.core.errors import UnsupportedError
from bench.core.setting import LOSS_SCALE, Precision

TARGETS = {"bf16": "bfloat16", "fp16": "float16"}


def set_operators(precision: Precision, device: mx.Context) -> None:
    """Make operators compute in a precision. Call before a network is built: it is irreversible.

    Raises UnsupportedError if the processor lacks it.
    """
    if precision == "bf16":
        if device.device_type == "cpu":
            _check_bf16()
        # MXNet's list contains _zeros, which has no input to cast. An LSTM would fail, because it
        # creates its first state with _zeros.
        in_float32 = [name for name in symbol_bf16.FP32_FUNCS if name != "_zeros"]
        amp.init(TARGETS[precision], fp32_ops=in_float32)
    elif precision in TARGETS:
        amp.init(TARGETS[precision])


def _check_bf16() -> None:
    """Try bfloat16: MXNet's oneDNN has no code for it on a processor without AVX-512."""
    unit = mx.nd.amp_cast(mx.nd.ones((1, 1)), dtype=amp.amp.bfloat16)
    try:
        mx.nd.FullyConnected(unit, unit, no_bias=True, num_hidden=1).wait_to_read()
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UnsupportedError(
            f"mxnet {mx.__version__} has no bf16 on this processor: {reason}"
        ) from error


class InFloat32:
    """A network's forward pass, and that of each of its parts, by its name, with float32 outputs.

    A hybridized network returns several outputs as a list, not as a tuple.
    """

    def __init__(self, forward: gluon.HybridBlock) -> None:
        self._forward = forward

    def __call__(self, *inputs: Any) -> Any:
        outputs = self._forward(*inputs)
        if isinstance(outputs, (list, tuple)):
            return tuple([output.astype("float32") for output in outputs])
        return outputs.astype("float32")

    def __getattr__(self, part: str) -> InFloat32:
        return InFloat32(getattr(self._forward, part))


def forward_in(precision: Precision, model: gluon.HybridBlock) -> Callable[..., Any]:
    """The network's forward pass, and those of its parts, for arrays or symbols.

    In mixed precision, outputs are float32.
    """
    return InFloat32(model) if precision in TARGETS else model


def scale_by_trainer(precision: Precision, trainer: gluon.Trainer) -> None:
    """Have the trainer scale losses, for float16 only: the other types have the range of float32.

    Another call starts with the initial scale again.
    """
    if precision == "fp16":
        trainer._scale = 1.0
        amp.init_trainer(trainer)
        scaler = trainer._amp_loss_scaler
        scaler._loss_scale = scaler._next_loss_scale = LOSS_SCALE
        scaler._unskipped = 0


def scaled(precision: Precision, losses: NDArray, trainer: gluon.Trainer) -> NDArray:
    """The losses for the backward pass. The trainer's step divides gradients by their scale."""
    if precision != "fp16":
        return losses
    with amp.scale_loss(losses, trainer) as scaled_losses:
        return scaled_losses


def unscaled(precision: Precision, gradient: NDArray, trainer: gluon.Trainer) -> NDArray:
    """A gradient of scaled losses, without the scale."""
    return gradient * trainer._scale if precision == "fp16" else gradient
