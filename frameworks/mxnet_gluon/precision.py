"""Precisions by MXNet's own means: its amp, which patches the operators of the whole process."""

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
    """Have operators compute in a precision. Before a network is built; there is no way back.

    Raises UnsupportedError where the processor cannot.
    """
    if precision == "bf16":
        if device.device_type == "cpu":
            _check_bf16()
        # Its list has _zeros, which has no input that could be cast: an LSTM, whose first state it
        # makes, would fail.
        kept = [name for name in symbol_bf16.FP32_FUNCS if name != "_zeros"]
        amp.init(TARGETS[precision], fp32_ops=kept)
    elif precision in TARGETS:
        amp.init(TARGETS[precision])


def _check_bf16() -> None:
    """Use it once: MXNet's oneDNN has no bfloat16 code for a processor without AVX-512."""
    one = mx.nd.amp_cast(mx.nd.ones((1, 1)), dtype=amp.amp.bfloat16)
    try:
        mx.nd.FullyConnected(one, one, no_bias=True, num_hidden=1).wait_to_read()
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UnsupportedError(
            f"mxnet {mx.__version__} has no bf16 on this processor: {reason}"
        ) from error


def forward_in(precision: Precision, model: gluon.HybridBlock) -> Callable[[Any], Any]:
    """The network's forward pass, of arrays or symbols; logits are in float32 if it is mixed."""
    if precision not in TARGETS:
        return model

    def forward(x: Any) -> Any:
        return model(x).astype("float32")

    return forward


def scale_by_trainer(precision: Precision, trainer: gluon.Trainer) -> None:
    """Have the trainer scale losses, for float16 alone: the others hold what float32 holds.

    Called again, it begins anew.
    """
    if precision == "fp16":
        trainer._scale = 1.0
        amp.init_trainer(trainer)
        scaler = trainer._amp_loss_scaler
        scaler._loss_scale = scaler._next_loss_scale = LOSS_SCALE
        scaler._unskipped = 0


def scaled(precision: Precision, losses: NDArray, trainer: gluon.Trainer) -> NDArray:
    """The losses to go backward from; the trainer's step divides by what they were scaled by."""
    if precision != "fp16":
        return losses
    with amp.scale_loss(losses, trainer) as found:
        return found


def unscaled(precision: Precision, gradient: NDArray, trainer: gluon.Trainer) -> NDArray:
    """A gradient of the losses that `scaled` gave, as it would be without."""
    return gradient * trainer._scale if precision == "fp16" else gradient
