"""What a loop of one's own does in a precision beyond what Keras's policy does."""

from __future__ import annotations

import keras
import tensorflow as tf


def unscaled(gradients: list[tf.Tensor], optimizer: keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Gradients of a loss that the optimizer scaled, without the scale."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    return [gradient / optimizer.dynamic_scale for gradient in gradients]
