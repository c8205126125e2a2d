"""Keras on PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch
from keras import ops
from keras.src.backend.torch import core
from torch._dynamo.utils import counters

from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.setting import Device, Setting, storage_dtype
from frameworks.keras.graphs_on_torch import HeldMatrix, product

MODES = ("fit", "train_on_batch", "compiled")
INTEGERS = "int64"


def set_up(setting: Setting) -> None:
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise UnsupportedError(f"torch {torch.__version__} finds no CUDA device here")
    core.DEFAULT_DEVICE = setting.device  # by default the GPU, if there is one
    torch.set_num_threads(setting.threads)
    torch.set_flush_denormal(setting.tuning == "expert")
    torch.set_float32_matmul_precision("high" if setting.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = setting.precision == "tf32"
    torch.set_default_dtype(getattr(torch, storage_dtype(setting.precision)))


def choose_operators(model: keras.Model, setting: Setting) -> None:
    """Keras's own are as fast as any."""


def choose_products(model: keras.Model, mode: str) -> None:
    """PyTorch's own sparse product."""
    for layer in model.layers:
        if hasattr(layer, "product"):
            layer.product = product


def held_matrix(size: tuple[int, int], entries: int, setting: Setting) -> HeldMatrix:
    return HeldMatrix(size, entries, setting)


def check(model: keras.Model, mode: str, *, updates: int) -> None:
    loops = (keras.layers.RNN, keras.layers.Bidirectional)
    if mode == "compiled" and any(isinstance(layer, loops) for layer in model.layers):
        raise UnsupportedError(
            "torch.compile unrolls Keras's loop over time, and takes more than ten minutes for it"
        )


def versions(device: Device) -> dict[str, str]:
    found = {"torch": str(torch.__version__)}
    if torch.version.cuda and device == "cuda":
        found |= {"cuda": torch.version.cuda, "cudnn": str(torch.backends.cudnn.version())}
    return found


def debugging_aids() -> list[str]:
    aids = {
        "torch.autograd.set_detect_anomaly": torch.is_anomaly_enabled(),
        "torch.autograd.profiler": torch.autograd._profiler_enabled(),
        "CUDA_LAUNCH_BLOCKING": os.environ.get("CUDA_LAUNCH_BLOCKING", "0") != "0",
    }
    return [name for name, is_on in aids.items() if is_on]


def sync(variables: Sequence[keras.Variable]) -> None:
    if core.DEFAULT_DEVICE == "cuda":
        torch.cuda.synchronize()


def peak_device_bytes() -> int:
    return torch.cuda.max_memory_allocated()


def compiled_programs(model: keras.Model) -> int:
    outcomes = ("miss", "hit", "bypass")
    return sum(counters["inductor"][f"fxgraph_cache_{outcome}"] for outcome in outcomes)


def gradients(
    loss_of: Callable[[], torch.Tensor], variables: Sequence[keras.Variable]
) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss_of(), [variable.value for variable in variables]))


def update(
    model: keras.Model,
    loss_of: Callable[[], torch.Tensor],
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
) -> torch.Tensor:
    model.zero_grad()  # of all variables, as a loss leaves gradients in others
    loss = loss_of()
    optimizer.scale_loss(loss).backward()
    with torch.no_grad():
        optimizer.apply([variable.value.grad for variable in variables], variables)
    return loss


def ctc(logits: Any, letters: Any, counts: Any) -> Any:
    return ops.ctc_loss(letters, logits, ops.sum(letters != 0, 1), counts)


def dense(gradient: Any) -> Any:
    return gradient


def update_all(
    variables: Sequence[torch.Tensor],
    means: Sequence[torch.Tensor],
    squares: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    *,
    betas: tuple[float, float],
    epsilon: float,
    rate: torch.Tensor,
    root: torch.Tensor,
) -> None:
    """By PyTorch's operators over lists of tensors, as Keras's own optimizers do it there."""
    first, second = betas
    torch._foreach_mul_(means, first)
    torch._foreach_add_(means, gradients, alpha=1 - first)
    torch._foreach_mul_(squares, second)
    torch._foreach_addcmul_(squares, gradients, gradients, value=1 - second)
    roots = torch._foreach_div(torch._foreach_sqrt(squares), root)
    torch._foreach_add_(roots, epsilon)  # a number: a tensor's first value would be compiled in
    steps = torch._foreach_div(torch._foreach_mul(means, rate), roots)
    torch._foreach_sub_(variables, steps)


def release() -> None:
    # Compilations would count towards the next session's limit.
    torch.compiler.reset()


def matmul(a: Array, b: Array, device: Device) -> Callable[[], None]:
    left, right = (torch.from_numpy(factor).to(device) for factor in (a, b))
    product = torch.empty_like(left)

    def run() -> None:
        torch.mm(left, right, out=product)
        sync(())

    return run


def accumulate(total: Array, addend: Array, device: Device) -> Callable[[], None]:
    sums, addends = (torch.from_numpy(vector).to(device) for vector in (total, addend))

    def run() -> None:
        sums.add_(addends)
        sync(())

    return run
