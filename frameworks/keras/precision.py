"""How Keras sets a precision: by a dtype policy, and LossScaleOptimizer for float16."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree
from keras.src.backend.common import dtypes

from bench.core.setting import LOSS_SCALE, Precision, storage_dtype

POLICIES = {"bf16": "mixed_bfloat16", "fp16": "mixed_float16"}


def set_policy(precision: Precision) -> None:
    """Set the types of all layers created from now on."""
    # Set explicitly, because Keras reads its defaults from a file in the user's home.
    keras.config.set_floatx(storage_dtype(precision))
    keras.config.set_dtype_policy(POLICIES.get(precision, storage_dtype(precision)))
    if precision == "float64":
        # By its rules of promotion, Keras computes with float64 in float32, except on TensorFlow.
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


class Forward:
    """A network's forward pass, and that of each of its parts, by its name.

    In mixed precision, outputs are float32.
    """

    def __init__(self, layer: keras.Layer, precision: Precision, *, training: bool) -> None:
        self._layer = layer
        self._precision = precision
        self._training = training

    def __call__(self, *inputs: Any) -> Any:
        outputs = self._layer(inputs if len(inputs) > 1 else inputs[0], training=self._training)
        if self._precision not in POLICIES:
            return outputs
        return tree.map_structure(lambda output: ops.cast(output, "float32"), outputs)

    def __getattr__(self, part: str) -> Forward:
        layer = getattr(self._layer, part)
        return Forward(layer, self._precision, training=self._training)


def scaled(
    precision: Precision, optimizer: keras.optimizers.Optimizer
) -> keras.optimizers.Optimizer:
    """The optimizer. In float16 it scales the loss, and skips updates that overflow."""
    if precision != "fp16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=LOSS_SCALE)
