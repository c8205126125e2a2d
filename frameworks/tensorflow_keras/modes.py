"""The modes of TensorFlow/Keras: how each runs a function of tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf


def compiled(function: Callable[..., Any], *, jit_compile: bool) -> Callable[..., Any]:
    """A tf.function of `function`, which takes only tensors.

    Its traces are called directly: a tf.function examines its arguments in each call to find the
    trace, which costs a tenth and more of a small network's step. Here the first tensor's shape
    tells the trace: within a task, the shapes of the others follow from it.
    """
    # AutoGraph would find no Python control flow to rewrite in these functions.
    traced = tf.function(function, autograph=False, jit_compile=jit_compile)
    traces: dict[tf.TensorShape, Callable[..., Any]] = {}

    def call(*tensors: tf.Tensor) -> Any:
        shape = tensors[0].shape
        if shape not in traces:
            traces[shape] = traced.get_concrete_function(*tensors)
        return traces[shape](*tensors)

    return call


MODES: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "eager": lambda function: function,
    "compiled": partial(compiled, jit_compile=False),
    "xla": partial(compiled, jit_compile=True),
}
