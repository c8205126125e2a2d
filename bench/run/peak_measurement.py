"""The machine's rates, measured in each framework's own environment before a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.analysis.roofline import Rates
from bench.core.listener import Listener
from bench.core.record import Cell
from bench.core.setting import Setting
from bench.launch import catalogue, worker_process
from bench.launch.virtual_environments import Environment, Environments
from bench.launch.worker_messages import RatesResult
from bench.worker.machine_rates import RatesJob

# Seconds without a message after which a worker is killed: importing takes a few, and so does
# measuring.
SILENCE = 120.0


def measure_rates(
    cells: Iterable[Cell], environments: Environments, listener: Listener
) -> list[Rates]:
    """Rates for each framework, device and number of threads among `cells`, one after another.

    A failed measurement does not raise: its `Rates` give the reason.
    """
    combinations = sorted({(cell.framework, cell.device, cell.threads) for cell in cells})
    rates = []
    for framework, device, threads in combinations:
        environment = environments[framework, device]
        if isinstance(environment, Environment):
            setting = Setting(device=device, threads=threads)
            job = RatesJob(framework=framework, setting=setting)
            rates.append(_measure(job, environment, listener))
    return rates


def _measure(job: RatesJob, environment: Environment, listener: Listener) -> Rates:
    with tempfile.TemporaryDirectory(prefix="framebench-") as folder:
        result = worker_process.ask(
            job.to_json(),
            worker_process.WorkerSpec(
                framework=catalogue.load(job.framework),
                environment=environment,
                setting=job.setting,
                log=Path(folder) / "worker.log",
                timeout=SILENCE,
            ),
            RatesResult,
            listener=listener,
        )
    rates = Rates(
        framework=job.framework,
        device=job.setting.device,
        threads=job.setting.threads,
        status=result.status,
        reason=result.reason,
    )
    if isinstance(result, RatesResult):
        rates = replace(rates, matmul=result.matmul, memory=result.memory, crowd=result.crowd)
    listener.finished(str(job), str(rates))
    return rates
