"""Checks of the NVIDIA GPUs, where there are any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from bench.core.telemetry import NAMELESS_GPU, NOT_TOLD
from bench.health.check import Examined, HealthCheck, Verdict
from bench.launch import gpu_state

# A GPU that may not reach its maximum stays slow; one that is idle may well be slow now.
_SLOWED = {"hardware slowdown", "heat", "heat (hardware)", "power brake"}


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """The GPUs of this machine, and whether CUDA shows one."""

    names: tuple[str, ...]
    shown: bool

    def verdict(self) -> Verdict:
        """GPUs that are hidden are hidden by the user's own setting, or by mistake."""
        return "good" if self.shown or not self.names else "mind"

    def __str__(self) -> str:
        hidden = "" if self.shown or not self.names else "; CUDA_VISIBLE_DEVICES hides them"
        return ", ".join(self.names) + hidden or "no NVIDIA GPU"


def _gpus(machine: Examined) -> Gpus:
    names = tuple(
        f"{gpu.name or NAMELESS_GPU} ({_size(gpu.memory_bytes)}, driver {gpu.driver or NOT_TOLD})"
        for gpu in machine.gpus
    )
    return Gpus(names=names, shown=bool(names) and gpu_state.usable())


def _size(memory: int | None) -> str:
    return f"{memory / 1e9:.0f} GB" if memory else f"memory {NOT_TOLD}"


def _any_gpu(machine: Examined) -> bool:
    return bool(machine.gpus)


@dataclass(frozen=True, kw_only=True)
class GpuClock:
    """A GPU's clock now and at most, and why it is below that."""

    now: int
    most: int
    slowdowns: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.now:,} of {self.most:,} MHz"
        return text + (f" ({', '.join(self.slowdowns)})" if self.slowdowns else "")


def _judge_clocks(clocks: Sequence[GpuClock]) -> Verdict:
    """An idle GPU may well be slow now, but not one that is held back."""
    reasons = {reason for clock in clocks for reason in clock.slowdowns}
    return "bad" if reasons & _SLOWED else "mind" if reasons else "good"


def _clocks(machine: Examined) -> list[GpuClock] | None:
    return [
        GpuClock(now=gpu.clock_mhz, most=gpu.most_mhz, slowdowns=gpu.slowdowns)
        for gpu in machine.gpus
        if gpu.clock_mhz is not None and gpu.most_mhz is not None
    ] or None


def _processes(machine: Examined) -> list[str] | None:
    known = [gpu.processes for gpu in machine.gpus if gpu.processes is not None]
    return list(dict.fromkeys(chain.from_iterable(known))) if known else None


def _settings(name: str) -> Callable[[Examined], list[bool] | None]:
    """A setting of each GPU that tells it."""

    def find(machine: Examined) -> list[bool] | None:
        known = [getattr(gpu, name) for gpu in machine.gpus]
        return [setting for setting in known if setting is not None] or None

    return find


def _on_or_off(settings: Sequence[bool]) -> str:
    return ", ".join("on" if setting else "off" for setting in settings)


GPUS = HealthCheck(
    name="GPU",
    find=_gpus,
    judge=Gpus.verdict,
    show=str,
    remedy="to use them: `unset CUDA_VISIBLE_DEVICES`",
)
GPU_PROCESSES = HealthCheck(
    name="GPU processes",
    find=_processes,
    judge=lambda processes: "bad" if processes else "good",
    show=lambda processes: ", ".join(processes) or "none",
    remedy="end them; `nvidia-smi` shows them",
    applies=_any_gpu,
)
GPU_CLOCKS = HealthCheck(
    name="GPU clocks",
    find=_clocks,
    judge=_judge_clocks,
    unit="MHz",
    show=lambda clocks: ", ".join(map(str, clocks)),
    remedy="see what holds it back: `nvidia-smi -q -d PERFORMANCE`",
    applies=_any_gpu,
)
GPU_PERSISTENCE = HealthCheck(
    name="GPU persistence",
    find=_settings("persistence"),
    judge=lambda settings: "good" if all(settings) else "mind",
    show=_on_or_off,
    remedy="keep its driver loaded: `sudo nvidia-smi -pm 1`",
    applies=_any_gpu,
)
GPU_PARTS = HealthCheck(
    name="GPU parts (MIG)",
    find=_settings("mig"),
    judge=lambda settings: "mind" if any(settings) else "good",
    show=_on_or_off,
    remedy="a part is slower than the GPU, and others may use the rest: `nvidia-smi -L` lists them",
    applies=_any_gpu,
)
CHECKS = (GPUS, GPU_PROCESSES, GPU_CLOCKS, GPU_PERSISTENCE, GPU_PARTS)
