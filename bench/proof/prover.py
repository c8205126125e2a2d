"""Prove claims: trace the tasks, compare with the reference's traces, cache the certificates.

A certificate holds for a framework's source and environment on one machine. It is kept in the
user's cache under a name that hashes all of these, and is reused until one of them changes. A
package is identified by the list of its files that is there now.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import tasks
from bench.core.arrays import Array
from bench.core.dataset_info import DatasetInfo, data_label
from bench.core.errors import UnavailableError
from bench.core.framework_name import in_file_name
from bench.core.listener import Listener
from bench.core.record import Status
from bench.launch import catalogue, gpu_state, machine
from bench.launch.paths import not_writable
from bench.launch.virtual_environments import Environment, Environments, Provider
from bench.proof import cache, checks, distances, tolerances
from bench.proof.certificate import USUAL_SEED, Certificate, Claim, outcome
from bench.proof.reference_traces import ReferenceTraces
from bench.proof.tolerances import TOLERANCES
from bench.proof.tracing import Tracing, process_of, trace
from bench.system import children


class Prover:
    """Proves claims on prepared data, given by task, in `environments` that exist.

    The reference's environment is requested from `provide` when it is needed. With `fresh`,
    certificates are made again even if they are in the cache. `seed` chooses weights, batches and
    the number of steps.
    """

    def __init__(
        self,
        environments: Environments,
        data: Mapping[str, Path],
        *,
        provide: Provider,
        seed: int = USUAL_SEED,
        fresh: bool = False,
    ) -> None:
        self._environments = environments
        self._data = data
        self._seed = seed
        self._fresh = fresh
        self._reference = ReferenceTraces(data, provide=provide, seed=seed)
        self._digests: dict[str, str] = {}
        self._not_kept = ""  # why certificates cannot be kept
        cache.prune()

    def prove(self, claims: Iterable[Claim], listener: Listener) -> dict[Claim, Certificate]:
        """A certificate for every claim, whatever its status."""
        certificates: dict[Claim, Certificate] = {}
        groups: dict[Claim, list[Claim]] = defaultdict(list)
        for claim in dict.fromkeys(claims):
            self._source_digest(claim.framework)  # now, as it may change while it is proved
            environment = self._environments[claim.framework, claim.device]
            if isinstance(environment, UnavailableError):
                certificates[claim] = self._certificate(claim, "unavailable", str(environment))
            elif cached := self._cached(claim, environment):
                certificates[claim] = cached
            else:
                groups[process_of(claim)].append(claim)
        for threads in sorted({process.threads for process in groups}):
            same_threads = [
                claims for process, claims in groups.items() if process.threads == threads
            ]
            certificates.update(self._prove_groups(same_threads, threads, listener))
        self._reference.release()
        if self._not_kept:
            listener.finished("certificates", f"used, but not kept: {self._not_kept}")
        return certificates

    def _prove_groups(
        self, groups: Sequence[Sequence[Claim]], threads: int, listener: Listener
    ) -> dict[Claim, Certificate]:
        """Prove groups of `threads` threads each, as many at a time as there are cores."""
        certificates: dict[Claim, Certificate] = {}
        needed = sorted({claim.task for group in groups for claim in group})
        slowest_first = sorted(groups, key=_expected_to_be_quick)
        with (
            ExitStack() as folders,
            children.pool(max(1, machine.usable_cores() // threads)) as pool,
        ):
            # Only judging needs the reference, so that no core waits for its traces.
            reference = pool.submit(self._reference.ensure, needed, listener)
            traced = []
            for claims in slowest_first:
                folder = tempfile.TemporaryDirectory(prefix="framebench-")
                folders.enter_context(folder)
                traced.append(
                    (claims, folder, pool.submit(self._trace_group, claims, folder.name, listener))
                )
            for claims, folder, tracing in traced:
                judged = self._judge_group(claims, tracing.result(), reference, listener)
                certificates.update({proof.claim: proof for proof in judged})
                folder.cleanup()  # traces of large networks take hundreds of megabytes
        return certificates

    def _trace_group(self, claims: Sequence[Claim], folder: str, listener: Listener) -> Tracing:
        """Trace claims that differ only in their task, in one process."""
        process = process_of(claims[0])
        return trace(
            process,
            {claim.task: self._data[claim.task] for claim in claims},
            self._environment(process),
            folder=Path(folder),
            seed=self._seed,
            rounding=bool(TOLERANCES[process.precision].formula),
            listener=listener,
        )

    def _judge_group(
        self,
        claims: Sequence[Claim],
        tracing: Tracing,
        reference: Future[dict[str, str]],
        listener: Listener,
    ) -> list[Certificate]:
        """The certificates of claims that were traced together, once the reference is traced."""
        process = process_of(claims[0])
        try:
            failures = reference.result()
        except UnavailableError as error:
            return [self._certificate(claim, "unavailable", str(error)) for claim in claims]
        certificates = [
            self._certificate(claim, "unavailable", failures[claim.task])
            if claim.task in failures
            else self._judge(claim, tracing)
            for claim in claims
        ]
        for certificate in certificates:
            self._keep(certificate, self._environment(process))
        listener.finished(str(process), _summary(certificates, tracing.log, str(process)))
        return certificates

    def _source_digest(self, framework: str) -> str:
        """The digest of a framework's source when it was first asked for."""
        if framework not in self._digests:
            self._digests[framework] = catalogue.source_digest(catalogue.load(framework))
        return self._digests[framework]

    def _environment(self, process: Claim) -> Environment:
        """The environment of claims that are grouped; others have none."""
        environment = self._environments[process.framework, process.device]
        assert isinstance(environment, Environment)
        return environment

    def _judge(self, claim: Claim, tracing: Tracing) -> Certificate:
        """The certificate that follows from a claim's trace."""
        status, reason = tracing.outcomes[claim.task]
        if status != "ok":
            return self._certificate(claim, status, reason, versions=tracing.versions)
        traced: Mapping[str, Array] = tracing.read(claim.task)
        reference = self._reference.read(claim.task)
        compared = checks.compare(tasks.load(claim.task), traced, reference, claim.precision)
        return self._certificate(
            claim,
            *outcome(compared),
            checks=compared,
            losses=tuple(traced["losses"].sum(axis=1).tolist()),
            versions=tracing.versions,
        )

    def _certificate(
        self, claim: Claim, status: Status, reason: str = "", **findings: Any
    ) -> Certificate:
        return Certificate(
            claim=claim,
            status=status,
            reason=reason,
            dataset=self._data[claim.task].name,
            data=data_label(asdict(DatasetInfo.read(self._data[claim.task]))),
            source_digest=self._source_digest(claim.framework),
            reference_digest=self._reference.digest,
            seed=self._seed,
            **findings,
        )

    def _cached(self, claim: Claim, environment: Environment) -> Certificate | None:
        return None if self._fresh else cache.read_certificate(self._file(claim, environment))

    def _keep(self, certificate: Certificate, environment: Environment) -> None:
        """Write a certificate to the cache, unless a second attempt could end differently."""
        if certificate.status in ("ok", "wrong"):
            text = json.dumps(certificate.to_fields(), allow_nan=False)
            try:
                cache.write(self._file(certificate.claim, environment), text.encode())
            except OSError as error:
                self._not_kept = not_writable(error)

    @cached_property
    def _gpus(self) -> list[dict[str, str | None]]:
        return gpu_state.find()

    def _file(self, claim: Claim, environment: Environment) -> Path:
        """The file of a claim's certificate; its name hashes all that it depends on."""
        key = cache.digest(
            asdict(claim),
            self._source_digest(claim.framework),
            self._reference.digest,
            _checker_digest(),
            environment.packages,  # some installers leave no list of a package's files
            dict(environment.records),
            platform.python_version(),
            machine.cpu_name(),
            self._gpus if claim.device == "cuda" else [],
            self._data[claim.task].name,
            self._seed,
        )
        return cache.certificate_file(f"{in_file_name(claim.framework)}-{claim.task}-{key}")


def _summary(certificates: Sequence[Certificate], log: Path, label: str) -> str:
    """One line on a group; it says where the worker's log is kept if a task was not traced."""
    bad = [certificate for certificate in certificates if certificate.status != "ok"]
    summary = (
        "; ".join(f"{certificate.claim.task} {certificate.status}" for certificate in bad)
        or "proved"
    )
    if any(not certificate.checks for certificate in bad):
        kept = cache.keep_log(log, label)
        summary += f" (log: {kept})" if kept else ""
    return summary


def _expected_to_be_quick(group: Sequence[Claim]) -> tuple[bool, bool]:
    """A sort key that puts the slowest groups first, so that none of them starts last.

    Compiling takes longest, and longest of all in modes that a framework does not recommend.
    """
    claim = group[0]
    return claim.mode == "eager", claim.mode == catalogue.load(claim.framework).recommended


def _checker_digest() -> str:
    """sha256 of the source of checks and their tolerances, on which every certificate depends."""
    sources = (
        Path(str(module.__file__)).read_bytes() for module in (checks, distances, tolerances)
    )
    return hashlib.sha256(b"".join(sources)).hexdigest()
