"""Contention: whether a window, a process or a block had the machine to itself.

A second busy process costs an OpenMP framework far more than its share: threads spin at barriers
for the one that waits. Such windows say nothing of the framework, so they are left out where there
are others, and a block that has too many is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.core.record import Measurement, Record

# Cores' worth of others' work that a machine's own housekeeping comes to.
OTHERS = 0.1
# Share of a window's wall time that the host may give away.
STOLEN = 0.05
# The kernel counts in ticks of a hundredth of a second: one more may fall into any window.
TICK = 0.01
# A process with more contended windows than this share was not measured in peace.
MOST_CONTENDED = 0.5


def contended(record: Record) -> list[bool]:
    """Marks the windows in which others, or the host, took what the cell's threads needed.

    On a machine with more cores than the cell has threads, others are welcome to the rest. Windows
    for which the system gives no figures are taken to be clean.
    """
    assert record.measurement
    threads, windows = record.job.cell.threads, record.measurement.windows
    cores = record.measurement.cores or threads
    most_others = max(0, cores - threads) + OTHERS
    most_stolen = STOLEN * cores
    return [
        (others is not None and others > most_others * wall + TICK)
        or (stolen is not None and stolen > most_stolen * wall + TICK)
        for wall, others, stolen in zip(windows.wall, windows.others, windows.stolen, strict=True)
    ]


def clean_paces(record: Record, marks: Sequence[bool]) -> list[tuple[int, float]]:
    """Steps and wall seconds of the windows that are not marked; of all, where all are."""
    assert record.measurement
    windows = record.measurement.windows
    paces = list(zip(windows.steps, windows.wall, strict=True))
    return [pace for pace, mark in zip(paces, marks, strict=True) if not mark] or paces


def share(marks: Sequence[bool]) -> float:
    """The share of windows that are marked."""
    return sum(marks) / len(marks)


def in_peace(record: Record) -> bool:
    """Whether most windows of a process were clean; true where nothing was measured."""
    return not record.measurement or share(contended(record)) <= MOST_CONTENDED


def disturbed_blocks(records: Iterable[Record]) -> set[int]:
    """Blocks in which some process was not measured in peace."""
    return {record.job.block for record in records if not in_peace(record)}


def told(measurements: Iterable[Measurement]) -> bool:
    """Whether the system counted, for any window, what other processes did."""
    return any(
        others is not None for measurement in measurements for others in measurement.windows.others
    )


@dataclass(frozen=True, kw_only=True)
class Cleanness:
    """How clean a run was: windows that were contended, and processes not measured in peace.

    `told` is whether the system counted what other processes did.
    """

    windows: int
    contended_windows: int
    processes: int
    disturbed_processes: int
    told: bool

    @staticmethod
    def of(records: Sequence[Record], marks: Sequence[Sequence[bool]] | None = None) -> Cleanness:
        """From all records of a run; `marks` are those of `contended`, where they are at hand."""
        measured = [record for record in records if record.measurement]
        if marks is None:
            marks = [contended(record) for record in measured]
        return Cleanness(
            windows=sum(map(len, marks)),
            contended_windows=sum(map(sum, marks)),
            processes=len(measured),
            disturbed_processes=sum(share(one) > MOST_CONTENDED for one in marks),
            told=told(record.measurement for record in measured if record.measurement),
        )

    @property
    def contended_share(self) -> float | None:
        """The share of windows that were contended; None where that is not known."""
        return self.contended_windows / self.windows if self.told else None

    def __str__(self) -> str:
        if self.contended_share is None:
            return "not known: the records do not say what other processes did"
        text = f"{self.contended_share:.1%} of {self.windows:,} windows were contended"
        if self.disturbed_processes:
            text += (
                f", and {self.disturbed_processes} of {self.processes} processes in most of theirs"
            )
        return text
