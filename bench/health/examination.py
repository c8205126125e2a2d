"""Examining the machine: all checks, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bench.core.record import Cell
from bench.health import gpus, installation, load_checks, processor, room
from bench.health.check import VERDICTS, Examined, Finding, HealthCheck, Verdict
from bench.health.load_sample import LoadSampler
from bench.worker import cores
from bench.worker.control_groups import ROOT

# What the figures of a run on the CPU depend on; on a GPU they also depend on that.
MACHINE: tuple[HealthCheck[Any], ...] = (
    *load_checks.CHECKS,
    *processor.CHECKS,
    *room.MEMORY_CHECKS,
)
CHECKS: tuple[HealthCheck[Any], ...] = (
    *MACHINE,
    *gpus.CHECKS,
    *room.CACHE_CHECKS,
    *installation.CHECKS,
)

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
        return f"{self.fitness}: {worst}" if worst else f"{self.fitness} for measuring"

    def with_remedy(self) -> str:
        """The same, and what to do about it."""
        worst = self.worst()
        return f"{self}; {worst.remedy}" if worst else str(self)

    def to_fields(self) -> dict[str, Any]:
        """As JSON's types: what `framebench doctor --json` prints, and `run.json` keeps."""
        return {
            "fitness": self.fitness,
            "reason": str(self.worst() or ""),
            "threads": self.threads,
            "findings": [asdict(finding) for finding in self.findings],
        }


def checks_of_a_run(cells: Iterable[Cell]) -> tuple[HealthCheck[Any], ...]:
    """The checks of what the figures of these cells depend on."""
    return (*MACHINE, *gpus.CHECKS) if any(cell.device == "cuda" for cell in cells) else MACHINE


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
