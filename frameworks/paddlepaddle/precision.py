"""How Paddle sets a precision: by auto_cast, and GradScaler for float16."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import paddle

from bench.core.setting import LOSS_SCALE, Precision

AUTO_CAST = {"bf16": "bfloat16", "fp16": "float16"}


def casting(precision: Precision) -> AbstractContextManager[None]:
    """A context in which operators, or a graph by `to_static`, compute in a precision."""
    if precision not in AUTO_CAST:
        return nullcontext()
    context: AbstractContextManager[None] = paddle.amp.auto_cast(
        level="O1", dtype=AUTO_CAST[precision]
    )
    return context


def make_scaler(precision: Precision) -> paddle.amp.GradScaler | None:
    """The scaler of the loss, for float16 only: the other types have the range of float32."""
    if precision != "fp16":
        return None
    return paddle.amp.GradScaler(init_loss_scaling=LOSS_SCALE)
