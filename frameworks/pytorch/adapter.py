"""PyTorch's engine: devices, steps, optimizers, weights in and out, fences, memory."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.adapter import BatchFormat, Layout, match
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import SGD, Parameter, Task
from bench.core.weights import Array
from frameworks.pytorch.precision import forward_in, make_scaler, set_products

LAYOUT = Layout(axes={})  # PyTorch's axes are the canonical ones

# Canonical name endings to PyTorch's own; any other name is the module's attribute as it stands.
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
    """The name under which PyTorch keeps a canonical parameter."""
    canonical, native = RECURRENT_NAMES.get(parameter.kind, ("", ""))
    return parameter.name.removesuffix(canonical) + native


def synchronize(device: torch.device) -> None:
    """Return when everything asked of the device is done; on the CPU, it is already."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class PyTorchSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        self._task = task
        self._device = device = torch.device(setting.device)
        self._precision = precision = setting.precision
        self._dtype = getattr(torch, storage_dtype(precision))
        self._expert = expert = setting.tuning == "expert"
        # Asking for what a tensor has is a hundredth of a small network's step.
        self._staged_as_is = device.type == "cpu" and self._dtype == torch.float32
        # The layout that oneDNN's convolutions and pooling are fastest in.
        channels_last = expert and device.type == "cpu"
        self.format = BatchFormat(channels_last=channels_last, labels="int64", tokens="int64")
        module = importlib.import_module(f"frameworks.pytorch.models.{task.network}")
        self._model: nn.Module = module.build(task).to(device, self._dtype)
        if channels_last:
            self._model = self._model.to(memory_format=torch.channels_last)
        self._pin_second_bias()
        native = dict(self._model.named_parameters())
        self._params = match(task, lambda parameter: native[native_name(parameter)])
        self._optimizer = self._make_optimizer()
        self._scaler = make_scaler(precision, device)
        self._forward = forward = forward_in(precision, self._model, device)
        criterion = LOSSES[task.loss]

        # A function of its own: compiled as a method, it would guard the session at each call.
        def loss_of(x: Tensor, y: Tensor) -> Tensor:
            return criterion(forward(x), y)

        self._loss_of = self._loss = loss_of
        if mode == "compiled":
            # Not the optimizer's step: Adam's own fused kernel is faster than the one compiled.
            self._loss = torch.compile(loss_of)

    def _pin_second_bias(self) -> None:
        """The task has one bias vector in an LSTM: the second stays zero, untrained."""
        for module in self._model.modules():
            if isinstance(module, nn.LSTM):
                nn.init.zeros_(module.bias_hh_l0).requires_grad_(False)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        settings = self._task.optimizer
        params = list(self._params.values())
        # Fused: one pass over a weight and its state, where a CPU makes one for each operator.
        fused = True if self._expert else None  # None leaves it to PyTorch
        if isinstance(settings, SGD):
            return torch.optim.SGD(
                params, lr=settings.learning_rate, momentum=settings.momentum, fused=fused
            )
        return torch.optim.Adam(
            params,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            fused=fused,
        )

    def load(self, params: Mapping[str, Array]) -> None:
        with torch.no_grad():
            for parameter in self._task.parameters:
                param = self._params[parameter.name]
                native = LAYOUT.to_native(parameter, params[parameter.name], param.shape)
                param.copy_(torch.from_numpy(native))
            # In place: new state tensors would make a compiled step compile again.
            for state in self._optimizer.state.values():
                for value in state.values():
                    if isinstance(value, Tensor):
                        value.zero_()
        for module in self._model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler = make_scaler(self._precision, self._device)

    def dump(self) -> dict[str, Array]:
        return self._canonical({name: p.detach() for name, p in self._params.items()})

    def _canonical(self, tensors: Mapping[str, Tensor]) -> dict[str, Array]:
        return {
            p.name: LAYOUT.to_canonical(p, tensors[p.name].cpu().numpy())
            for p in self._task.parameters
        }

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self._model.parameters() if p.requires_grad)

    def stage(self, x: Array, y: Array) -> tuple[Tensor, Tensor]:
        inputs, labels = self._tensor(x), self._tensor(y)
        if self.format.channels_last and x.ndim == 4:
            inputs = inputs.permute(0, 3, 1, 2)  # PyTorch's axes, over memory that stays as it is
        return inputs, labels

    def _tensor(self, array: Array) -> Tensor:
        tensor = torch.from_numpy(array)
        if self._staged_as_is:
            return tensor
        return tensor.to(self._device, self._dtype if array.dtype.kind == "f" else tensor.dtype)

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        if not self._model.training:
            self._model.train()
        # First: the forward pass then takes this memory, which is in the caches.
        self._optimizer.zero_grad()
        loss = self._loss(x, y)
        if self._scaler:
            self._scaler.scale(loss).backward()
            self._scaler.step(self._optimizer)
            self._scaler.update()
        else:
            loss.backward()
            self._optimizer.step()
        return loss.detach()

    def logits(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        self._model.eval()
        with torch.no_grad():
            return self._forward(batch[0])

    def grads(self, batch: tuple[Tensor, Tensor]) -> dict[str, Array]:
        x, y = batch
        self._model.train()
        self._optimizer.zero_grad()
        scale = self._scaler.get_scale() if self._scaler else 1.0
        (self._loss_of(x, y) * scale).backward()
        return self._canonical(
            {
                name: torch.zeros_like(p) if p.grad is None else p.grad / scale
                for name, p in self._params.items()
            }
        )

    def numpy(self, value: Tensor) -> Array:
        array: Array = value.detach().cpu().numpy()
        return array

    def sync(self) -> None:
        synchronize(self._device)

    def peak_device_bytes(self) -> int | None:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        return None

    def close(self) -> None:
        self._params.clear()
        # What one session compiled counts for the next: the ninth optimizer would run uncompiled.
        torch.compiler.reset()


class PyTorchAdapter:
    def set_up(self, setting: Setting) -> None:
        if setting.device == "cuda" and not torch.cuda.is_available():
            raise UnsupportedError(f"torch {torch.__version__} finds no CUDA device here")
        torch.set_num_threads(setting.threads)
        torch.set_flush_denormal(setting.tuning == "expert")
        set_products(setting.precision)
        # Adam counts its steps in a tensor of the default type, and a compiled step computes the
        # bias correction in it: in float32, 1 - 0.999**1 is off by 7e-6, relative.
        torch.set_default_dtype(getattr(torch, storage_dtype(setting.precision)))

    def versions(self, device: Device) -> dict[str, str]:
        versions = {"torch": str(torch.__version__), "numpy": np.__version__}
        if torch.version.cuda and device == "cuda":
            versions["cuda"] = torch.version.cuda
            versions["cudnn"] = str(torch.backends.cudnn.version())
        return versions

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> PyTorchSession:
        torch.manual_seed(seed)
        return PyTorchSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = (torch.from_numpy(one).to(device) for one in (a, b))
        product = torch.empty_like(left)

        def run() -> None:
            torch.mm(left, right, out=product)
            synchronize(left.device)

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = (torch.from_numpy(one).to(device) for one in (total, addend))

        def run() -> None:
            sums.add_(addends)
            synchronize(sums.device)

        return run


ADAPTER: Any = PyTorchAdapter()
