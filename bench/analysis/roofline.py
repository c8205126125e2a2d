"""How near a cell comes to the machine's peak, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import msgspec

from bench.analysis import contention
from bench.core.grouping import grouped
from bench.core.record import Status
from bench.core.setting import Device

Bound = Literal["compute", "memory", "overhead"]

# A rule of thumb, not a diagnosis. A network of many small operations that reaches half the rate of
# one large operation is bound by that rate. Below half of both rates, the time went into something
# else: dispatch, Python, and operators that are slow or too small to fill the machine.
BOUND_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The rates that one framework reached with so many threads; zero if `status` is not ok.

    `matmul` is in float32 FLOPs a second, `memory` in bytes read and written a second. `crowd` is
    the number of cores that other processes and the host took meanwhile, beyond those that the
    threads left free; None if unknown.
    """

    framework: str
    device: Device
    threads: int
    matmul: float = 0.0
    memory: float = 0.0
    status: Status = "ok"
    reason: str = ""
    crowd: float | None = None

    def to_fields(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Rates:
        """From its JSON object. Raises ValueError for another form."""
        return msgspec.convert(fields, Rates)

    def __str__(self) -> str:
        """Both rates, or the status and its reason."""
        if self.status != "ok":
            return f"{self.status}: {self.reason}"
        return ", ".join(rates_text(self.matmul, self.memory))


def rates_text(matmul: float, memory: float) -> tuple[str, str]:
    """Both rates with their units."""
    return f"{matmul / 1e9:,.0f} GFLOP/s", f"{memory / 1e9:,.1f} GB/s"


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The machine's peak: the best rates of all frameworks with the same number of threads.

    `matmul` is in float32 FLOPs a second, reached by the framework `matmul_by`; `memory` is in
    bytes a second, reached by `memory_by`. It is `disturbed` if others took cores from the first.
    """

    device: str
    threads: int
    matmul: float
    matmul_by: str
    memory: float
    memory_by: str
    disturbed: bool = False


@dataclass(frozen=True, kw_only=True)
class Use:
    """How much of the machine's peak a cell uses, as fractions of 1.

    `memory_share` counts the bytes that would be moved without any cache, so a small network easily
    exceeds 1. `share` exceeds 1 if the machine was busier while its peak was measured.
    """

    share: float
    memory_share: float

    @property
    def bound(self) -> Bound:
        if self.share >= BOUND_FROM:
            return "compute"
        return "memory" if self.memory_share >= BOUND_FROM else "overhead"


def peaks(measured: Iterable[Rates]) -> dict[tuple[str, int], Peak]:
    """The machine's peak by device and threads."""
    ok = (rates for rates in measured if rates.status == "ok")
    groups = grouped(ok, lambda rates: (rates.device, rates.threads))
    best: dict[tuple[str, int], Peak] = {}
    for (device, threads), group in groups.items():
        fastest = max(group, key=lambda rates: rates.matmul)
        widest = max(group, key=lambda rates: rates.memory)
        best[device, threads] = Peak(
            device=device,
            threads=threads,
            matmul=fastest.matmul,
            matmul_by=fastest.framework,
            memory=widest.memory,
            memory_by=widest.framework,
            disturbed=(fastest.crowd or 0.0) > contention.OTHERS,
        )
    return best


def use(samples_per_second: float, *, flops: float, moved: float, peak: Peak) -> Use:
    """How much of the peak training at a pace uses.

    `flops` are the model FLOPs of training on one example, `moved` the bytes moved for it.
    """
    return Use(
        share=flops * samples_per_second / peak.matmul,
        memory_share=moved * samples_per_second / peak.memory,
    )
