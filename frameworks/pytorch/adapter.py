"""PyTorch's engine: devices, steps, weights in and out, fences, memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.attention import INPUT_KINDS
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights
from bench.core.readers import BatchFormat
from bench.core.recurrent import recurrent_names
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task
from frameworks.pytorch.graphs import sparse_matrix
from frameworks.pytorch.losses import LOSSES
from frameworks.pytorch.optimizers import clip_gradients, make_optimizer, reset, state_of
from frameworks.pytorch.precision import check_support, forward_in, make_scaler, set_products

LAYOUT = Layout(
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
    axes={"graph": (1, 0)},  # (out, in) -> (in, out)
    sides=("", "_reverse"),
    joined=dict.fromkeys(INPUT_KINDS, 0),
)

MODES = ("eager", "compiled")


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all work that was submitted to it; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def programs_made() -> int:
    """Programs that torch.compile's own compiler has made in this process, or taken from its cache.

    Graphs that were only captured do not count: another backend would run them uncompiled.
    """
    outcomes = ("miss", "hit", "bypass")
    return sum(counters["inductor"][f"fxgraph_cache_{outcome}"] for outcome in outcomes)


class UpdateStep:
    """One of the task's updates: its loss, and the optimizer of the weights that it moves."""

    def __init__(
        self,
        loss: Callable[..., Tensor],
        optimizer: torch.optim.Optimizer,
        network: Callable[..., Any],
        *,
        clip: float | None,
        is_compiled: bool,
    ) -> None:
        # Not a method, because a compiled method guards the session at each call.
        def loss_of(*batch: Tensor) -> Tensor:
            return loss(network, *batch)

        self.eager_loss = loss_of
        # The optimizer's step is not compiled: Adam's own fused kernel is faster.
        self.loss = torch.compile(loss_of) if is_compiled else loss_of
        self.optimizer = optimizer
        self._clip = clip

    @property
    def clips(self) -> bool:
        return self._clip is not None

    def clip_gradients(self) -> None:
        """Clip the gradients of all that it moves, if the task asks for that."""
        if self._clip is not None:
            clip_gradients(self.optimizer, self._clip)


class PyTorchSession:
    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, MODES)
        expert = setting.tuning == "expert"
        self._device = device = torch.device(setting.device)
        self._on_cpu = setting.device == "cpu"  # asking the device takes time in every step
        self._precision = setting.precision
        floats = storage_dtype(setting.precision)
        # The layout in which oneDNN's convolutions and pooling are fastest.
        channels_last = expert and self._on_cpu
        self.format = BatchFormat(
            channels_last=channels_last, floats=floats, labels="int64", tokens="int64"
        )
        self._task = task
        self._made_before = programs_made()
        module = network_module(__package__, task)
        self._model: nn.Module = module.build(task)
        self._model = self._model.to(device, getattr(torch, floats))
        check_support(setting.precision, self._model, device)
        if channels_last:
            self._model = self._model.to(memory_format=torch.channels_last)
        self._pin_second_bias()
        params = dict(self._model.named_parameters())
        self._weights = NetworkWeights(
            task,
            LAYOUT,
            floats,
            lambda parameter: params[LAYOUT.native_name(parameter)],
            names=params,
        )
        self._scaler = make_scaler(setting.precision, device)
        self._forward = forward_in(setting.precision, self._model, device)
        self._inputs = slice(len(task.inputs))
        self._sparse_matrix = partial(sparse_matrix, device=device, expert=expert)
        self._updates = [
            UpdateStep(
                loss,
                make_optimizer(update.optimizer, self._weights.by_formula(update), expert=expert),
                self._forward,
                clip=update.clip,
                is_compiled=mode == "compiled",
            )
            for update, loss in zip(task.updates, losses(module, task, LOSSES), strict=True)
        ]

    def _pin_second_bias(self) -> None:
        """Keep the second bias of an LSTM zero and untrained, because the task has only one."""
        for module in self._model.modules():
            if isinstance(module, nn.LSTM):
                for name, param in module.named_parameters():
                    if name.startswith("bias_hh"):
                        nn.init.zeros_(param).requires_grad_(False)

    def load(self, params: Mapping[str, Array]) -> None:
        with torch.no_grad():
            for param, native in self._weights.to_load(params):
                param.copy_(torch.from_numpy(native))
            for update in self._updates:
                reset(update.optimizer)
        for module in self._model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        self._model.zero_grad(set_to_none=True)
        self._scaler = make_scaler(self._precision, self._device)

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(self.numpy)

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self._model.parameters() if p.requires_grad)

    def state(self) -> dict[str, Array]:
        return self._weights.state(
            self._updates,
            lambda step, name, param: self.numpy(state_of(step.optimizer, name, param)),
        )

    def stage(self, batch: Mapping[str, Array]) -> tuple[Tensor, ...]:
        sizes = self._task.matrices
        return tuple([self._tensor(array, sizes.get(name)) for name, array in batch.items()])

    def _tensor(self, array: Array, size: tuple[int, int] | None) -> Tensor:
        if size is not None:
            return self._sparse_matrix(array, size)
        tensor = torch.from_numpy(array)
        if not self._on_cpu:
            tensor = tensor.to(self._device)
        if self.format.channels_last and array.ndim == 4:
            tensor = tensor.permute(0, 3, 1, 2)  # PyTorch's axes, over memory that stays as it is
        return tensor

    def step(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if not self._model.training:
            self._model.train()
        return tuple([self._updated(update, batch) for update in self._updates])

    def _updated(self, update: UpdateStep, batch: tuple[Tensor, ...]) -> Tensor:
        # Before the forward pass, which then reuses this memory while it is in the caches.
        update.optimizer.zero_grad()
        loss = update.loss(*batch)
        if self._scaler:
            self._scaler.scale(loss).backward()
            if update.clips:
                self._scaler.unscale_(update.optimizer)
            update.clip_gradients()
            self._scaler.step(update.optimizer)
            self._scaler.update()
        else:
            loss.backward()
            update.clip_gradients()
            update.optimizer.step()
        return loss.detach()

    def outputs(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        self._model.eval()
        with torch.no_grad():
            return named_outputs(self._task, self._forward(*batch[self._inputs]))

    def gradients(self, batch: tuple[Tensor, ...]) -> dict[str, Array]:
        self._model.train()
        scale = self._scaler.get_scale() if self._scaler else 1.0
        every: dict[str, Array] = {}
        for update, step in zip(self._task.updates, self._updates, strict=True):
            self._model.zero_grad()
            (step.eager_loss(*batch) * scale).backward()
            every |= self._weights.canonical(
                lambda p: self.numpy(torch.zeros_like(p) if p.grad is None else p.grad / scale),
                update=update,
            )
        return every

    def numpy(self, value: Tensor) -> Array:
        array: Array = value.detach().cpu().numpy()
        return array

    def sync(self) -> None:
        synchronize(self._device)

    def peak_device_bytes(self) -> int | None:
        if self._on_cpu:
            return None
        return torch.cuda.max_memory_allocated(self._device)

    def compiled_programs(self) -> int | None:
        return programs_made() - self._made_before

    def close(self) -> None:
        # Compilations would count towards the next session's limit: the ninth optimizer would run
        # uncompiled.
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

    def debugging_aids(self) -> list[str]:
        aids = {
            "torch.autograd.set_detect_anomaly": torch.is_anomaly_enabled(),
            "torch.autograd.profiler": torch.autograd._profiler_enabled(),
            "CUDA_LAUNCH_BLOCKING": os.environ.get("CUDA_LAUNCH_BLOCKING", "0") != "0",
        }
        return [name for name, is_on in aids.items() if is_on]

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> PyTorchSession:
        torch.manual_seed(seed)
        return PyTorchSession(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        left, right = (torch.from_numpy(factor).to(device) for factor in (a, b))
        product = torch.empty_like(left)

        def run() -> None:
            torch.mm(left, right, out=product)
            synchronize(left.device)

        return run

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        sums, addends = (torch.from_numpy(vector).to(device) for vector in (total, addend))

        def run() -> None:
            sums.add_(addends)
            synchronize(sums.device)

        return run


ADAPTER: Any = PyTorchAdapter()
