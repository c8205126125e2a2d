"""The machine's rates, measured in each framework's own environment before a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.analysis.roofline import Rates
from bench.core.errors import UnavailableError
from bench.core.record import Cell
from bench.launch import catalogue, worker_process
from bench.launch.environments import Environment, Report
from bench.worker.machine_rates import RatesJob

# Seconds without a word after which a worker is killed: importing takes a few, as does measuring.
SILENCE = 120.0


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
        result = worker_process.ask(
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
