"""The machine's rates, measured in each framework's own environment before a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import catalogue, runner
from bench.core.adapter import Device
from bench.core.errors import UnavailableError
from bench.core.rates import RatesJob
from bench.core.record import Cell, Status
from bench.environments import Environment, Report

# Seconds without a word after which a worker is killed: importing takes a few, as does measuring.
SILENCE = 120.0


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


def measure_all(
    cells: Iterable[Cell],
    environments: Mapping[tuple[str, str], Environment | UnavailableError],
    report: Report,
) -> list[Rates]:
    """Rates for each framework, device and number of threads among `cells`, one after another.

    One that cannot be measured says why; it holds nothing up.
    """
    wanted = sorted({(cell.framework, cell.device, cell.threads) for cell in cells})
    found = []
    for framework, device, threads in wanted:
        environment = environments[framework, device]
        if isinstance(environment, Environment):
            job = RatesJob(framework=framework, device=device, threads=threads)
            found.append(_measure(job, environment, report))
    return found


def _measure(job: RatesJob, environment: Environment, report: Report) -> Rates:
    label = f"{job.framework} {job.device} rates"

    def told(message: dict[str, Any]) -> None:
        if message["event"] == "phase":
            report(label, f"measuring: {message['name']}")

    with tempfile.TemporaryDirectory(prefix="framebench-") as folder:
        result = runner.ask(
            job.to_json(),
            catalogue.load(job.framework),
            environment,
            threads=job.threads,
            tuning="expert",
            precision="float32",
            log=Path(folder) / "worker.log",
            timeout=SILENCE,
            told=told,
        )
    rates = Rates(framework=job.framework, device=job.device, threads=job.threads, **result)
    report(label, str(rates), final=True)
    return rates
