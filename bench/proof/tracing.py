"""Have a worker trace tasks: run their first steps and write what `bench.worker.trace` lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.core.record import Status
from bench.launch import catalogue, worker_process
from bench.launch.virtual_environments import Environment
from bench.launch.worker_messages import Traced, TracedResult
from bench.launch.worker_process import Ended
from bench.proof.certificate import Claim
from bench.worker.late_replay import ReplayJob
from bench.worker.proof_job import ProofJob

LOG = "worker.log"
# Seconds without a message after which a worker is killed. Compiling can take more than a minute.
SILENCE = 600.0


@dataclass(frozen=True, kw_only=True)
class Tracing:
    """The result of tracing tasks in one process, whose traces and log are in `folder`.

    `outcomes` has each task's status, and the reason if it is not ok; `versions` are those of the
    framework and its libraries.
    """

    folder: Path
    outcomes: Mapping[str, tuple[Status, str]]
    versions: dict[str, str]

    @staticmethod
    def of(result: TracedResult | Ended, tasks: Iterable[str], *, folder: Path) -> Tracing:
        """From what a worker answered to a job with these tasks."""
        if isinstance(result, Ended) or result.status != "ok":
            versions = {} if isinstance(result, Ended) else result.versions
            outcomes: dict[str, tuple[Status, str]] = dict.fromkeys(
                tasks, (result.status, result.reason)
            )
            return Tracing(folder=folder, outcomes=outcomes, versions=versions)
        silent = Traced(status="failed", reason="the worker says nothing about this task")
        traced = {task: result.traced.get(task, silent) for task in tasks}
        outcomes = {task: (traced[task].status, traced[task].reason) for task in traced}
        return Tracing(folder=folder, outcomes=outcomes, versions=result.versions)

    @property
    def log(self) -> Path:
        return self.folder / LOG

    def file(self, task: str) -> Path:
        """The trace of a task whose status is ok."""
        return self.folder / f"{task}.npz"

    def read(self, task: str) -> dict[str, Array]:
        """The arrays of a task whose status is ok."""
        return dict(np.load(self.file(task), allow_pickle=False))


def proof_job(
    claim: Claim,
    data: Mapping[str, Path],
    *,
    folder: Path,
    seed: int,
    rounding: bool,
    drawn: bool = True,
) -> ProofJob:
    """The job of tracing every task of `data`, as `trace` does."""
    return ProofJob(
        framework=claim.framework,
        mode=claim.mode,
        setting=claim.setting,
        seed=seed,
        data={task: str(prepared) for task, prepared in data.items()},
        out=str(folder),
        rounding=rounding,
        drawn=drawn,
        compiles=catalogue.load(claim.framework).compiles(claim.mode),
    )


def trace(
    claim: Claim,
    data: Mapping[str, Path],
    environment: Environment,
    *,
    folder: Path,
    seed: int,
    rounding: bool,
    drawn: bool = True,
    listener: Listener,
) -> Tracing:
    """Trace every task of `data`, prepared folders by task, as a claim without a task says.

    `rounding` asks for what only coarser precisions than float64 are held to, and `drawn` for what
    the framework draws itself.
    """
    job = proof_job(claim, data, folder=folder, seed=seed, rounding=rounding, drawn=drawn)
    return answered(job, data, environment, log=folder / LOG, folder=folder, listener=listener)


def answered(
    job: ProofJob | ReplayJob,
    names: Iterable[str],
    environment: Environment,
    *,
    log: Path,
    folder: Path,
    listener: Listener,
) -> Tracing:
    """What a worker answers to a job that makes the traces of these names, in `folder`."""
    spec = worker_process.WorkerSpec(
        framework=catalogue.load(job.framework),
        environment=environment,
        setting=job.setting,
        log=log,
        timeout=SILENCE,
    )
    result = worker_process.ask(job.to_json(), spec, TracedResult, listener=listener)
    return Tracing.of(result, names, folder=folder)


def process_of(claim: Claim) -> Claim:
    """The claim without its task: claims that share it are traced in one process."""
    return replace(claim, task="")
