"""What a loop of one's own does in a precision beyond what Keras's policy does."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from bench.core.setting import Precision
from frameworks.keras.precision import POLICIES


class Forward:
    """A network's forward pass, and that of each of its parts, by its name.

    In mixed precision, outputs are float32.
    """

    def __init__(self, layer: keras.Layer, precision: Precision, *, training: bool) -> None:
        self._layer = layer
        self._precision = precision
        self._training = training

    def __call__(self, *inputs: tf.Tensor) -> Any:
        outputs = self._layer(inputs if len(inputs) > 1 else inputs[0], training=self._training)
        if self._precision not in POLICIES:
            return outputs
        return tf.nest.map_structure(lambda output: tf.cast(output, tf.float32), outputs)

    def __getattr__(self, part: str) -> Forward:
        layer = getattr(self._layer, part)
        return Forward(layer, self._precision, training=self._training)


def unscaled(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Gradients of a loss that the optimizer scaled, without the scale."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    return [gradient / optimizer.dynamic_scale for gradient in gradients]
