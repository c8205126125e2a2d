"""MXNet Gluon's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from frameworks.mxnet_gluon import numpy_names

numpy_names.restore()  # before the import of MXNet, which looks them up

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon  # noqa: E402
from mxnet.ndarray import NDArray  # noqa: E402

from bench.core.adapter import BatchFormat, network_module, require_mode  # noqa: E402
from bench.core.denormals import flush_denormals  # noqa: E402
from bench.core.errors import UnsupportedError  # noqa: E402
from bench.core.layout import Layout, NetworkWeights, recurrent_names  # noqa: E402
from bench.core.setting import Device, Precision, Setting, storage_dtype  # noqa: E402
from bench.core.task import Task  # noqa: E402
from bench.core.weights import Array  # noqa: E402
from frameworks.mxnet_gluon.optimizers import make_optimizer, reset  # noqa: E402
from frameworks.mxnet_gluon.precision import (  # noqa: E402
    forward_in,
    scale_by_trainer,
    scaled,
    set_operators,
    unscaled,
)

LAYOUT = Layout(
    names={
        **recurrent_names(
            inputs="l0_i2h_weight",
            recurrent="l0_h2h_weight",
            bias="l0_i2h_bias",
            recurrent_bias="l0_h2h_bias",
        ),
        "norm_scale": "gamma",
        "norm_shift": "beta",
    }
)

LOSSES = {
    "softmax_cross_entropy": gluon.loss.SoftmaxCrossEntropyLoss,
    "sigmoid_cross_entropy": gluon.loss.SigmoidBinaryCrossEntropyLoss,
}

MODES = ("eager", "compiled")


def child(block: gluon.Block, name: str) -> Any:
    """A block's attribute, or the block at a place of a sequence if `name` is a number."""
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
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        self._context = context(setting.device)
        self._on_cpu = setting.device == "cpu"
        self._precision = setting.precision
        dtype = storage_dtype(setting.precision)
        # MXNet's own tutorials use float32 for indices; integers are exact, and 32 bits are enough.
        self.format = BatchFormat(floats=dtype, labels="int32", tokens="int32")
        self._model: gluon.HybridBlock = network_module(__package__, task).build(task)
        self._model.cast(dtype)
        self._pin_second_bias()
        self._model.initialize(ctx=self._context)
        self._weights: NetworkWeights[gluon.Parameter] = NetworkWeights(
            task,
            LAYOUT,
            dtype,
            lambda parameter: reduce(child, LAYOUT.native_name(parameter).split("."), self._model),
        )
        self._trainer = gluon.Trainer(
            self._weights.tensors,
            make_optimizer(task.optimizer, dtype),
            kvstore=None,  # one device: no store to send gradients through
        )
        self._forward = forward = forward_in(setting.precision, self._model)
        criterion = LOSSES[task.loss]()
        self._objective: Callable[[NDArray, NDArray], NDArray]
        if mode == "compiled":
            block = Objective(self._model, criterion, setting.precision)
            # Shapes are the same at each step, so memory is planned and allocated only once.
            expert = setting.tuning == "expert"
            block.hybridize(**({"static_alloc": True, "static_shape": True} if expert else {}))
            self._objective = block
        else:
            # A function: calling a block takes a twentieth of a small network's step.
            self._objective = lambda x, y: criterion(forward(x), y)

    def _pin_second_bias(self) -> None:
        """Keep the second bias of an LSTM zero and untrained, because the task has only one."""
        for block in self._model._children.values():
            if isinstance(block, gluon.rnn.LSTM):
                block.l0_h2h_bias.grad_req = "null"

    def load(self, params: Mapping[str, Array]) -> None:
        for param, native in self._weights.to_load(params):
            param.set_data(mx.nd.array(native, ctx=self._context, dtype=native.dtype))
        reset(self._trainer)
        for name, param in self._model.collect_params(".*_running_(mean|var)").items():
            param.data()[:] = 1 if name.endswith("_var") else 0
        scale_by_trainer(self._precision, self._trainer)

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(lambda param: param.data().asnumpy())

    def parameter_count(self) -> int:
        every = self._model.collect_params().values()
        return sum(int(np.prod(p.shape)) for p in every if p.grad_req != "null")

    def stage(self, x: Array, y: Array) -> tuple[NDArray, NDArray]:
        return self._tensor(x), self._tensor(y)

    def _tensor(self, array: Array) -> NDArray:
        if self._on_cpu:
            # Shares the array's memory, as PyTorch's from_numpy does. A view, because MXNet makes
            # its argument read-only, and the next window is laid out in the same memory.
            return mx.nd.from_numpy(array.view(), zero_copy=True)
        # The type must be given: without it, MXNet converts even integers to float32.
        return mx.nd.array(array, ctx=self._context, dtype=array.dtype)

    def step(self, batch: tuple[NDArray, NDArray]) -> NDArray:
        x, y = batch
        with autograd.record():
            losses = self._objective(x, y)
            to_propagate = scaled(self._precision, losses, self._trainer)
        to_propagate.backward()  # of the sum, which the trainer divides, as in Gluon's guides
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

        def mean_gradient(param: gluon.Parameter) -> Array:
            gradient = unscaled(self._precision, param.grad(), self._trainer) / len(losses)
            array: Array = gradient.asnumpy()
            return array

        return self._weights.canonical(mean_gradient)

    def numpy(self, value: NDArray) -> Array:
        array: Array = value.asnumpy()
        return array.reshape(()) if array.shape == (1,) else array  # MXNet's scalars are vectors

    def sync(self) -> None:
        mx.nd.waitall()

    def peak_device_bytes(self) -> int | None:
        if self._on_cpu:
            return None
        # MXNet's pool returns nothing while the process lives, so what it holds is the peak.
        free, total = mx.context.gpu_memory_info(self._context.device_id)
        return int(total - free)

    def close(self) -> None:
        mx.nd.waitall()


class MXNetGluonAdapter:
    def set_up(self, setting: Setting) -> None:
        if setting.tuning == "expert":
            flush_denormals()  # before anything is computed, which starts MXNet's threads
        if setting.device == "cuda":
            self._check_gpu()
        # Threads are set by OMP_NUM_THREADS, which MXNet reads when it is imported.
        set_operators(setting.precision, context(setting.device))

    def _check_gpu(self) -> None:
        """Try the GPU: one newer than MXNet's kernels is listed, but fails at its first use."""
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
            versions["cuda"] = "11.2"  # the version that the distribution mxnet-cu112 is built for
        return versions

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> MXNetGluonSession:
        mx.random.seed(seed)
        return MXNetGluonSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = (mx.nd.array(factor, ctx=context(device)) for factor in (a, b))
        product = mx.nd.empty(left.shape, ctx=context(device))

        def run() -> None:
            mx.nd.dot(left, right, out=product)
            product.wait_to_read()

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = (mx.nd.array(vector, ctx=context(device)) for vector in (total, addend))

        def run() -> None:
            mx.nd.elemwise_add(sums, addends, out=sums)
            sums.wait_to_read()

        return run


ADAPTER: Any = MXNetGluonAdapter()
