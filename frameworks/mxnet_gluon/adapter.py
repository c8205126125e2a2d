"""MXNet Gluon's engine: devices, steps, optimizers, weights in and out, fences, memory."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from frameworks.mxnet_gluon import numpy_names

numpy_names.restore()  # before the import of MXNet, which looks them up

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon  # noqa: E402
from mxnet.ndarray import NDArray  # noqa: E402

from bench.core.adapter import BatchFormat, Layout, match  # noqa: E402
from bench.core.denormals import flush_denormals  # noqa: E402
from bench.core.errors import UnsupportedError  # noqa: E402
from bench.core.setting import Device, Precision, Setting, storage_dtype  # noqa: E402
from bench.core.task import Parameter, Task  # noqa: E402
from bench.core.weights import Array  # noqa: E402
from frameworks.mxnet_gluon.optimizers import make_optimizer  # noqa: E402
from frameworks.mxnet_gluon.precision import (  # noqa: E402
    forward_in,
    scale_by_trainer,
    scaled,
    set_operators,
    unscaled,
)

LAYOUT = Layout(axes={})  # Gluon's axes are the canonical ones

# Canonical name endings to Gluon's own; any other name is the block's attribute as it stands.
NATIVE_NAMES = {
    "lstm_input": ("input_weight", "l0_i2h_weight"),
    "lstm_recurrent": ("recurrent_weight", "l0_h2h_weight"),
    "lstm_bias": ("bias", "l0_i2h_bias"),
    "gru_input": ("input_weight", "l0_i2h_weight"),
    "gru_recurrent": ("recurrent_weight", "l0_h2h_weight"),
    "gru_bias": ("bias", "l0_i2h_bias"),
    "gru_recurrent_bias": ("recurrent_bias", "l0_h2h_bias"),
    "norm_scale": ("weight", "gamma"),
    "norm_shift": ("bias", "beta"),
}

LOSSES = {
    "softmax_cross_entropy": gluon.loss.SoftmaxCrossEntropyLoss,
    "sigmoid_cross_entropy": gluon.loss.SigmoidBinaryCrossEntropyLoss,
}

MODES = ("eager", "compiled")


def native_name(parameter: Parameter) -> str:
    """The name under which Gluon keeps a canonical parameter: the layer's, a dot, the weight's."""
    canonical, native = NATIVE_NAMES.get(parameter.kind, ("", ""))
    return parameter.name.removesuffix(canonical) + native


def child(block: gluon.Block, name: str) -> gluon.Block:
    """A block's attribute; of a sequence, which a number asks for, the block at that place."""
    return block[int(name)] if name.isdigit() else getattr(block, name)


def context(device: Device) -> mx.Context:
    """A device as MXNet names it."""
    return mx.gpu() if device == "cuda" else mx.cpu()


class Objective(gluon.HybridBlock):
    """A batch's losses: one block, so that network and loss are compiled into one graph."""

    def __init__(
        self, model: gluon.HybridBlock, criterion: gluon.loss.Loss, precision: Precision
    ) -> None:
        super().__init__()
        self.model = model
        self._forward = forward_in(precision, model)
        self.criterion = criterion

    def hybrid_forward(self, F: Any, x: Any, y: Any) -> Any:  # noqa: N803
        return self.criterion(self._forward(x), y)  # (N,)


class MXNetGluonSession:
    # MXNet's own tutorials keep indices as float32; integers are exact, and 32 bits are enough.
    format = BatchFormat(labels="int32", tokens="int32")

    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        if mode not in MODES:
            raise UnsupportedError(f"MXNet Gluon has no mode {mode!r}; it has: {', '.join(MODES)}")
        self._task = task
        self._device = context(setting.device)
        self._precision = precision = setting.precision
        self._dtype = storage_dtype(precision)
        self._objective: Callable[[NDArray, NDArray], NDArray]
        module = importlib.import_module(f"frameworks.mxnet_gluon.models.{task.network}")
        self._model: gluon.HybridBlock = module.build(task)
        self._model.cast(self._dtype)
        self._pin_second_bias()
        self._model.initialize(ctx=self._device)
        self._params = match(task, self._native)
        self._trainer = gluon.Trainer(
            list(self._params.values()),
            make_optimizer(task.optimizer, self._dtype),
            kvstore=None,  # one device: no store to send gradients through
        )
        self._forward = forward = forward_in(precision, self._model)
        criterion = LOSSES[task.loss]()
        if mode == "compiled":
            block = Objective(self._model, criterion, precision)
            # Shapes are the same at each step, so memory is planned once, and kept.
            static = (
                {"static_alloc": True, "static_shape": True} if setting.tuning == "expert" else {}
            )
            block.hybridize(**static)
            self._objective = block
        else:
            # No block: calling one takes a twentieth of a small network's step.
            self._objective = lambda x, y: criterion(forward(x), y)

    def _pin_second_bias(self) -> None:
        """The task has one bias vector in an LSTM: the second stays zero, untrained."""
        for block in self._model._children.values():
            if isinstance(block, gluon.rnn.LSTM):
                block.l0_h2h_bias.grad_req = "null"

    def _native(self, parameter: Parameter) -> gluon.Parameter:
        *layers, weight = native_name(parameter).split(".")
        native: gluon.Parameter = getattr(reduce(child, layers, self._model), weight)
        return native

    def load(self, params: Mapping[str, Array]) -> None:
        for parameter in self._task.parameters:
            param = self._params[parameter.name]
            native = LAYOUT.to_native(parameter, params[parameter.name], param.shape)
            param.set_data(mx.nd.array(native, ctx=self._device, dtype=self._dtype))
        # Trainer has no reset of its own. In place, so that no step has to allocate.
        optimizer = self._trainer.optimizer
        optimizer.num_update = optimizer.begin_num_update
        for counts in optimizer._all_index_update_counts.values():
            counts.clear()  # one for each device
        for state in self._trainer._updaters[0].states.values():
            for value in state if isinstance(state, tuple) else (state,):
                if value is not None:
                    value[:] = 0
        for name, param in self._model.collect_params(".*_running_(mean|var)").items():
            param.data()[:] = 1 if name.endswith("_var") else 0
        scale_by_trainer(self._precision, self._trainer)

    def dump(self) -> dict[str, Array]:
        return self._canonical({name: p.data() for name, p in self._params.items()})

    def _canonical(self, tensors: Mapping[str, NDArray]) -> dict[str, Array]:
        return {
            p.name: LAYOUT.to_canonical(p, tensors[p.name].asnumpy()) for p in self._task.parameters
        }

    def parameter_count(self) -> int:
        every = self._model.collect_params().values()
        return sum(int(np.prod(p.shape)) for p in every if p.grad_req != "null")

    def stage(self, x: Array, y: Array) -> tuple[NDArray, NDArray]:
        return self._tensor(x), self._tensor(y)

    def _tensor(self, array: Array) -> NDArray:
        if array.dtype.kind == "f":
            array = array.astype(self._dtype, copy=False)
        if self._device.device_type == "cpu":
            # In the array's own memory, as PyTorch's from_numpy. Of a view, because MXNet bars its
            # argument from being written to, and the next window is laid out in that memory.
            return mx.nd.from_numpy(array.view(), zero_copy=True)
        # A type must be named: without one, MXNet makes float32 of integers too.
        return mx.nd.array(array, ctx=self._device, dtype=array.dtype)

    def step(self, batch: tuple[NDArray, NDArray]) -> NDArray:
        x, y = batch
        with autograd.record():
            losses = self._objective(x, y)
            to_propagate = scaled(self._precision, losses, self._trainer)
        to_propagate.backward()  # of their sum: as Gluon's users do, the trainer divides it
        self._trainer.step(len(losses))
        return losses.mean()

    def logits(self, batch: tuple[NDArray, NDArray]) -> NDArray:
        return self._forward(batch[0])

    def grads(self, batch: tuple[NDArray, NDArray]) -> dict[str, Array]:
        x, y = batch
        with autograd.record():
            losses = self._objective(x, y)
            to_propagate = scaled(self._precision, losses, self._trainer)
        to_propagate.backward()
        return self._canonical(
            {
                name: unscaled(self._precision, p.grad(), self._trainer) / len(losses)
                for name, p in self._params.items()
            }
        )

    def numpy(self, value: NDArray) -> Array:
        array: Array = value.asnumpy()
        return array.reshape(()) if array.shape == (1,) else array  # MXNet's scalars are vectors

    def sync(self) -> None:
        mx.nd.waitall()

    def peak_device_bytes(self) -> int | None:
        if self._device.device_type == "gpu":
            # MXNet's pool gives nothing back while the process lives: what is held is the peak.
            free, total = mx.context.gpu_memory_info(self._device.device_id)
            return int(total - free)
        return None

    def close(self) -> None:
        mx.nd.waitall()
        self._params.clear()


class MXNetGluonAdapter:
    def set_up(self, setting: Setting) -> None:
        if setting.tuning == "expert":
            flush_denormals()  # before anything is computed, as MXNet's threads start with that
        if setting.device == "cuda":
            self._check_gpu()
        # Threads are those of OMP_NUM_THREADS, which MXNet reads when it is imported.
        set_operators(setting.precision, context(setting.device))

    def _check_gpu(self) -> None:
        """Use it once: a card newer than the kernels is found, but fails at its first use."""
        try:
            if not mx.context.num_gpus():
                raise UnsupportedError(f"mxnet {mx.__version__} finds no CUDA device here")
            mx.nd.ones((1,), ctx=mx.gpu()).wait_to_read()
        except mx.MXNetError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UnsupportedError(
                f"mxnet {mx.__version__} cannot use the CUDA device here: {reason}"
            ) from error

    def versions(self, device: Device) -> dict[str, str]:
        versions = {"mxnet": str(mx.__version__), "numpy": np.__version__}
        if device == "cuda":
            versions["cuda"] = "11.2"  # the one that the distribution mxnet-cu112 is built for
        return versions

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> MXNetGluonSession:
        mx.random.seed(seed)
        return MXNetGluonSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = (mx.nd.array(one, ctx=context(device)) for one in (a, b))
        product = mx.nd.empty(left.shape, ctx=context(device))

        def run() -> None:
            mx.nd.dot(left, right, out=product)
            product.wait_to_read()

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = (mx.nd.array(one, ctx=context(device)) for one in (total, addend))

        def run() -> None:
            mx.nd.elemwise_add(sums, addends, out=sums)
            sums.wait_to_read()

        return run


ADAPTER: Any = MXNetGluonAdapter()
