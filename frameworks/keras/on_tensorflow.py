"""Keras on TensorFlow."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops
from tensorflow.python.eager import context

from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting
from frameworks.keras.exact_ctc import exact_ctc
from frameworks.keras.graphs_on_tensorflow import HeldMatrix, product, product_by_segments
from frameworks.keras.layers import Dropout

MODES = ("fit", "eager", "train_on_batch", "xla")
# TensorFlow keeps integers of 32 bits in the host's memory.
INTEGERS = "int64"


def native_device(device: Device) -> str:
    """A device as TensorFlow names it."""
    return "GPU:0" if device == "cuda" else "CPU:0"


def set_up(setting: Setting) -> None:
    gpus = tf.config.list_physical_devices("GPU")
    if setting.device == "cuda" and not gpus:
        raise UnsupportedError(f"tensorflow {tf.__version__} finds no CUDA device here")
    if setting.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    for gpu in gpus:
        # Allocate as needed: by default TensorFlow takes all of the memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    # Both pools get the size that TensorFlow chooses on a machine with so many cores.
    tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
    tf.config.threading.set_inter_op_parallelism_threads(setting.threads)
    tf.config.experimental.enable_tensor_float_32_execution(setting.precision == "tf32")


def dropout(x: tf.Tensor, rate: float, seeds: keras.random.SeedGenerator) -> tf.Tensor:
    """Keras's operator, but by Philox: XLA's own choice on a CPU is 20 times as slow."""
    seed = tf.cast(tf.math.floormod(seeds.next(), tf.int32.max - 1), tf.int32)  # as Keras does
    return tf.nn.experimental.stateless_dropout(x, rate, seed=seed, rng_alg="philox")


def choose_operators(model: keras.Model, setting: Setting) -> None:
    """Have layers compute by the fastest operators, unless the tuning is what comes by default."""
    for layer in model.layers:
        if setting.tuning == "expert" and isinstance(layer, Dropout):
            layer.drop = dropout


def choose_products(model: keras.Model, mode: str) -> None:
    """TensorFlow's own sparse product, but for XLA, which cannot compile it."""
    is_xla = mode == "xla"
    for layer in model.layers:
        if hasattr(layer, "product"):
            layer.product = product_by_segments if is_xla else product
            layer.supports_jit = is_xla  # which "auto" asks for on a GPU


def held_matrix(size: tuple[int, int], entries: int, setting: Setting) -> HeldMatrix:
    return HeldMatrix(size, entries, setting)


def check(model: keras.Model, mode: str, *, updates: int) -> None:
    """Every model can be trained in every mode."""


def versions(device: Device) -> dict[str, str]:
    found = {"tensorflow": tf.__version__}
    if device == "cuda":
        build = tf.sysconfig.get_build_info()
        found |= {"cuda": build["cuda_version"], "cudnn": build["cudnn_version"]}
    return found


def debugging_aids() -> list[str]:
    aids = {
        "tf.config.run_functions_eagerly": tf.config.functions_run_eagerly(),
        "tf.debugging.enable_check_numerics or enable_dump_debug_info": bool(
            context.context().op_callbacks
        ),
        "tf.debugging.set_log_device_placement": tf.debugging.get_log_device_placement(),
    }
    return [name for name, is_on in aids.items() if is_on]


def sync(variables: Sequence[keras.Variable]) -> None:
    tf.test.experimental.sync_devices()


def peak_device_bytes() -> int:
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def compiled_programs(model: keras.Model) -> int:
    """Graphs of one step, inside the function that Keras calls for every step."""
    if model.train_function is None:
        return 0
    step = inspect.getclosurevars(model.train_function).nonlocals["one_step_on_data"].__wrapped__
    traced = getattr(step, "experimental_get_tracing_count", None)
    return int(traced()) if traced else 0


def gradients(
    loss_of: Callable[[], tf.Tensor], variables: Sequence[keras.Variable]
) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
        loss = loss_of()
    found = tape.gradient(loss, [variable.value for variable in variables])
    return [dense(gradient) for gradient in found]


def update(
    model: keras.Model,
    loss_of: Callable[[], tf.Tensor],
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
) -> tf.Tensor:
    with tf.GradientTape() as tape:
        loss = loss_of()
        to_propagate = optimizer.scale_loss(loss)
    found = tape.gradient(to_propagate, [variable.value for variable in variables])
    optimizer.apply(found, variables)
    return loss


def ctc(logits: tf.Tensor, letters: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    if logits.dtype == tf.float64:  # of which Keras would compute in float32
        return exact_ctc(logits, letters, counts)
    return ops.ctc_loss(letters, logits, ops.sum(letters != 0, 1), counts)


def dense(gradient: Any) -> tf.Tensor:
    """An embedding's gradient comes as IndexedSlices with a row for each token."""
    return tf.convert_to_tensor(gradient)


def release() -> None:
    """Nothing is left."""


def matmul(a: Array, b: Array, device: Device) -> Callable[[], None]:
    with tf.device(native_device(device)):
        left, right = tf.constant(a), tf.constant(b)

    def run() -> None:
        tf.matmul(left, right)
        tf.test.experimental.sync_devices()

    return run


def accumulate(total: Array, addend: Array, device: Device) -> Callable[[], None]:
    with tf.device(native_device(device)):
        sums, addends = tf.Variable(total), tf.constant(addend)

    def run() -> None:
        sums.assign_add(addends)
        tf.test.experimental.sync_devices()

    return run
