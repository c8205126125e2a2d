"""Adapters with planted faults, and the proof's verdict on them.

`tests.mutant_worker` traces many of them in one process. The traces are compared here with those
of the reference, by the checks of `framebench verify`.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import tasks
from bench.core.listener import SILENT
from bench.core.record import Cell
from bench.launch import catalogue, machine, worker_process
from bench.launch.virtual_environments import Environment
from bench.launch.worker_messages import TracedResult, decode
from bench.proof import checks
from bench.proof.certificate import Certificate, Claim, outcome
from bench.proof.reference_traces import ReferenceTraces
from bench.proof.tolerances import TOLERANCES
from bench.proof.tracing import Tracing, proof_job


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An adapter in a tree of its own, with the claim that it trains a task."""

    claim: Claim
    tree: Path

    @staticmethod
    def of(cell: Cell, tree: Path) -> Suspect:
        """A cell as it is timed."""
        return Suspect(claim=Claim.of(cell), tree=tree)


def certificates(
    suspects: Mapping[str, Suspect],
    reference: ReferenceTraces,
    environment: Environment,
    data: Mapping[str, Path],
    scratch: Path,
    timed: Mapping[str, str] | None = None,
) -> dict[str, Certificate]:
    """The certificates of several suspects of one framework; `data` is by task.

    `timed` has further jobs for some of them, which a worker does as it is told.
    Suspects share a process if they need the same environment variables, which a framework reads
    when it is imported.
    """
    timed = timed or {}
    reference.ensure(sorted({suspect.claim.task for suspect in suspects.values()}), SILENT)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    (of_framework,) = {suspect.claim.framework for suspect in suspects.values()}
    framework = catalogue.load(of_framework)
    for name, suspect in suspects.items():
        variables = worker_process.variables(framework, suspect.claim.setting, scratch=scratch)
        groups[tuple(sorted(variables.items()))].append(name)
    folders = {name: scratch / str(number) for number, name in enumerate(suspects)}
    for group, names in groups.items():
        # Heavy tasks first, so that none of them starts last.
        names.sort(key=lambda name: not tasks.load(suspects[name].claim.task).heavy)
        jobs = [_job(suspects[name], data, folders[name]) for name in names]
        jobs += [
            _timed(suspects[name], timed[name], folders[name]) for name in names if name in timed
        ]
        _trace(framework.modules, environment, dict(group), jobs)
    return {name: _judge(suspect, reference, folders[name]) for name, suspect in suspects.items()}


def _job(suspect: Suspect, data: Mapping[str, Path], folder: Path) -> dict[str, str]:
    claim = suspect.claim
    folder.mkdir()
    payload = proof_job(
        claim,
        {claim.task: data[claim.task]},
        folder=folder,
        seed=0,
        rounding=bool(TOLERANCES[claim.precision].formula),
    )
    return {
        "tree": str(suspect.tree),
        "payload": payload.to_json(),
        "messages": str(folder / "messages"),
        "log": str(folder / "log"),
    }


def _timed(suspect: Suspect, payload: str, folder: Path) -> dict[str, str]:
    return {
        "tree": str(suspect.tree),
        "payload": payload,
        "messages": str(folder / "timed.messages"),
        "log": str(folder / "timed.log"),
    }


def _trace(
    modules: Sequence[str],
    environment: Environment,
    variables: Mapping[str, str],
    jobs: Sequence[Mapping[str, str]],
) -> None:
    at_once = str(machine.usable_cores())
    done = subprocess.run(
        [str(environment.python), "-m", "tests.mutant_worker", at_once, *modules],
        cwd=catalogue.TREE,
        env=variables,
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _judge(suspect: Suspect, reference: ReferenceTraces, folder: Path) -> Certificate:
    claim = suspect.claim
    tracing = Tracing.of(_result(folder), [claim.task], folder=folder)
    status, reason = tracing.outcomes[claim.task]
    if status != "ok":
        return Certificate(claim=claim, status=status, reason=reason)
    traced = tracing.read(claim.task)
    task = tasks.load(claim.task)
    compared = checks.compare(task, traced, reference.read(claim.task), claim.precision)
    status, reason = outcome(compared)
    return Certificate(claim=claim, status=status, reason=reason, checks=compared)


def _result(folder: Path) -> TracedResult:
    """The last message of a child; fails if it is no result, as when the child died."""
    lines = (folder / "messages").read_bytes().splitlines()
    result = decode(lines[-1], TracedResult) if lines else None
    printed = (folder / "log").read_text(encoding="utf-8", errors="replace")
    assert isinstance(result, TracedResult), f"no result: {printed[-2000:]}"
    return result
