"""How near a cell comes to what this machine can do, and what keeps it from more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.core.record import Status
from bench.core.setting import Device

Bound = Literal["compute", "memory", "overhead"]

# A rule of thumb, not a diagnosis: at half of the rate that one large operation reaches, a network
# of many smaller ones has little to gain elsewhere. Below it in both, the time went into something
# else: dispatch, Python, operators that are too small to fill the machine, or that are slow.
BOUND_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What one framework reached with so many threads; zero where `status` is not ok.

    `matmul` in float32 FLOPs a second, `memory` in bytes a second, read and written.
    """

    framework: str
    device: Device
    threads: int
    matmul: float = 0.0
    memory: float = 0.0
    status: Status = "ok"
    reason: str = ""

    def to_fields(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> Rates:
        """From its JSON object."""
        return Rates(**fields)

    def __str__(self) -> str:
        """What came of it, for a line of text."""
        if self.status != "ok":
            return f"{self.status}: {self.reason}"
        return ", ".join(rates_text(self.matmul, self.memory))


def rates_text(matmul: float, memory: float) -> tuple[str, str]:
    """Both rates with their units."""
    return f"{matmul / 1e9:,.0f} GFLOP/s", f"{memory / 1e9:,.1f} GB/s"


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The best of all frameworks that were measured with as many threads: what the machine can do.

    `matmul` in float32 FLOPs a second, by `matmul_by`; `memory` in bytes a second, by `memory_by`.
    """

    device: str
    threads: int
    matmul: float
    matmul_by: str
    memory: float
    memory_by: str


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a cell makes of the machine, as fractions of its peak.

    `memory_share` is of the bytes that are moved if no cache keeps any: a small network exceeds 1
    with ease. `share` exceeds 1 where the machine was busier when its peak was measured.
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
    groups: dict[tuple[str, int], list[Rates]] = {}
    for rates in measured:
        if rates.status == "ok":
            groups.setdefault((rates.device, rates.threads), []).append(rates)
    best = {}
    for (device, threads), group in groups.items():
        fastest = max(group, key=lambda one: one.matmul)
        widest = max(group, key=lambda one: one.memory)
        best[device, threads] = Peak(
            device=device,
            threads=threads,
            matmul=fastest.matmul,
            matmul_by=fastest.framework,
            memory=widest.memory,
            memory_by=widest.framework,
        )
    return best


def use(samples_per_second: float, *, flops: float, moved: float, peak: Peak) -> Use:
    """What a pace of training makes of the machine.

    `flops` are the model FLOPs of training on one example, `moved` the bytes that this moves.
    """
    return Use(
        share=flops * samples_per_second / peak.matmul,
        memory_share=moved * samples_per_second / peak.memory,
    )
