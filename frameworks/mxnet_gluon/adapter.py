"""MXNet Gluon's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np

from frameworks.mxnet_gluon import numpy_names

numpy_names.restore()  # before the import of MXNet, which looks them up

import mxnet as mx  # noqa: E402
from mxnet import autograd, gluon  # noqa: E402
from mxnet.ndarray import NDArray  # noqa: E402

from bench.core.adapter import (  # noqa: E402
    losses,
    named_outputs,
    network_module,
    require_mode,
)
from bench.core.arrays import Array  # noqa: E402
from bench.core.attention import INPUT_KINDS  # noqa: E402
from bench.core.denormals import flush_denormals  # noqa: E402
from bench.core.errors import UnsupportedError  # noqa: E402
from bench.core.layout import Layout, NetworkWeights  # noqa: E402
from bench.core.readers import BatchFormat  # noqa: E402
from bench.core.recurrent import recurrent_names  # noqa: E402
from bench.core.setting import Device, Setting, storage_dtype  # noqa: E402
from bench.core.task import Task  # noqa: E402
from frameworks.mxnet_gluon.graphs import sparse_matrix  # noqa: E402
from frameworks.mxnet_gluon.layers import attend_by_products  # noqa: E402
from frameworks.mxnet_gluon.losses import losses_in  # noqa: E402
from frameworks.mxnet_gluon.optimizers import (  # noqa: E402
    make_optimizer,
    mark_decay,
    reset,
    state_of,
)
from frameworks.mxnet_gluon.precision import (  # noqa: E402
    forward_in,
    scale_by_trainer,
    scaled,
    set_operators,
    unscaled,
)
from frameworks.mxnet_gluon.updates import CompiledLosses, Objective, UpdateStep  # noqa: E402

LAYOUT = Layout(
    axes={"graph": (1, 0)},  # (out, in) -> (in, out)
    names={
        **recurrent_names(
            inputs="{side}{depth}_i2h_weight",
            recurrent="{side}{depth}_h2h_weight",
            bias="{side}{depth}_i2h_bias",
            recurrent_bias="{side}{depth}_h2h_bias",
        ),
        "norm_scale": "gamma",
        "norm_shift": "beta",
        **dict.fromkeys(INPUT_KINDS, "qkv_weight"),
        "attention_output": "output.weight",
    },
    sides=("l", "r"),
    joined=dict.fromkeys(INPUT_KINDS, 0),
)

MODES = ("eager", "compiled")


def child(block: gluon.Block, name: str) -> Any:
    """A block's attribute, or the block at a place of a sequence if `name` is a number."""
    return block[int(name)] if name.isdigit() else getattr(block, name)


def context(device: Device) -> mx.Context:
    """A device as MXNet names it."""
    return mx.gpu() if device == "cuda" else mx.cpu()


class MXNetGluonSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        self._context = context(setting.device)
        self._on_cpu = setting.device == "cpu"
        self._precision = setting.precision
        dtype = storage_dtype(setting.precision)
        # MXNet's own tutorials use float32 for indices; integers are exact, and 32 bits are enough.
        self.format = BatchFormat(floats=dtype, labels="int32", tokens="int32")
        self._task = task
        module = network_module(__package__, task)
        self._model: gluon.HybridBlock = module.build(task)
        self._model.cast(dtype)
        if setting.precision != "float32":
            self._model.apply(attend_by_products)
        self._pin_second_bias()
        self._model.initialize(ctx=self._context)
        self._weights: NetworkWeights[gluon.Parameter] = NetworkWeights(
            task,
            LAYOUT,
            dtype,
            lambda parameter: reduce(child, LAYOUT.native_name(parameter).split("."), self._model),
            names=self._model._collect_params_with_prefix(),
        )
        self._forward = forward_in(setting.precision, self._model)
        self._inputs = slice(len(task.inputs))
        for update in task.updates:
            mark_decay(update.optimizer, self._weights.by_formula(update))
        named = losses_in(setting.precision, task)
        self._updates = [
            UpdateStep(
                self._losses_of(loss, mode=mode, expert=setting.tuning == "expert"),
                gluon.Trainer(
                    self._weights.moved_by(update),
                    make_optimizer(update.optimizer, dtype),
                    kvstore=None,  # one device: no store to send gradients through
                ),
                clip=update.clip,
            )
            for update, loss in zip(task.updates, losses(module, task, named), strict=True)
        ]

    def _losses_of(
        self, loss: Callable[..., Any], *, mode: str, expert: bool
    ) -> Callable[..., NDArray]:
        """An update's losses as a function of a batch's tensors, compiled if the mode is."""
        losses_of = partial(loss, self._forward)
        if mode != "compiled":
            # A function: calling a block takes a twentieth of a small network's step.
            return losses_of

        def make() -> Objective:
            block = Objective(self._model, losses_of)
            # Shapes are the same at each step, so memory is planned and allocated only once.
            block.hybridize(**({"static_alloc": True, "static_shape": True} if expert else {}))
            return block

        return CompiledLosses(make)

    def _pin_second_bias(self) -> None:
        """Keep the second bias of an LSTM zero and untrained, because the task has only one."""
        for block in self._model._children.values():
            if isinstance(block, gluon.rnn.LSTM):
                for name, param in block._reg_params.items():
                    if name.endswith("h2h_bias"):
                        param.grad_req = "null"

    def load(self, params: Mapping[str, Array]) -> None:
        for param, native in self._weights.to_load(params):
            param.set_data(mx.nd.array(native, ctx=self._context, dtype=native.dtype))
        for name, param in self._model.collect_params(".*_running_(mean|var)").items():
            param.data()[:] = 1 if name.endswith("_var") else 0
        for update in self._updates:
            reset(update.trainer)
            scale_by_trainer(self._precision, update.trainer)

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(lambda param: param.data().asnumpy())

    def parameter_count(self) -> int:
        every = self._model.collect_params().values()
        return sum(int(np.prod(p.shape)) for p in every if p.grad_req != "null")

    def state(self) -> dict[str, Array]:
        return self._weights.state(
            self._updates,
            lambda step, name, param: state_of(step.trainer, name, param).asnumpy(),
        )

    def stage(self, batch: Mapping[str, Array]) -> tuple[NDArray, ...]:
        sizes = self._task.matrices
        return tuple([self._tensor(array, sizes.get(name)) for name, array in batch.items()])

    def _tensor(self, array: Array, size: tuple[int, int] | None) -> NDArray:
        if size is not None:
            return sparse_matrix(array, size, self._context)
        if self._on_cpu:
            # Shares the array's memory, as PyTorch's from_numpy does. A view, because MXNet makes
            # its argument read-only, and the next window is laid out in the same memory.
            return mx.nd.from_numpy(array.view(), zero_copy=True)
        # The type must be given: without it, MXNet converts even integers to float32.
        return mx.nd.array(array, ctx=self._context, dtype=array.dtype)

    def step(self, batch: tuple[NDArray, ...]) -> tuple[NDArray, ...]:
        return tuple([self._updated(update, batch) for update in self._updates])

    def _updated(self, update: UpdateStep, batch: tuple[NDArray, ...]) -> NDArray:
        example_losses = self._propagated(update, batch)
        update.apply(len(example_losses))
        return example_losses.mean()

    def _propagated(self, update: UpdateStep, batch: tuple[NDArray, ...]) -> NDArray:
        """An update's losses, (N,). Leaves the gradients of their scaled sum in the parameters."""
        with autograd.record():
            example_losses = update.losses_of(*batch)
            to_propagate = scaled(self._precision, example_losses, update.trainer)
        to_propagate.backward()  # of the sum, which the trainer divides, as in Gluon's guides
        return example_losses

    def outputs(self, batch: tuple[NDArray, ...]) -> dict[str, NDArray]:
        return named_outputs(self._task, self._forward(*batch[self._inputs]))

    def gradients(self, batch: tuple[NDArray, ...]) -> dict[str, Array]:
        every: dict[str, Array] = {}
        for update, step in zip(self._task.updates, self._updates, strict=True):
            count = len(self._propagated(step, batch))

            def mean_gradient(
                param: gluon.Parameter, count: int = count, trainer: gluon.Trainer = step.trainer
            ) -> Array:
                gradient = unscaled(self._precision, param.grad(), trainer) / count
                array: Array = gradient.asnumpy()
                return array

            every |= self._weights.canonical(mean_gradient, update=update)
        return every

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

    def compiled_programs(self) -> int | None:
        every = (update.losses_of for update in self._updates)
        return sum(losses.programs for losses in every if isinstance(losses, CompiledLosses))

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

    def debugging_aids(self) -> list[str]:
        engine = os.environ.get("MXNET_ENGINE_TYPE")  # as MXNet has read it, too
        return ["MXNET_ENGINE_TYPE=NaiveEngine"] if engine == "NaiveEngine" else []

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
