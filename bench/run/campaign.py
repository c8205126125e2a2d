"""A run from request to records: which cells, what they need, one job after another."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import bench
from bench import datasets, tasks
from bench.analysis.roofline import Rates
from bench.analysis.stopping import Stopping
from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.core.record import Cell, Job, Record
from bench.launch import catalogue, gpu, machine, worker_process
from bench.launch.environments import Environment, Provider, installed_bytes, provide_all
from bench.proof.certificate import Certificate, Claim
from bench.proof.prover import Prover
from bench.records.run_folder import LOGS, RunFolder, check_writable
from bench.records.snapshot_taking import take
from bench.run import schedule
from bench.run.peak_measurement import measure_all
from bench.run.request import PRESETS, PROVIDERS, DataSource, Request, budget, cells, check

Environments = dict[tuple[str, str], Environment | UnavailableError]


class CampaignListener(Listener, Protocol):
    """Is told of a run's records, and of added blocks, besides how far its jobs are."""

    def recorded(self, record: Record) -> None:
        """A job is done."""

    def extended(self, jobs: int, why: str) -> None:
        """So many jobs are added to the run."""


def why_not(cell: Cell) -> str | None:
    """Why a cell cannot run on this machine, before any environment is made for it."""
    framework = catalogue.load(cell.framework)
    task = tasks.load(cell.task)
    if not framework.supports(task.network):
        return f"{framework.title} has no model for {cell.task}"
    if cell.device not in framework.devices:
        return f"{framework.title} is not offered on {cell.device}"
    if not framework.computes(cell.precision, cell.device):
        return f"{framework.title} has no {cell.precision} on {cell.device}"
    if cell.device == "cuda" and not gpu.find():
        return "no NVIDIA GPU is found on this machine"
    return None


def prepare_data(names: Iterable[str], source: DataSource, listener: Listener) -> dict[str, Path]:
    """The prepared folder of each task's data. Raises DataError where `real` data cannot be had."""
    folders: dict[str, Path] = {}
    by_task: dict[str, Path] = {}
    for task in names:
        dataset = tasks.load(task).dataset
        if dataset not in folders:
            folders[dataset] = datasets.prepare(dataset, source=source, listener=listener)
        by_task[task] = folders[dataset]
    return by_task


def prepare_environments(
    usable: Iterable[Cell], listener: Listener, *, provide: Provider
) -> Environments:
    """The environments of cells by framework and device; for one that cannot be had, its error."""
    needed = sorted({(cell.device, cell.framework) for cell in usable})
    found: Environments = {}
    for device in dict(needed):
        names = [framework for at, framework in needed if at == device]
        wanted = [catalogue.load(name) for name in names]
        made = provide_all(wanted, device, listener, provide=provide)
        found.update({(name, device): made[name] for name in names})
    return found


def verify(request: Request, *, fresh: bool, listener: Listener) -> list[Certificate]:
    """A certificate for every cell that the request names."""
    check(request)
    every = cells(request)
    refused = {
        Claim.of(cell): Certificate(claim=Claim.of(cell), status="unsupported", reason=reason)
        for cell in every
        if (reason := why_not(cell))
    }
    usable = [cell for cell in every if Claim.of(cell) not in refused]
    provide = PROVIDERS[request.env]
    prover = Prover(
        prepare_environments(usable, listener, provide=provide),
        prepare_data(sorted({cell.task for cell in usable}), request.data, listener),
        provide=provide,
        fresh=fresh,
    )
    proved = {**refused, **prover.prove([Claim.of(cell) for cell in usable], listener)}
    return [proved[Claim.of(cell)] for cell in every]


def claims(cell: Cell) -> tuple[Claim, ...]:
    """What a cell rests on: its source in float64, then the cell as it is timed.

    In float64 on one thread, so that several are proved at a time.
    """
    return Claim.of(cell).with_setting(precision="float64", threads=1), Claim.of(cell)


def flaw(cell: Cell, certificates: Mapping[Claim, Certificate]) -> Certificate | None:
    """The certificate that speaks against a cell, if one does."""
    for claim in claims(cell):
        found = certificates[claim]
        # Where a framework cannot compute in float64, the timed precision is all there is.
        excused = found.status == "unsupported" and claim != Claim.of(cell)
        if found.status != "ok" and not excused:
            return found
    return None


class Suite:
    """One run, from its request to its folder."""

    def __init__(self, request: Request) -> None:
        """Raises UsageError for a request that cannot be met."""
        check(request)
        self.request = request
        self.cells = cells(request)
        self.budgets = {cell.task: budget(request, cell.task) for cell in self.cells}
        self.repeats = request.repeats or PRESETS[request.preset].repeats
        self.stopping = Stopping(
            repeats=self.repeats,
            # With one repeat nobody compares; else at most half as many again.
            spare=self.repeats // 2 if request.spare is None else request.spare,
            until=request.until,
            seconds=request.budget_seconds or 3600.0,
        )
        stamp = datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
        self.name = request.name or f"{stamp}-{request.preset}"
        self.folder = request.results / self.name
        check_writable(self.folder)
        self._provide = PROVIDERS[request.env]
        self._environments: Environments = {}
        self._data: dict[str, Path] = {}
        self._certificates: dict[Claim, Certificate] = {}
        self._rates: list[Rates] = []
        self.missed = ""  # how `until` was, once it has run; empty where it was reached
        self._refused = {cell: reason for cell in self.cells if (reason := why_not(cell))}

    @property
    def job_count(self) -> int:
        return len(self.cells) * self.repeats

    def prepare_data(self, listener: Listener) -> None:
        """Fetch and parse what the tasks need. Raises DataError where `real` data cannot be had."""
        self._data = prepare_data(self.budgets, self.request.data, listener)

    def prepare_environments(self, listener: Listener) -> None:
        """Make what is missing; a framework that cannot be had is left to its cells to tell."""
        usable = [cell for cell in self.cells if cell not in self._refused]
        self._environments = prepare_environments(usable, listener, provide=self._provide)

    def prove(self, listener: Listener) -> None:
        """Prove every cell that can run; one that is not the task is never timed."""
        usable = [cell for cell in self.cells if cell not in self._refused]
        prover = Prover(self._environments, self._data, provide=self._provide)
        wanted = [claim for cell in usable for claim in claims(cell)]
        self._certificates = prover.prove(wanted, listener)

    def measure_rates(self, listener: Listener) -> None:
        """Measure what the machine can do, one framework at a time, just before it is used."""
        usable = [cell for cell in self.cells if cell not in self._refused]
        self._rates = measure_all(usable, self._environments, listener)

    def run(self, listener: CampaignListener) -> None:
        """Every job in turn; each record is on the disk before the next job starts."""
        info = self._info()
        folder = RunFolder(self.folder)
        folder.write_info(info)
        begun = time.monotonic()
        records: list[Record] = []
        another, why = True, ""
        while another:
            number = len(records) // len(self.cells)
            for job in self._block(number):
                record = self._job(job, len(records) + 1, listener)
                folder.append(record)
                records.append(record)
                listener.recorded(record)
            another, why = self.stopping.more(
                records, blocks=number + 1, elapsed=time.monotonic() - begun
            )
            if another and number + 1 >= self.repeats:
                listener.extended(len(self.cells), why)
        self.missed = self.stopping.missed(records, blocks=number + 1)
        info["stopped"] = why
        info["wall_seconds"] = round(time.monotonic() - begun, 1)
        folder.write_info(info)

    def _block(self, number: int) -> list[Job]:
        return schedule.block(
            self.cells,
            number,
            seed=self.request.seed,
            budgets=self.budgets,
            data=self._data,
            warmup=self.request.warmup,
            window=self.request.window,
        )

    def _job(self, job: Job, number: int, listener: CampaignListener) -> Record:
        cell = job.cell
        if reason := self._refused.get(cell):
            return worker_process.outcome(job, "unsupported", reason)
        if bad := flaw(cell, self._certificates):
            where = f"in {bad.claim.precision}: " * (bad.claim.precision != cell.precision)
            return worker_process.outcome(job, bad.status, where + bad.reason)
        framework = catalogue.load(cell.framework)
        if catalogue.source_digest(framework) != self._certificates[Claim.of(cell)].source_digest:
            return worker_process.outcome(
                job, "failed", "the source has changed since it was proved"
            )
        environment = self._environments[cell.framework, cell.device]
        assert isinstance(environment, Environment)
        log = f"{number:04d}-{cell.framework}-{cell.task}-{cell.mode}-{cell.device}.log"
        spec = worker_process.WorkerSpec(
            framework=framework,
            environment=environment,
            setting=cell.setting,
            log=self.folder / LOGS / log,
            timeout=self.request.timeout,
        )
        return worker_process.run_job(job, spec, listener=listener)

    def _info(self) -> dict[str, Any]:
        made = {
            f"{framework} {device}": found
            for (framework, device), found in self._environments.items()
            if isinstance(found, Environment)
        }
        used = sorted({cell.framework for cell in self.cells})
        return {
            "name": self.name,
            "command": self.request.command,
            "request": {
                key: value
                for key, value in asdict(self.request).items()
                if key not in ("results", "command")
            },
            "threads": self.cells[0].threads,
            "repeats": self.repeats,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "framebench": bench.__version__,
            "machine": machine.describe(),
            "environments": {name: found.packages for name, found in made.items()},
            # An interpreter's own packages are not what a framework takes.
            "installed_bytes": {
                name: installed_bytes(found)
                for name, found in made.items()
                if self.request.env == "own"
            },
            "rates": [one.to_fields() for one in self._rates],
            "certificates": [one.to_fields() for one in self._certificates.values()],
            "snapshot": take(self.cells, self.budgets).to_fields(),
            "source_digests": {
                name: catalogue.source_digest(catalogue.load(name)) for name in used
            },
        }
