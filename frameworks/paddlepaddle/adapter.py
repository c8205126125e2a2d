"""PaddlePaddle's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.adapter import BatchFormat, network_module, require_mode
from bench.core.denormals import flush_denormals
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights, recurrent_names
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from bench.core.weights import Array
from frameworks.paddlepaddle.optimizers import make_optimizer, reset
from frameworks.paddlepaddle.precision import AUTO_CAST, casting, make_scaler

LAYOUT = Layout(
    axes={"dense": (1, 0)},  # (out, in) -> (in, out)
    names=recurrent_names(
        inputs="weight_ih_l0",
        recurrent="weight_hh_l0",
        bias="bias_ih_l0",
        recurrent_bias="bias_hh_l0",
    ),
)

LOSSES = {
    "softmax_cross_entropy": F.cross_entropy,
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
}

MODES = ("eager", "compiled")


def synchronize(device: Device) -> None:
    """Wait until the device has finished all work that was submitted to it.

    On the CPU, an operator or a compiled graph has run when the call returns.
    """
    if device != "cpu":
        paddle.device.synchronize()


class Objective(nn.Layer):
    """A network and its loss in one layer, so that `to_static` makes one graph of both."""

    def __init__(self, model: nn.Layer, loss: str) -> None:
        super().__init__()
        self.model = model
        self._criterion = LOSSES[loss]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self._criterion(self.model(x), y)


class PaddleSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        self._task = task
        self._device = setting.device
        self._precision = setting.precision
        self._dtype = storage_dtype(setting.precision)
        self.format = BatchFormat(floats=self._dtype, labels="int64", tokens="int64")
        self._model: nn.Layer = network_module(__package__, task).build(task)
        self._pin_second_bias()
        params = dict(self._model.named_parameters())
        # Running means and variances are among them, untrained.
        self._every_param = [param for param in params.values() if param.trainable]
        self._weights = NetworkWeights(
            task, LAYOUT, self._dtype, lambda parameter: params[LAYOUT.native_name(parameter)]
        )
        self._optimizer = make_optimizer(
            task.optimizer, self._weights.tensors, self._dtype, expert=setting.tuning == "expert"
        )
        self._scaler = make_scaler(setting.precision)
        model, criterion = self._model, LOSSES[task.loss]

        # A function: calling a layer of both would take a fiftieth of a small network's step.
        def loss_of(x: Tensor, y: Tensor) -> Tensor:
            return criterion(model(x), y)

        self._loss_of = self._loss = loss_of
        self._forward = self._model
        if mode == "compiled":
            # Given a layer, Paddle would replace its `forward`, which `grads` uses. The full graph,
            # because no network needs Python between its operators, and otherwise Paddle simulates
            # and guards the bytecode at each call.
            self._objective = Objective(self._model, task.loss)  # Paddle does not keep it alive
            self._loss = paddle.jit.to_static(self._objective.forward, full_graph=True)
            self._forward = paddle.jit.to_static(self._model.forward, full_graph=True)

    def _pin_second_bias(self) -> None:
        """Keep the second bias of an LSTM zero and untrained, because the task has only one.

        It keeps its gradient, which the optimizer never sees: without one, the backward pass of
        Paddle's LSTM crashes on the CPU.
        """
        for module in self._model.sublayers():
            if isinstance(module, nn.LSTM):
                nn.initializer.Constant(0.0)(module.bias_hh_l0)

    def load(self, params: Mapping[str, Array]) -> None:
        for param, native in self._weights.to_load(params):
            param.set_value(native)
        reset(self._optimizer, self._task.optimizer, self._dtype)
        for layer in self._model.sublayers():
            if isinstance(layer, nn.BatchNorm2D):
                layer._mean.set_value(np.zeros(layer._mean.shape, self._dtype))
                layer._variance.set_value(np.ones(layer._variance.shape, self._dtype))
        self._scaler = make_scaler(self._precision)
        self._clear_grad()

    def _clear_grad(self) -> None:
        # Freed rather than zeroed: the next backward pass writes gradients instead of adding them.
        # For the whole model, because the pinned bias of an LSTM has a gradient, which the
        # optimizer never sees.
        for param in self._every_param:
            param.clear_gradient(False)

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(self.numpy)

    def parameter_count(self) -> int:
        # The optimizer's parameters: an LSTM's pinned bias is in the network, but is not trained.
        return sum(int(np.prod(p.shape)) for p in self._optimizer._parameter_list)

    def stage(self, x: Array, y: Array) -> tuple[Tensor, Tensor]:
        return paddle.to_tensor(x), paddle.to_tensor(y)

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        if not self._model.training:
            self._model.train()
        with casting(self._precision):
            loss = self._loss(x, y)
        if self._scaler:
            self._scaler.scale(loss).backward()
            self._scaler.step(self._optimizer)
            self._scaler.update()
        else:
            loss.backward()
            self._optimizer.step()
        self._clear_grad()
        return loss.detach()

    def logits(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        self._model.eval()
        with paddle.no_grad(), casting(self._precision):
            logits = self._forward(batch[0])
        return logits if self._precision not in AUTO_CAST else logits.astype(self._dtype)

    def grads(self, batch: tuple[Tensor, Tensor]) -> dict[str, Array]:
        x, y = batch
        self._model.train()
        scale = float(self._scaler.get_loss_scaling()) if self._scaler else 1.0
        with casting(self._precision):
            loss = self._loss_of(x, y)
        (loss * scale).backward()
        canonical = self._weights.canonical(
            lambda p: self.numpy(paddle.zeros_like(p) if p.grad is None else p.grad / scale)
        )
        self._clear_grad()
        return canonical

    def numpy(self, value: Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def sync(self) -> None:
        synchronize(self._device)

    def peak_device_bytes(self) -> int | None:
        if self._device == "cpu":
            return None
        return int(paddle.device.cuda.max_memory_allocated())

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
