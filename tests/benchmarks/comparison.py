"""The windows of an adapter and of the native script that it is held against, and their ratios."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

SLOWER = 0.97  # lower ratios are marked: they are beyond the noise of a quiet machine


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Samples per second of a process in each window, by wall clock and by processor time."""

    wall: list[float]
    cpu: list[float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A cell's processes: one of each side in each round."""

    framework: str
    task: str
    mode: str
    threads: int
    native: list[Windows]
    adapter: list[Windows]

    def ratios(self, clock: str) -> list[float]:
        """The ratio of each round, by the `wall` clock or by `cpu` time."""
        return [
            statistics.median(getattr(adapter, clock)) / statistics.median(getattr(native, clock))
            for adapter, native in zip(self.adapter, self.native, strict=True)
        ]

    def ratio_of_fastest(self) -> float:
        adapter, native = (
            max(max(process.wall) for process in side) for side in (self.adapter, self.native)
        )
        return adapter / native

    def row(self) -> dict[str, object]:
        ratios = self.ratios("wall")
        median, cpu = statistics.median(ratios), statistics.median(self.ratios("cpu"))
        return {
            "framework": self.framework,
            "task": self.task,
            "mode": self.mode,
            "native": _median_of_medians(self.native),
            "adapter": _median_of_medians(self.adapter),
            "ratio": f"{median:.3f}",
            "lowest-highest": f"{min(ratios):.3f}-{max(ratios):.3f}",
            "of fastest": f"{self.ratio_of_fastest():.3f}",
            "of CPU time": f"{cpu:.3f}",
            "": "SLOWER" if max(median, cpu, self.ratio_of_fastest()) < SLOWER else "",
        }


def _median_of_medians(processes: list[Windows]) -> int:
    return round(statistics.median(statistics.median(process.wall) for process in processes))
