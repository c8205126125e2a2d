"""Prove the ends of a run's jobs: replay their traces in the reference, and judge them.

Traces of large networks take a hundred megabytes. They are in a folder of the system's for
temporary files, each until it is judged, and all are gone with the run.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench import tasks
from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.core.record import Cell, Job, Record, Status
from bench.core.setting import Setting
from bench.launch import catalogue, machine
from bench.launch.virtual_environments import Environment, Provider
from bench.proof.late_checks import compare
from bench.proof.late_proof import LateProof, late_outcome
from bench.proof.reference_traces import REFERENCE
from bench.proof.tracing import LOG, answered
from bench.system import children, files
from bench.worker.late_replay import ReplayJob


class LateProver:
    """Proves the ends of jobs that were traced to its files.

    The reference's environment is requested from `provide` when there is something to replay.
    """

    def __init__(self, provide: Provider) -> None:
        self._provide = provide
        self._folder, self._remove = files.scratch_folder(self)
        self._jobs: dict[str, Job] = {}

    def file(self, job: Job) -> Path:
        """The file for the trace of a job's end."""
        name = str(len(self._jobs))
        self._jobs[name] = job
        return self._trace(name)

    def prove(
        self, records: Mapping[tuple[Cell, int], Record], listener: Listener
    ) -> list[LateProof]:
        """A proof for each job with a file whose record, by cell and block, is ok."""
        measured = [
            name for name, job in self._jobs.items() if records[job.cell, job.block].status == "ok"
        ]
        traced = [name for name in measured if self._trace(name).exists()]
        proofs = {
            name: self._proof(name, "failed", "the end could not be traced; its log says why")
            for name in measured
        }
        if traced:
            proofs |= self._prove(traced, listener)
        self._remove()
        return list(proofs.values())

    def _prove(self, names: Sequence[str], listener: Listener) -> dict[str, LateProof]:
        """Prove as many at a time as there are cores."""
        try:
            environment = self._provide(catalogue.load(REFERENCE), "cpu", listener)
        except UnavailableError as error:
            return {name: self._proof(name, "unavailable", str(error)) for name in names}
        at_once = min(len(names), machine.usable_cores())
        groups = [names[start::at_once] for start in range(at_once)]
        proofs: dict[str, LateProof] = {}
        with children.pool(at_once) as pool:
            for proved in [
                pool.submit(self._prove_group, group, environment, listener) for group in groups
            ]:
                proofs |= proved.result()
        return {name: proofs[name] for name in names}

    def _prove_group(
        self, names: Sequence[str], environment: Environment, listener: Listener
    ) -> dict[str, LateProof]:
        """Replay traces in one process, and judge and delete them."""
        job = ReplayJob(
            framework=REFERENCE,
            mode=catalogue.load(REFERENCE).recommended,
            setting=Setting(precision="float64", threads=1),
            jobs={name: self._jobs[name] for name in names},
            folder=str(self._folder),
        )
        log = self._folder / f"{names[0]}-{LOG}"
        outcomes = answered(
            job, names, environment, log=log, folder=self._folder, listener=listener
        ).outcomes
        proofs = {}
        for name in names:
            status, reason = outcomes[name]
            if status == "ok":
                proofs[name] = self._judge(name, job.replayed(name))
            else:
                proofs[name] = self._proof(name, "failed", f"it could not be replayed: {reason}")
            self._trace(name).unlink()
            job.replayed(name).unlink(missing_ok=True)
        return proofs

    def _judge(self, name: str, replayed: Path) -> LateProof:
        """The proof that follows from a trace and the reference's replay of it."""
        job = self._jobs[name]
        task = job.as_trained(tasks.load(job.cell.task))
        try:
            with np.load(self._trace(name)) as trace, np.load(replayed) as expected:
                arrays = dict(trace)
                checks = compare(task, arrays, dict(expected), job.cell.precision)
        except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
            return self._proof(name, "failed", f"its trace cannot be read: {error}")
        status, reason = late_outcome(checks)
        return LateProof(
            cell=job.cell,
            block=job.block,
            status=status,
            reason=reason,
            checks=checks,
            steps=int(arrays["steps"]),
        )

    def _proof(self, name: str, status: Status, reason: str) -> LateProof:
        job = self._jobs[name]
        return LateProof(cell=job.cell, block=job.block, status=status, reason=reason)

    def _trace(self, name: str) -> Path:
        return self._folder / f"{name}.npz"
