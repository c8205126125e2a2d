"""Examining the machine: all checks, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bench.health import gpus, installation, load_checks, processor, room
from bench.health.check import VERDICTS, Examined, Finding, HealthCheck, Verdict
from bench.health.load_sample import LoadSampler
from bench.worker import cores
from bench.worker.control_groups import ROOT

# What the figures of a run depend on, and what a run needs besides.
MACHINE: tuple[HealthCheck[Any], ...] = (
    *load_checks.CHECKS,
    *processor.CHECKS,
    *room.MEMORY_CHECKS,
    *gpus.CHECKS,
)
CHECKS: tuple[HealthCheck[Any], ...] = (*MACHINE, *room.CACHE_CHECKS, *installation.CHECKS)

Fitness = Literal["fit", "usable with care", "not fit"]
_FITNESS: dict[Verdict, Fitness] = {"mind": "usable with care", "bad": "not fit"}


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found on a machine, for a run of so many threads."""

    threads: int
    findings: tuple[Finding, ...]

    def worst(self) -> Finding | None:
        """The first of the worst findings; None if none needs minding."""
        found = max(self.findings, key=lambda finding: VERDICTS.index(finding.verdict))
        return found if found.verdict in _FITNESS else None

    @property
    def fitness(self) -> Fitness:
        """What the findings come to: as good as the worst of them."""
        worst = self.worst()
        return _FITNESS[worst.verdict] if worst else "fit"

    def __str__(self) -> str:
        worst = self.worst()
        if worst is None:
            return f"{self.fitness} for measuring"
        return f"{self.fitness}: {worst}; {worst.remedy}"

    def to_fields(self) -> dict[str, Any]:
        """As JSON's types: what `framebench doctor --json` prints, and `run.json` keeps."""
        return {
            "fitness": self.fitness,
            "reason": str(self.worst() or ""),
            "threads": self.threads,
            "findings": [asdict(finding) for finding in self.findings],
        }


def examine(
    checks: Sequence[HealthCheck[Any]],
    *,
    results: Path,
    threads: int | None = None,
    seconds: float = 1.0,
    root: Path = ROOT,
) -> Examination:
    """Make checks for a run of so many threads, by default of as many as there are usable cores.

    The load is watched for so many seconds, which is how long it takes. Never raises.
    """
    sampler = LoadSampler(seconds)
    found = cores.count(root)
    machine = Examined(
        root=root,
        cores=found,
        threads=threads or found.usable,
        results=results,
        sampler=sampler,
    )
    # From the last to the first, as the first ones ask for the load, and it is watched meanwhile.
    findings = [check(machine) for check in reversed(checks) if check.applies(machine)]
    return Examination(threads=machine.threads, findings=tuple(reversed(findings)))
