"""Prove cells: have traces made, hold them against the reference, and keep the certificates.

A certificate holds for one framework's source and environment, on one machine: it is kept in the
user's cache under a name that hashes all of that, and found again until any of it changes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import tasks
from bench.core.batches import DatasetInfo, data_label
from bench.core.errors import UnavailableError
from bench.core.listener import Listener
from bench.core.record import Status
from bench.core.setting import Setting
from bench.core.weights import Array
from bench.launch import catalogue, gpu, machine, worker_process
from bench.launch.environments import Environment, Provider
from bench.launch.worker_process import WorkerSpec
from bench.proof import cache, checks
from bench.proof.certificate import Certificate, Claim
from bench.proof.checks import TOLERANCES
from bench.worker.trace import ProofJob

REFERENCE = "reference"
LOG = "worker.log"
# Compiling for the slowest of them takes a minute and more without a word.
SILENCE = 600.0


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class Prover:
    """Proves claims on prepared data, with environments that stand.

    `environments` is by framework and device; `data` are prepared folders by task; the reference's
    environment is asked of `provide` when it is needed. With `fresh`, certificates that are kept
    already are made anew.
    """

    def __init__(
        self,
        environments: Mapping[tuple[str, str], Environment | UnavailableError],
        data: Mapping[str, Path],
        *,
        provide: Provider,
        seed: int = 0,
        fresh: bool = False,
    ) -> None:
        self._environments = environments
        self._provide = provide
        self._data = data
        self._seed = seed
        self._fresh = fresh
        self._reference = catalogue.load(REFERENCE)
        cache.prune()
        self._digests = {
            name: catalogue.source_digest(catalogue.load(name)) for name in catalogue.names()
        }

    def prove(self, claims: Iterable[Claim], listener: Listener) -> dict[Claim, Certificate]:
        """A certificate for every claim, good or bad."""
        found: dict[Claim, Certificate] = {}
        missing: dict[Claim, list[Claim]] = defaultdict(list)
        for claim in dict.fromkeys(claims):
            environment = self._environments[claim.framework, claim.device]
            if isinstance(environment, UnavailableError):
                found[claim] = self._certificate(claim, "unavailable", str(environment))
            elif proved := self._proved_before(claim, environment):
                found[claim] = proved
            else:
                missing[replace(claim, task="")].append(claim)
        for threads in sorted({group.threads for group in missing}):
            groups = [claims for group, claims in missing.items() if group.threads == threads]
            found.update(self._prove_groups(groups, threads, listener))
        return found

    def _prove_groups(
        self, groups: Sequence[Sequence[Claim]], threads: int, listener: Listener
    ) -> dict[Claim, Certificate]:
        """As many groups at a time as there are cores for."""
        found = {}
        needed = sorted({claim.task for group in groups for claim in group})
        with ThreadPoolExecutor(max(1, machine.usable_cores() // threads)) as pool:
            # The reference is traced beside the first frameworks, who wait for it to be judged.
            traced = pool.submit(self._ensure_reference, needed, listener)
            try:
                for made in pool.map(
                    lambda one: self._prove_group(one, traced, listener), sorted(groups, key=_quick)
                ):
                    found.update({one.claim: one for one in made})
            except BaseException:
                # Else the pool would wait for workers whose traces nobody wants any more.
                pool.shutdown(wait=False, cancel_futures=True)
                worker_process.kill_all()
                raise
        return found

    def _certificate(
        self, claim: Claim, status: Status, reason: str = "", **known: Any
    ) -> Certificate:
        return Certificate(
            claim=claim,
            status=status,
            reason=reason,
            dataset=self._data[claim.task].name,
            data=data_label(asdict(DatasetInfo.read(self._data[claim.task]))),
            source_digest=self._digests[claim.framework],
            reference_digest=self._digests[REFERENCE],
            **known,
        )

    def _file(self, claim: Claim, environment: Environment) -> Path:
        """Where a claim's certificate is kept."""
        key = _digest(
            asdict(claim),
            self._digests[claim.framework],
            self._digests[REFERENCE],
            _checker_digest(),
            environment.packages,
            platform.python_version(),
            machine.cpu_name(),
            gpu.find() if claim.device == "cuda" else [],
            self._data[claim.task].name,
            self._seed,
        )
        return cache.certificate_file(f"{claim.framework}-{claim.task}-{key}")

    def _proved_before(self, claim: Claim, environment: Environment) -> Certificate | None:
        return None if self._fresh else cache.read_certificate(self._file(claim, environment))

    def _reference_file(self, task: str) -> Path:
        key = _digest(self._digests[REFERENCE], self._data[task].name, self._seed)
        return cache.trace_file(f"{task}-{key}")

    def _ensure_reference(self, names: Sequence[str], listener: Listener) -> None:
        missing = [name for name in names if not cache.in_use(self._reference_file(name))]
        if not missing:
            return
        environment = self._provide(self._reference, "cpu", listener)
        claim = Claim(
            framework=REFERENCE,
            task="",
            mode=self._reference.recommended,
            # One thread: its arrays are small, and the other cores are taken.
            setting=Setting(precision="float64", threads=1),
        )
        with tempfile.TemporaryDirectory(prefix="framebench-") as out:
            outcomes = self._trace(claim, missing, environment, Path(out), listener)[0]
            for name in missing:
                if outcomes[name]["status"] != "ok":
                    raise UnavailableError(
                        f"the reference cannot trace {name}: {outcomes[name]['reason']}"
                    )
                cache.write(self._reference_file(name), (Path(out) / f"{name}.npz").read_bytes())
        listener.finished(REFERENCE, "ready")

    def _trace(
        self,
        claim: Claim,
        names: Sequence[str],
        environment: Environment,
        out: Path,
        listener: Listener,
    ) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        """Trace tasks in one process: by task, status and reason; and the versions it ran."""
        job = ProofJob(
            framework=claim.framework,
            mode=claim.mode,
            setting=claim.setting,
            seed=self._seed,
            data={name: str(self._data[name]) for name in names},
            out=str(out),
            formula=claim.framework == REFERENCE or bool(TOLERANCES[claim.precision].formula),
        )
        result = worker_process.ask(
            job.to_json(),
            WorkerSpec(
                framework=catalogue.load(claim.framework),
                environment=environment,
                setting=claim.setting,
                log=out / LOG,
                timeout=SILENCE,
            ),
            listener=listener,
        )
        if result["status"] != "ok":
            same = {"status": result["status"], "reason": result["reason"]}
            return dict.fromkeys(names, same), result.get("versions", {})
        return result["traced"], result["versions"]

    def _prove_group(
        self, claims: Sequence[Claim], reference: Future[None], listener: Listener
    ) -> list[Certificate]:
        """Claims that differ in their task alone, in one process, judged when `reference` is."""
        first = claims[0]
        label = str(replace(first, task=""))
        environment = self._environments[first.framework, first.device]
        assert isinstance(environment, Environment)
        made: list[Certificate] = []
        with tempfile.TemporaryDirectory(prefix="framebench-") as out:
            names = [claim.task for claim in claims]
            outcomes, versions = self._trace(first, names, environment, Path(out), listener)
            try:
                reference.result()
            except UnavailableError as error:
                return [self._certificate(claim, "unavailable", str(error)) for claim in claims]
            for claim in claims:
                outcome = outcomes[claim.task]
                if outcome["status"] == "ok":
                    trace = dict(np.load(Path(out) / f"{claim.task}.npz"))
                    certificate = self._judge(claim, trace, versions)
                else:
                    certificate = self._certificate(
                        claim, outcome["status"], outcome["reason"], versions=versions
                    )
                if certificate.status in ("ok", "wrong"):
                    text = json.dumps(certificate.to_fields(), allow_nan=False)
                    cache.write(self._file(claim, environment), text.encode())
                made.append(certificate)
            bad = [one for one in made if one.status != "ok"]
            state = "; ".join(f"{one.claim.task} {one.status}" for one in bad) or "proved"
            if any(not one.checks for one in bad):
                state += f" (what it printed: {cache.keep_log(Path(out) / LOG, label)})"
        listener.finished(label, state)
        return made

    def _judge(
        self, claim: Claim, trace: Mapping[str, Array], versions: dict[str, str]
    ) -> Certificate:
        task = tasks.load(claim.task)
        reference = dict(np.load(self._reference_file(claim.task)))
        found = tuple(checks.checks(task, trace, reference, claim.precision))
        failed = [check for check in found if not check.passed]
        return self._certificate(
            claim,
            "wrong" if failed else "ok",
            f"not the same task: {failed[0]}" if failed else "",
            checks=found,
            losses=tuple(float(loss) for loss in trace["losses"]),
            versions=versions,
        )


def _quick(group: Sequence[Claim]) -> tuple[bool, bool]:
    """Sorts groups longest first, so that no long one begins last.

    What compiles takes longest, and longest of all where users are not advised to compile.
    """
    claim = group[0]
    return claim.mode == "eager", claim.mode == catalogue.load(claim.framework).recommended


def _checker_digest() -> str:
    """The source of the checks: other checks or tolerances make other certificates."""
    return hashlib.sha256(Path(checks.__file__).read_bytes()).hexdigest()
