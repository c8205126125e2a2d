"""PaddlePaddle's engine: devices, steps, optimizers, weights in and out, fences, memory."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.adapter import BatchFormat, Layout, match
from bench.core.denormals import flush_denormals
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import SGD, Parameter, Task
from bench.core.weights import Array
from frameworks.paddlepaddle.precision import AUTO_CAST, casting, make_scaler

LAYOUT = Layout(axes={"dense": (1, 0)})  # Linear keeps (in, out)

MODES = ("eager", "compiled")

# Canonical name endings to Paddle's own; any other name is the layer's attribute as it stands.
RECURRENT_NAMES = {
    "lstm_input": ("input_weight", "weight_ih_l0"),
    "lstm_recurrent": ("recurrent_weight", "weight_hh_l0"),
    "lstm_bias": ("bias", "bias_ih_l0"),
    "gru_input": ("input_weight", "weight_ih_l0"),
    "gru_recurrent": ("recurrent_weight", "weight_hh_l0"),
    "gru_bias": ("bias", "bias_ih_l0"),
    "gru_recurrent_bias": ("recurrent_bias", "bias_hh_l0"),
}

LOSSES = {
    "softmax_cross_entropy": F.cross_entropy,
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
}


def native_name(parameter: Parameter) -> str:
    """The name under which Paddle keeps a canonical parameter."""
    canonical, native = RECURRENT_NAMES.get(parameter.kind, ("", ""))
    return parameter.name.removesuffix(canonical) + native


def synchronize(device: Device) -> None:
    """Return when everything asked of the device is done.

    On the CPU an operator, or a compiled graph, has run when the call returns.
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


class DoubleMomentum(paddle.optimizer.Momentum):
    """Momentum for float64: Paddle's operator takes the coefficient in float32 alone.

    Each velocity is scaled beforehand by the coefficient's rounding error. Float32 needs it not.
    """

    def step(self) -> None:
        rounding = self._momentum / float(np.float32(self._momentum))
        with paddle.no_grad():
            for velocity in self.state_dict().values():
                velocity.scale_(rounding)
        super().step()


class PaddleSession:
    format = BatchFormat(labels="int64", tokens="int64")

    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        if mode not in MODES:
            raise UnsupportedError(f"paddlepaddle has no mode {mode!r}: it has {', '.join(MODES)}")
        self._task = task
        self._device = setting.device
        self._precision = setting.precision
        self._dtype = storage_dtype(setting.precision)
        self._expert = setting.tuning == "expert"
        module = importlib.import_module(f"frameworks.paddlepaddle.models.{task.network}")
        self._model: nn.Layer = module.build(task)
        self._pin_second_bias()
        native = dict(self._model.named_parameters())
        # Running means and variances are among them, untrained.
        self._every_param = [param for param in native.values() if param.trainable]
        self._params = match(task, lambda parameter: native[native_name(parameter)])
        self._optimizer = self._make_optimizer()
        model, criterion = self._model, LOSSES[task.loss]

        # Not a layer of both: its call would take a fiftieth of a small network's step.
        def loss_of(x: Tensor, y: Tensor) -> Tensor:
            return criterion(model(x), y)

        self._loss_of = self._loss = loss_of
        self._forward = self._model
        self._scaler = make_scaler(setting.precision)
        if mode == "compiled":
            # Of `forward`, not of the layer: else the layer's own is replaced, and `grads` uses it.
            # The full graph, as no network needs Python between its operators: without it Paddle
            # simulates and guards the bytecode at each call.
            self._objective = Objective(self._model, task.loss)  # Paddle does not keep it alive
            self._loss = paddle.jit.to_static(self._objective.forward, full_graph=True)
            self._forward = paddle.jit.to_static(self._model.forward, full_graph=True)

    def _pin_second_bias(self) -> None:
        """The task has one bias vector in an LSTM: the second stays zero, untrained.

        It keeps its gradient, which the optimizer never sees: without one, the backward pass of
        Paddle's LSTM crashes on the CPU.
        """
        for module in self._model.sublayers():
            if isinstance(module, nn.LSTM):
                nn.initializer.Constant(0.0)(module.bias_hh_l0)

    def _make_optimizer(self) -> paddle.optimizer.Optimizer:
        settings = self._task.optimizer
        params = list(self._params.values())
        if isinstance(settings, SGD):
            if settings.momentum == 0.0:
                return paddle.optimizer.SGD(settings.learning_rate, parameters=params)
            momentum = paddle.optimizer.Momentum if self._dtype == "float32" else DoubleMomentum
            return momentum(settings.learning_rate, settings.momentum, parameters=params)
        # Paddle adds epsilon outside the bias correction, as the task does. In float32 it rounds
        # beta1 and beta2, so that 1 - 0.999 is off by 1.3e-5, and multiplies up the powers. Little
        # of this remains: the moments and their correction use the same rounded numbers, so that
        # the error cancels at the first step, and losses over 20 steps agree to 2e-7 on the MLP.
        return paddle.optimizer.Adam(
            settings.learning_rate,
            beta1=settings.beta1,
            beta2=settings.beta2,
            epsilon=settings.epsilon,
            parameters=params,
            # One call for all weights, where Python would make one for each. Not in float64, which
            # Paddle refuses.
            use_multi_tensor=self._expert and self._dtype == "float32",
        )

    def load(self, params: Mapping[str, Array]) -> None:
        for parameter in self._task.parameters:
            param = self._params[parameter.name]
            native = LAYOUT.to_native(parameter, params[parameter.name], param.shape)
            param.set_value(native.astype(self._dtype, copy=False))
        # In place: the first step would otherwise make new state, within the clock. Moments and
        # velocities begin at zero, Adam's running products of beta at their first power.
        settings = self._task.optimizer
        for name, state in self._optimizer.state_dict().items():
            if not isinstance(state, Tensor):
                continue
            initial = 0.0
            if not isinstance(settings, SGD):
                if "_beta1_pow_acc_" in name:
                    initial = settings.beta1
                elif "_beta2_pow_acc_" in name:
                    initial = settings.beta2
            state.set_value(np.full(state.shape, initial, self._dtype))
        for layer in self._model.sublayers():
            if isinstance(layer, nn.BatchNorm2D):
                layer._mean.set_value(np.zeros(layer._mean.shape, self._dtype))
                layer._variance.set_value(np.ones(layer._variance.shape, self._dtype))
        self._scaler = make_scaler(self._precision)
        self._clear_grad()

    def _clear_grad(self) -> None:
        # Freed rather than zeroed: the next backward pass writes gradients instead of adding them.
        # Of the whole model, as the pinned bias of an LSTM has one that the optimizer knows not of.
        for param in self._every_param:
            param.clear_gradient(False)

    def dump(self) -> dict[str, Array]:
        return self._canonical(self._params)

    def _canonical(self, tensors: Mapping[str, Tensor]) -> dict[str, Array]:
        return {
            p.name: LAYOUT.to_canonical(p, tensors[p.name].numpy()) for p in self._task.parameters
        }

    def parameter_count(self) -> int:
        # Those of the optimizer: an LSTM's pinned bias is the network's, but is not trained.
        return sum(int(np.prod(p.shape)) for p in self._optimizer._parameter_list)

    def stage(self, x: Array, y: Array) -> tuple[Tensor, Tensor]:
        if x.dtype.kind == "f":
            x = x.astype(self._dtype, copy=False)
        if y.dtype.kind == "f":
            y = y.astype(self._dtype, copy=False)
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
        canonical = self._canonical(
            {
                name: paddle.zeros_like(p) if p.grad is None else p.grad / scale
                for name, p in self._params.items()
            }
        )
        self._clear_grad()
        return canonical

    def numpy(self, value: Tensor) -> Array:
        array: Array = value.numpy()
        return array

    def sync(self) -> None:
        synchronize(self._device)

    def peak_device_bytes(self) -> int | None:
        if self._device != "cpu":
            return int(paddle.device.cuda.max_memory_allocated())
        return None

    def close(self) -> None:
        self._params.clear()


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
