"""TensorFlow/Keras's engine: devices, steps, optimizers, weights in and out, fences, memory."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.core.adapter import BatchFormat, Layout, match
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from bench.core.task import SGD, Parameter, Task
from bench.core.weights import Array
from frameworks.tensorflow_keras.modes import MODES
from frameworks.tensorflow_keras.precision import forward_in, scaled, set_policy, unscaled

LAYOUT = Layout(
    axes={
        "dense": (1, 0),  # (out, in) -> (in, out)
        "conv": (2, 3, 1, 0),  # (out, in, height, width) -> (height, width, in, out)
        "lstm_input": (1, 0),  # (4 * hidden, in) -> (in, 4 * hidden); the gates' order is the same
        "lstm_recurrent": (1, 0),
        "gru_input": (1, 0),  # (3 * hidden, in) -> (in, 3 * hidden)
        "gru_recurrent": (1, 0),
    },
    gates=dict.fromkeys(  # reset, update, new -> update, reset, new
        ("gru_input", "gru_recurrent", "gru_bias", "gru_recurrent_bias"), (1, 0, 2)
    ),
    channels_last=True,
)

# Under which attribute of the layer Keras keeps a parameter of each kind.
NATIVE_NAMES = {
    "dense": "kernel",
    "conv": "kernel",
    "bias": "bias",
    "embedding": "embeddings",
    "lstm_input": "cell.kernel",
    "lstm_recurrent": "cell.recurrent_kernel",
    "lstm_bias": "cell.bias",
    "gru_input": "cell.kernel",
    "gru_recurrent": "cell.recurrent_kernel",
    "gru_bias": "cell.bias",
    "gru_recurrent_bias": "cell.bias",
    "norm_scale": "gamma",
    "norm_shift": "beta",
}

# Where that attribute holds two parameters, (2, 3 * hidden), the row of each.
ROWS = {"gru_bias": 0, "gru_recurrent_bias": 1}

LOSSES = {
    "softmax_cross_entropy": keras.losses.SparseCategoricalCrossentropy,
    "sigmoid_cross_entropy": keras.losses.BinaryCrossentropy,
}


def native_device(device: Device) -> str:
    """A device as TensorFlow names it."""
    return "GPU:0" if device == "cuda" else "CPU:0"


class Adam(keras.optimizers.Adam):
    """Adam with epsilon outside the bias correction, by TensorFlow's fused kernel.

    Keras adds epsilon to sqrt(v), not to sqrt(v_hat): the two agree when it is given
    epsilon * sqrt(1 - beta2**t). It writes the update with a dozen operators for each variable, of
    which each reads and writes all of it; ResourceApplyAdam reads and writes it once.
    """

    def _backend_update_step(
        self,
        grads: Sequence[tf.Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: tf.Tensor,
    ) -> None:
        dtype = tf.as_dtype(keras.config.floatx())
        # 1 - beta**t in float32 is off by 1e-5, relative, so the bias correction is in float64. It
        # is that of the betas as the kernel rounds them: 1 - float32(0.999) is off by 1.3e-5,
        # relative, but it scales v and its correction alike. What remains in float32 is the
        # rounding of the decay itself: 1.3e-8, relative, for each step.
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


class KerasSession:
    # Integers of 64 bits, because TensorFlow keeps those of 32 bits in the host's memory.
    format = BatchFormat(channels_last=True, labels="int64", tokens="int64")

    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        if mode not in MODES:
            raise UnsupportedError(f"mode {mode!r}; TensorFlow/Keras has: {', '.join(MODES)}")
        self._task = task
        self._device = native_device(setting.device)
        module = importlib.import_module(f"frameworks.tensorflow_keras.models.{task.network}")
        self._model: keras.Model = module.build(task)
        if mode == "xla":
            self._forbid_cudnn()
        self._network = forward_in(setting.precision, self._model)
        self._params = match(task, self._native)
        self._variables = list({one.path: one for one in self._params.values()}.values())
        self._optimizer = scaled(setting.precision, self._make_optimizer())
        # Now, because a tf.function must not make variables in its second trace.
        self._optimizer.build(self._variables)
        self._initial = [variable.numpy() for variable in self._optimizer.variables]
        self._criterion = LOSSES[task.loss](from_logits=True)
        wrap = MODES[mode]
        self._train_step = wrap(self._train)
        self._gradients_step = wrap(self._gradients)
        self._forward = wrap(self._evaluate)

    def _forbid_cudnn(self) -> None:
        """XLA cannot compile cuDNN's fused layers, which Keras would take on a GPU."""
        for layer in self._model.layers:
            if isinstance(layer, (keras.layers.LSTM, keras.layers.GRU)):
                layer.use_cudnn = False

    def _native(self, parameter: Parameter) -> keras.Variable:
        """The variable in which Keras keeps a canonical parameter."""
        layer = self._model.get_layer(parameter.name.rpartition(".")[0])
        return operator.attrgetter(NATIVE_NAMES[parameter.kind])(layer)

    def _make_optimizer(self) -> keras.optimizers.Optimizer:
        settings = self._task.optimizer
        if isinstance(settings, SGD):
            # NumPy's float, because Keras would round Python's to float32, in float64 as well.
            momentum = np.float64(settings.momentum)
            return keras.optimizers.SGD(settings.learning_rate, momentum=momentum)
        return Adam(
            settings.learning_rate,
            beta_1=settings.beta1,
            beta_2=settings.beta2,
            epsilon=settings.epsilon,
        )

    def load(self, params: Mapping[str, Array]) -> None:
        for parameter in self._task.parameters:
            # A slice, though of the whole where no other parameter is in it: what is assigned to
            # one is copied, and TensorFlow may train in the memory of what a variable is given.
            place = self._params[parameter.name].value[ROWS.get(parameter.kind, ...)]
            native = LAYOUT.to_native(parameter, params[parameter.name], place.shape)
            place.assign(native.astype(keras.config.floatx(), copy=False))
        # In place: a compiled step holds on to these variables.
        for variable, initial in zip(self._optimizer.variables, self._initial, strict=True):
            variable.assign(initial.copy())
        for layer in self._model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.moving_mean.assign(tf.zeros_like(layer.moving_mean))
                layer.moving_variance.assign(tf.ones_like(layer.moving_variance))

    def dump(self) -> dict[str, Array]:
        return self._canonical(self._params)

    def _canonical(self, tensors: Mapping[str, Any]) -> dict[str, Array]:
        return {
            p.name: LAYOUT.to_canonical(p, tensors[p.name].numpy()[ROWS.get(p.kind, ...)])
            for p in self._task.parameters
        }

    def parameter_count(self) -> int:
        return sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)

    def stage(self, x: Array, y: Array) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.device(self._device):
            return self._tensor(x), self._tensor(y)

    def _tensor(self, array: Array) -> tf.Tensor:
        if array.dtype.kind == "f":
            return tf.constant(array, keras.config.floatx())
        return tf.constant(array)

    def _train(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        loss, gradients = self._loss_and_gradients(x, y)
        self._optimizer.apply(gradients)
        return loss

    def _gradients(self, x: tf.Tensor, y: tf.Tensor) -> list[tf.Tensor]:
        return unscaled(self._loss_and_gradients(x, y)[1], self._optimizer)

    def _loss_and_gradients(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss = self._criterion(y, self._network(x, training=True))
            to_propagate = self._optimizer.scale_loss(loss)
        gradients = tape.gradient(to_propagate, self._variables)
        # An embedding's gradient comes as IndexedSlices with a row for each token: rows of the same
        # token must be summed before Adam squares them.
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _evaluate(self, x: tf.Tensor) -> tf.Tensor:
        return self._network(x, training=False)

    def step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, y = batch
        return self._train_step(x, y)

    def logits(self, batch: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        return self._forward(batch[0])

    def grads(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Array]:
        x, y = batch
        paths = (variable.path for variable in self._variables)
        found = dict(zip(paths, self._gradients_step(x, y), strict=True))
        return self._canonical({name: found[one.path] for name, one in self._params.items()})

    def numpy(self, value: tf.Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def sync(self) -> None:
        tf.test.experimental.sync_devices()

    def peak_device_bytes(self) -> int | None:
        if "GPU" in self._device:
            return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
        return None

    def close(self) -> None:
        self._params.clear()


class KerasAdapter:
    def set_up(self, setting: Setting) -> None:
        gpus = tf.config.list_physical_devices("GPU")
        if setting.device == "cuda" and not gpus:
            raise UnsupportedError(f"tensorflow {tf.__version__} finds no CUDA device here")
        if setting.device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        for gpu in gpus:
            # As much as the training needs, where TensorFlow would take all the memory there is.
            tf.config.experimental.set_memory_growth(gpu, True)
        # Both pools, as TensorFlow sizes them by itself on a machine of so many cores.
        tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
        tf.config.threading.set_inter_op_parallelism_threads(setting.threads)
        set_policy(setting.precision)
        keras.config.set_image_data_format("channels_last")

    def versions(self, device: Device) -> dict[str, str]:
        versions = {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        }
        if device == "cuda":
            build = tf.sysconfig.get_build_info()
            versions["cuda"] = build["cuda_version"]
            versions["cudnn"] = build["cudnn_version"]
        return versions

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> KerasSession:
        keras.utils.set_random_seed(seed)
        return KerasSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        with tf.device(native_device(device)):
            left, right = tf.constant(a), tf.constant(b)

        def run() -> None:
            tf.matmul(left, right)
            tf.test.experimental.sync_devices()

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        with tf.device(native_device(device)):
            sums, addends = tf.Variable(total), tf.constant(addend)

        def run() -> None:
            sums.assign_add(addends)
            tf.test.experimental.sync_devices()

        return run


ADAPTER: Any = KerasAdapter()
