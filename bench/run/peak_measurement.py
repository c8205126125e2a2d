"""The machine's rates, measured in each framework's own environment before a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.analysis.roofline import Rates
from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.core.record import Cell
from bench.core.setting import Setting
from bench.launch import catalogue, worker_process
from bench.launch.environments import Environment
from bench.worker.machine_rates import RatesJob

# Seconds without a word after which a worker is killed: importing takes a few, as does measuring.
SILENCE = 120.0


def measure_all(
    cells: Iterable[Cell],
    environments: Mapping[tuple[str, str], Environment | UnavailableError],
    listener: Listener,
) -> list[Rates]:
    """Rates for each framework, device and number of threads among `cells`, one after another.

    One that cannot be measured says why; it holds nothing up.
    """
    wanted = sorted({(cell.framework, cell.device, cell.threads) for cell in cells})
    found = []
    for framework, device, threads in wanted:
        environment = environments[framework, device]
        if isinstance(environment, Environment):
            setting = Setting(device=device, threads=threads)
            job = RatesJob(framework=framework, setting=setting)
            found.append(_measure(job, environment, listener))
    return found


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
            listener=listener,
        )
    device, threads = job.setting.device, job.setting.threads
    rates = Rates(framework=job.framework, device=device, threads=threads, **result)
    listener.finished(str(job), str(rates))
    return rates
