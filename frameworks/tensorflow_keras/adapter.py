"""TensorFlow's engine, with Keras's layers: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.readers import BatchFormat
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from frameworks.keras import on_tensorflow
from frameworks.keras.graphs_on_tensorflow import product, product_by_segments, sparse_matrix
from frameworks.keras.precision import Forward, set_policy
from frameworks.keras.weights import Place, moved_by, spared_by, weights_of
from frameworks.tensorflow_keras.losses import losses_in
from frameworks.tensorflow_keras.modes import MODES, Compiled
from frameworks.tensorflow_keras.updates import UpdateStep


def directions(layer: keras.Layer) -> tuple[keras.Layer, ...]:
    """The layers inside a bidirectional one; otherwise the layer itself."""
    if isinstance(layer, keras.layers.Bidirectional):
        return layer.forward_layer, layer.backward_layer
    return (layer,)


class KerasSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        self._mode = mode
        self._device = on_tensorflow.native_device(setting.device)
        floats = storage_dtype(setting.precision)
        # Integers of 64 bits, because TensorFlow keeps those of 32 bits in the host's memory.
        self.format = BatchFormat(channels_last=True, floats=floats, labels="int64", tokens="int64")
        self._task = task
        module = network_module("frameworks.keras", task)
        self._model: keras.Model = module.build(task)
        on_tensorflow.choose_operators(self._model, setting)
        self._choose_operators()
        training = Forward(self._model, setting.precision, training=True)
        self._evaluating = Forward(self._model, setting.precision, training=False)
        self._inputs = slice(len(task.inputs))
        self._weights = weights_of(self._model, task, floats)
        named = losses_in(mode, setting.precision)
        self._updates = [
            UpdateStep(
                partial(loss, training),
                update.optimizer,
                variables=moved_by(self._weights, update),
                spared=spared_by(self._weights, update),
                clip=update.clip,
                precision=setting.precision,
            )
            for update, loss in zip(task.updates, losses(module, task, named), strict=True)
        ]
        wrap = MODES[mode]
        self._train_step = wrap(self._train)
        self._gradients_step = wrap(self._gradients)
        self._forward = wrap(self._evaluate)

    def _choose_operators(self) -> None:
        """Let layers compute by TensorFlow's operators, under XLA by those that it can compile.

        It lacks cuDNN's fused layers, and sparse products.
        """
        is_xla = self._mode == "xla"
        for layer in self._model.layers:
            if hasattr(layer, "product"):
                layer.product = product_by_segments if is_xla else product
            for part in directions(layer):
                if is_xla and isinstance(part, (keras.layers.LSTM, keras.layers.GRU)):
                    part.use_cudnn = False

    def load(self, params: Mapping[str, Array]) -> None:
        # Whole variables: once a slice of one is assigned, TensorFlow copies it at each read, which
        # made a step of digits-ctc 15 % longer. Copies, as it may train in an array's memory.
        for place, native in self._weights.to_load(params):
            whole = np.array(place.variable)
            whole[place.row] = native
            place.variable.assign(whole)
        for update in self._updates:
            update.reset()
        for layer in self._model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.moving_mean.assign(tf.zeros_like(layer.moving_mean))
                layer.moving_variance.assign(tf.ones_like(layer.moving_variance))

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(lambda place: place.variable.numpy()[place.row])

    def parameter_count(self) -> int:
        return sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)

    def state(self) -> dict[str, Array]:
        return self._weights.state(
            self._updates,
            lambda step, name, place: step.state(name, place.variable)[place.row],
        )

    def stage(self, batch: Mapping[str, Array]) -> tuple[tf.Tensor, ...]:
        matrices = self._task.matrices
        with tf.device(self._device):
            return tuple(
                [
                    sparse_matrix(array, matrices[name]) if name in matrices else tf.constant(array)
                    for name, array in batch.items()
                ]
            )

    def step(self, batch: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
        trained: tuple[tf.Tensor, ...] = self._train_step(*batch)
        return trained

    def outputs(self, batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        return named_outputs(self._task, self._forward(*batch[self._inputs]))

    def gradients(self, batch: tuple[tf.Tensor, ...]) -> dict[str, Array]:
        gradients: dict[str, tf.Tensor] = {}
        for update, own in zip(self._updates, self._gradients_step(*batch), strict=True):
            paths = (variable.path for variable in update.variables)
            gradients |= zip(paths, own, strict=True)

        def read(place: Place) -> Array:
            array: Array = gradients[place.variable.path].numpy()[place.row]
            return array

        every: dict[str, Array] = {}
        for update in self._task.updates:
            every |= self._weights.canonical(read, update=update)
        return every

    def numpy(self, value: tf.Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def sync(self) -> None:
        tf.test.experimental.sync_devices()

    def peak_device_bytes(self) -> int | None:
        if self._device == "CPU:0":
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def compiled_programs(self) -> int | None:
        if not isinstance(self._train_step, Compiled):
            return 0
        return self._train_step.programs(by_xla=self._mode == "xla")

    def close(self) -> None:
        """The session's objects are all that it holds."""

    def _train(self, *batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple([update.apply(batch) for update in self._updates])

    def _gradients(self, *batch: tf.Tensor) -> list[list[tf.Tensor]]:
        return [update.gradients(batch) for update in self._updates]

    def _evaluate(self, *inputs: tf.Tensor) -> Any:
        return self._evaluating(*inputs)


class KerasAdapter:
    def set_up(self, setting: Setting) -> None:
        on_tensorflow.set_up(setting)
        set_policy(setting.precision)
        keras.config.set_image_data_format("channels_last")

    def versions(self, device: Device) -> dict[str, str]:
        own = {"keras": keras.__version__, "numpy": np.__version__}
        return on_tensorflow.versions(device) | own

    def debugging_aids(self) -> list[str]:
        return on_tensorflow.debugging_aids()

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> KerasSession:
        keras.utils.set_random_seed(seed)
        return KerasSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        return on_tensorflow.matmul(a, b, device)

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        return on_tensorflow.accumulate(total, addend, device)


ADAPTER: Any = KerasAdapter()
