"""Precisions by Keras's own means: a dtype policy, and LossScaleOptimizer for float16."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from bench.core.setting import LOSS_SCALE, Precision, storage_dtype

POLICIES = {"bf16": "mixed_bfloat16", "fp16": "mixed_float16"}


def set_policy(precision: Precision) -> None:
    """The types of the layers that are made from now on, and whether TF32 may be used."""
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    # Said here, because Keras reads its defaults from a file in the user's home.
    keras.config.set_floatx(storage_dtype(precision))
    keras.config.set_dtype_policy(POLICIES.get(precision, storage_dtype(precision)))


def forward_in(precision: Precision, model: keras.Model) -> Callable[..., tf.Tensor]:
    """The network's forward pass; logits are in float32 if it is mixed."""
    if precision not in POLICIES:
        return model

    def forward(x: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.cast(model(x, training=training), tf.float32)

    return forward


def scaled(
    precision: Precision, optimizer: keras.optimizers.Optimizer
) -> keras.optimizers.Optimizer:
    """The optimizer; in float16, one that scales the loss and leaves out what overflows."""
    if precision != "fp16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=LOSS_SCALE)


def unscaled(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Gradients of a loss that the optimizer scaled, as they would be without."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    return [gradient / optimizer.dynamic_scale for gradient in gradients]
