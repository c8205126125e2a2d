"""The modes of TensorFlow: how each runs a function of tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf


class Compiled:
    """A tf.function of `function`, which takes only tensors.

    Its traces are called directly: a tf.function examines its arguments in each call to find the
    trace, which costs a tenth and more of a small network's step. Here the first tensor's shape
    and the number of tensors tell the trace: within a task, the others' shapes follow from these.
    """

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool) -> None:
        # AutoGraph would find no Python control flow to rewrite in these functions.
        self._traced = tf.function(function, autograph=False, jit_compile=jit_compile)
        self._traces: dict[tuple[tf.TensorShape, int], Callable[..., Any]] = {}

    def __call__(self, *tensors: tf.Tensor) -> Any:
        key = tensors[0].shape, len(tensors)
        if key not in self._traces:
            self._traces[key] = self._traced.get_concrete_function(*tensors)
        return self._traces[key](*tensors)

    def programs(self, *, by_xla: bool) -> int:
        """How many graphs there are, or how many of them XLA compiles."""
        attributes = [trace.function_def.attr for trace in self._traces.values()]
        return sum(not by_xla or each["_XlaMustCompile"].b for each in attributes)


MODES: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "eager": lambda function: function,
    "compiled": partial(Compiled, jit_compile=False),
    "xla": partial(Compiled, jit_compile=True),
}
