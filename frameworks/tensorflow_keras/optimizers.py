"""Keras's optimizers with the task's update formula."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from bench.core import optimizers as formulas


class Adam(keras.optimizers.Adam):
    """Adam with epsilon outside the bias correction, by TensorFlow's fused kernel.

    Keras adds epsilon to sqrt(v), not to sqrt(v_hat). The two agree if it is given
    epsilon * sqrt(1 - beta2**t). Keras updates each variable by a dozen operators, each of which
    reads and writes all of it; ResourceApplyAdam reads and writes it once.
    """

    def _backend_update_step(
        self,
        grads: Sequence[tf.Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: tf.Tensor,
    ) -> None:
        dtype = tf.as_dtype(keras.config.floatx())
        # 1 - beta**t in float32 is off by 1e-5, relative, so the bias correction is computed in
        # float64. It uses the betas as the kernel rounds them: 1 - float32(0.999) is off by 1.3e-5,
        # relative, but scales v and its correction alike. What remains in float32 is the rounding
        # of the decay itself: 1.3e-8, relative, for each step.
        beta1, beta2 = (float(dtype.as_numpy_dtype(b)) for b in (self.beta_1, self.beta_2))
        step = tf.cast(self.iterations, tf.float64) + 1.0
        root = tf.sqrt(1.0 - tf.pow(tf.constant(beta2, tf.float64), step))
        first = 1.0 - tf.pow(tf.constant(beta1, tf.float64), step)
        rate = tf.cast(tf.cast(learning_rate, tf.float64) * root / first, dtype)
        epsilon = tf.cast(self.epsilon * root, dtype)
        zero = tf.constant(0.0, dtype)  # the kernel's own bias correction, off
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            index = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=zero,
                beta2_power=zero,
                lr=rate,
                beta1=tf.constant(beta1, dtype),
                beta2=tf.constant(beta2, dtype),
                epsilon=epsilon,
                grad=gradient,
            )


class AdamW(keras.optimizers.AdamW):
    """Keras's decay before the same kernel: what is excluded from it, and clipping, are Keras's."""

    _backend_update_step = Adam._backend_update_step


def sgd(settings: formulas.SGD, clip: float | None) -> keras.optimizers.SGD:
    # NumPy's float, because Keras would round Python's to float32, in float64 as well.
    momentum = np.float64(settings.momentum)
    return keras.optimizers.SGD(settings.learning_rate, momentum=momentum, global_clipnorm=clip)


def adam(settings: formulas.Adam, clip: float | None) -> Adam:
    return Adam(
        settings.learning_rate,
        beta_1=settings.beta1,
        beta_2=settings.beta2,
        epsilon=settings.epsilon,
        global_clipnorm=clip,
    )


def adamw(settings: formulas.AdamW, clip: float | None) -> AdamW:
    return AdamW(
        settings.learning_rate,
        weight_decay=np.float64(settings.decay),
        beta_1=settings.beta1,
        beta_2=settings.beta2,
        epsilon=settings.epsilon,
        global_clipnorm=clip,
    )


MAKERS = {"sgd": sgd, "adam": adam, "adamw": adamw}


def make_optimizer(
    settings: formulas.Optimizer, *, clip: float | None
) -> keras.optimizers.Optimizer:
    """The task's optimizer; `clip` is as in the task's update."""
    return MAKERS[settings.kind](settings, clip)
