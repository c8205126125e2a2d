"""What a loop of one's own does in a precision beyond what Keras's policy does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from bench.core.setting import Precision
from frameworks.keras.precision import POLICIES


def forward_in(precision: Precision, model: keras.Model) -> Callable[..., Any]:
    """The network's forward pass. In mixed precision, outputs are float32."""

    def forward(*inputs: tf.Tensor, training: bool) -> Any:
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=training)
        if precision not in POLICIES:
            return outputs
        return tf.nest.map_structure(lambda output: tf.cast(output, tf.float32), outputs)

    return forward


def unscaled(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Gradients of a loss that the optimizer scaled, without the scale."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    return [gradient / optimizer.dynamic_scale for gradient in gradients]
