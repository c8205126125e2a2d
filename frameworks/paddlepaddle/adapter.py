"""PaddlePaddle's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.attention import INPUT_KINDS, KINDS
from bench.core.denormals import flush_denormals
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights
from bench.core.readers import BatchFormat
from bench.core.recurrent import recurrent_names
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from frameworks.paddlepaddle.graphs import staged
from frameworks.paddlepaddle.losses import LOSSES
from frameworks.paddlepaddle.optimizers import make_optimizer, reset, state_of
from frameworks.paddlepaddle.precision import AUTO_CAST, casting, make_scaler

LAYOUT = Layout(
    axes=dict.fromkeys(("dense", "graph", *KINDS), (1, 0)),  # (out, in) -> (in, out)
    names={
        **recurrent_names(
            inputs="weight_ih_l{depth}{side}",
            recurrent="weight_hh_l{depth}{side}",
            bias="bias_ih_l{depth}{side}",
            recurrent_bias="bias_hh_l{depth}{side}",
        ),
        **dict.fromkeys(INPUT_KINDS, "qkv.weight"),
        "attention_output": "output.weight",
    },
    sides=("", "_reverse"),
    joined=dict.fromkeys(INPUT_KINDS, 1),
)

MODES = ("eager", "compiled")

# Flags of Paddle: a check of every result, and a wait after every operator.
DEBUGGING = ["FLAGS_check_nan_inf", "FLAGS_benchmark"]


def synchronize(device: Device) -> None:
    """Wait until the device has finished all work that was submitted to it.

    On the CPU, an operator or a compiled graph has run when the call returns.
    """
    if device != "cpu":
        paddle.device.synchronize()


class Objective(nn.Layer):
    """A network and a loss in one layer, so that `to_static` makes one graph of both."""

    def __init__(self, network: nn.Layer, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network = network
        self._loss = loss

    def forward(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of one argument, because `to_static` refuses a varying number."""
        return self._loss(self.network, *batch)


class UpdateStep:
    """One of the task's updates: its loss, and the optimizer of the weights that it moves."""

    def __init__(
        self,
        loss: Callable[..., Tensor],
        optimizer: paddle.optimizer.Optimizer,
        network: nn.Layer,
        *,
        is_compiled: bool,
    ) -> None:
        # A function: calling a layer of both would take a fiftieth of a small network's step.
        def loss_of(batch: tuple[Tensor, ...]) -> Tensor:
            return loss(network, *batch)

        self.eager_loss = self.loss = loss_of
        if is_compiled:
            self._objective = Objective(network, loss)  # Paddle does not keep it alive
            self.loss = paddle.jit.to_static(self._objective.forward, full_graph=True)
        self.optimizer = optimizer

    def programs(self) -> int:
        """How many programs Paddle has made of the loss; it keeps one for each kind of input."""
        return len(self.loss.program_cache) if hasattr(self.loss, "program_cache") else 0


class PaddleSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        self._task = task
        self._device = setting.device
        self._precision = setting.precision
        self._dtype = storage_dtype(setting.precision)
        self.format = BatchFormat(floats=self._dtype, labels="int64", tokens="int64")
        module = network_module(__package__, task)
        self._model: nn.Layer = module.build(task)
        self._pin_second_bias()
        params = dict(self._model.named_parameters())
        # Running means and variances are among them, untrained.
        self._every_param = [param for param in params.values() if param.trainable]
        self._weights = NetworkWeights(
            task,
            LAYOUT,
            self._dtype,
            lambda parameter: params[LAYOUT.native_name(parameter)],
            names=params,
        )
        self._scaler = make_scaler(setting.precision)
        self._inputs = slice(len(task.inputs))
        is_compiled = mode == "compiled"
        self._updates = [
            UpdateStep(
                loss,
                make_optimizer(
                    update.optimizer,
                    self._weights.by_formula(update),
                    self._dtype,
                    clip=update.clip,
                    expert=setting.tuning == "expert",
                ),
                self._model,
                is_compiled=is_compiled,
            )
            for update, loss in zip(task.updates, losses(module, task, LOSSES), strict=True)
        ]
        self._forward = self._model
        if is_compiled:
            # Given a layer, Paddle would replace its `forward`, which `gradients` uses. The full
            # graph, because no network needs Python between its operators, and otherwise Paddle
            # simulates and guards the bytecode at each call.
            self._forward = paddle.jit.to_static(self._model.forward, full_graph=True)

    def _pin_second_bias(self) -> None:
        """Keep the second bias of an LSTM zero and untrained, because the task has only one.

        It keeps its gradient, which the optimizer never sees: without one, the backward pass of
        Paddle's LSTM crashes on the CPU.
        """
        for module in self._model.sublayers():
            if isinstance(module, nn.LSTM):
                for name, param in module.named_parameters(include_sublayers=False):
                    if name.startswith("bias_hh"):
                        nn.initializer.Constant(0.0)(param)

    def load(self, params: Mapping[str, Array]) -> None:
        for param, native in self._weights.to_load(params):
            param.set_value(native)
        for update, step in zip(self._task.updates, self._updates, strict=True):
            reset(step.optimizer, update.optimizer, self._dtype)
        for layer in self._model.sublayers():
            if isinstance(layer, nn.BatchNorm2D):
                layer._mean.set_value(np.zeros(layer._mean.shape, self._dtype))
                layer._variance.set_value(np.ones(layer._variance.shape, self._dtype))
        self._scaler = make_scaler(self._precision)
        self._clear_grad()

    def _clear_grad(self) -> None:
        # Freed rather than zeroed: the next backward pass writes gradients instead of adding them.
        # For the whole model, because a backward pass also reaches weights that the update does
        # not move, and the pinned bias of an LSTM, which no optimizer ever sees.
        for param in self._every_param:
            param.clear_gradient(False)

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(self.numpy)

    def parameter_count(self) -> int:
        # The optimizers' parameters: an LSTM's pinned bias is in the network, but is not trained.
        shapes = {p.name: p.shape for u in self._updates for p in u.optimizer._parameter_list}
        return sum(int(np.prod(shape)) for shape in shapes.values())

    def state(self) -> dict[str, Array]:
        return self._weights.state(
            self._updates,
            lambda step, name, param: self.numpy(state_of(step.optimizer, name, param)),
        )

    def stage(self, batch: Mapping[str, Array]) -> tuple[Any, ...]:
        return staged(batch, self._task.matrices)

    def step(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if not self._model.training:
            self._model.train()
        return tuple([self._updated(update, batch) for update in self._updates])

    def _updated(self, update: UpdateStep, batch: tuple[Tensor, ...]) -> Tensor:
        with casting(self._precision):
            loss = update.loss(batch)
        if self._scaler:
            self._scaler.scale(loss).backward()
            self._scaler.step(update.optimizer)
            self._scaler.update()
        else:
            loss.backward()
            update.optimizer.step()
        self._clear_grad()
        return loss.detach()

    def outputs(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        self._model.eval()
        with paddle.no_grad(), casting(self._precision):
            outputs = named_outputs(self._task, self._forward(*batch[self._inputs]))
        if self._precision not in AUTO_CAST:
            return outputs
        return {name: output.astype(self._dtype) for name, output in outputs.items()}

    def gradients(self, batch: tuple[Tensor, ...]) -> dict[str, Array]:
        self._model.train()
        scale = float(self._scaler.get_loss_scaling()) if self._scaler else 1.0
        every: dict[str, Array] = {}
        for update, step in zip(self._task.updates, self._updates, strict=True):
            with casting(self._precision):
                loss = step.eager_loss(batch)
            (loss * scale).backward()
            every |= self._weights.canonical(
                lambda p: self.numpy(paddle.zeros_like(p) if p.grad is None else p.grad / scale),
                update=update,
            )
            self._clear_grad()
        return every

    def numpy(self, value: Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def sync(self) -> None:
        synchronize(self._device)

    def peak_device_bytes(self) -> int | None:
        if self._device == "cpu":
            return None
        return int(paddle.device.cuda.max_memory_allocated())

    def compiled_programs(self) -> int | None:
        return sum(update.programs() for update in self._updates)

    def close(self) -> None:
        """The session's objects are all that it holds."""


class PaddleAdapter:
    def set_up(self, setting: Setting) -> None:
        # The threads are set by the environment, before the import: see framework.toml.
        if setting.device == "cuda":
            if not paddle.is_compiled_with_cuda():
                raise UnsupportedError(
                    f"paddlepaddle {paddle.__version__} is built for the CPU alone: "
                    "CUDA takes paddlepaddle-gpu, from Paddle's own package index"
                )
            if paddle.device.cuda.device_count() == 0:
                raise UnsupportedError(f"paddle {paddle.__version__} finds no CUDA device here")
        if setting.tuning == "expert":
            flush_denormals()
        paddle.set_device("gpu:0" if setting.device == "cuda" else "cpu")
        paddle.set_default_dtype(storage_dtype(setting.precision))

    def versions(self, device: Device) -> dict[str, str]:
        versions = {"paddlepaddle": str(paddle.__version__), "numpy": np.__version__}
        if device == "cuda":
            versions["cuda"] = str(paddle.version.cuda())
            versions["cudnn"] = str(paddle.version.cudnn())
        return versions

    def debugging_aids(self) -> list[str]:
        return [name for name, is_on in paddle.get_flags(DEBUGGING).items() if is_on]

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> PaddleSession:
        paddle.seed(seed)
        return PaddleSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = paddle.to_tensor(a), paddle.to_tensor(b)

        def run() -> None:
            paddle.matmul(left, right)
            synchronize(device)

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = paddle.to_tensor(total), paddle.to_tensor(addend)

        def run() -> None:
            sums.add_(addends)
            synchronize(device)

        return run


ADAPTER: Any = PaddleAdapter()
