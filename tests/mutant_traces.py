"""Adapters with planted faults, and the proof's verdict on them.

`tests.mutant_worker` traces many of them in one process. The traces are compared here with those
of the reference, by the checks of `framebench verify`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import tasks
from bench.core.listener import SILENT
from bench.core.record import Status
from bench.launch import catalogue, machine, worker_process
from bench.launch.virtual_environments import Environment
from bench.proof import checks
from bench.proof.certificate import Certificate, Claim
from bench.proof.reference_traces import ReferenceTraces
from bench.proof.tolerances import TOLERANCES
from bench.worker.trace import ProofJob


def plant(target: Path, packages: Sequence[str], file: str, old: str, new: str) -> Path:
    """Copy packages of the source to `target`, and change one piece of one file there."""
    for package in packages:
        shutil.copytree(
            catalogue.TREE / package,
            target / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    text = (target / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
    (target / file).write_text(text.replace(old, new), encoding="utf-8")
    return target


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An adapter in a tree of its own, with the claim that it trains a task."""

    claim: Claim
    tree: Path


def certificates(
    suspects: Mapping[str, Suspect],
    reference: ReferenceTraces,
    environment: Environment,
    data: Mapping[str, Path],
    scratch: Path,
) -> dict[str, Certificate]:
    """The certificates of several suspects of one framework; `data` is by task.

    Suspects share a process if they need the same environment variables, which a framework reads
    when it is imported.
    """
    reference.ensure(sorted({suspect.claim.task for suspect in suspects.values()}), SILENT)
    groups: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for name, suspect in suspects.items():
        framework = catalogue.load(suspect.claim.framework)
        variables = worker_process.variables(framework, suspect.claim.setting, scratch=scratch)
        groups[tuple(sorted(variables.items()))].append(name)
    folders = {name: scratch / str(number) for number, name in enumerate(suspects)}
    for group, names in groups.items():
        # Heavy tasks first, so that none of them starts last.
        names.sort(key=lambda name: not tasks.load(suspects[name].claim.task).heavy)
        jobs = [_job(suspects[name], data, folders[name]) for name in names]
        _trace(framework.modules, environment, dict(group), jobs)
    return {name: _judge(suspect, reference, folders[name]) for name, suspect in suspects.items()}


def _job(suspect: Suspect, data: Mapping[str, Path], folder: Path) -> dict[str, str]:
    claim = suspect.claim
    folder.mkdir()
    payload = ProofJob(
        framework=claim.framework,
        mode=claim.mode,
        setting=claim.setting,
        seed=0,
        data={claim.task: str(data[claim.task])},
        out=str(folder),
        formula=bool(TOLERANCES[claim.precision].formula),
    )
    return {
        "tree": str(suspect.tree),
        "payload": payload.to_json(),
        "messages": str(folder / "messages"),
        "log": str(folder / "log"),
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
    result = _result(folder)
    claim = suspect.claim
    outcome = result["traced"][claim.task] if result["status"] == "ok" else result
    if outcome["status"] != "ok":
        return Certificate(claim=claim, status=outcome["status"], reason=outcome["reason"])
    trace = dict(np.load(folder / f"{claim.task}.npz"))
    task = tasks.load(claim.task)
    compared = checks.compare(task, trace, reference.read(claim.task), claim.precision)
    failed = [check for check in compared if not check.passed]
    status: Status = "wrong" if failed else "ok"
    reason = f"not the same task: {failed[0]}" if failed else ""
    return Certificate(claim=claim, status=status, reason=reason, checks=compared)


def _result(folder: Path) -> dict[str, Any]:
    """The last message of a child; fails if it is no result, as when the child died."""
    lines = (folder / "messages").read_text(encoding="utf-8").splitlines()
    result: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    printed = (folder / "log").read_text(encoding="utf-8", errors="replace")
    assert result.get("event") == "result", f"no result: {printed[-2000:]}"
    return result
