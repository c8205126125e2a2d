"""How Keras sets a precision: by a dtype policy, and LossScaleOptimizer for float16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from bench.core.setting import LOSS_SCALE, Precision, storage_dtype

POLICIES = {"bf16": "mixed_bfloat16", "fp16": "mixed_float16"}


def set_policy(precision: Precision) -> None:
    """Set the types of all layers created from now on, and whether TF32 may be used."""
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    # Set explicitly, because Keras reads its defaults from a file in the user's home.
    keras.config.set_floatx(storage_dtype(precision))
    keras.config.set_dtype_policy(POLICIES.get(precision, storage_dtype(precision)))


def forward_in(precision: Precision, model: keras.Model) -> Callable[..., Any]:
    """The network's forward pass. In mixed precision, outputs are float32."""

    def forward(*inputs: tf.Tensor, training: bool) -> Any:
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=training)
        if precision not in POLICIES:
            return outputs
        return tf.nest.map_structure(lambda output: tf.cast(output, tf.float32), outputs)

    return forward


def scaled(
    precision: Precision, optimizer: keras.optimizers.Optimizer
) -> keras.optimizers.Optimizer:
    """The optimizer. In float16 it scales the loss, and skips updates that overflow."""
    if precision != "fp16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=LOSS_SCALE)


def unscaled(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Gradients of a loss that the optimizer scaled, without the scale."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    return [gradient / optimizer.dynamic_scale for gradient in gradients]
