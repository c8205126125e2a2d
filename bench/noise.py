"""Contention: whether a window, a process or a block had the machine to itself.

A second busy process costs an OpenMP framework far more than its share: threads spin at barriers
for the one that waits. Such windows say nothing of the framework, so they are left out where there
are others, and a block that has too many is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.core.record import Measurement, Record, Window

# Cores' worth of others' work that a machine's own housekeeping comes to.
OTHERS = 0.1
# Share of a window's wall time that the host may give away.
STOLEN = 0.05
# The kernel counts in ticks of a hundredth of a second: one more may fall into any window.
TICK = 0.01
# A process with more contended windows than this share was not measured in peace.
MOST_CONTENDED = 0.5


def is_contended(window: Window, *, threads: int, cores: int) -> bool:
    """Whether others took what the cell's threads needed, or the host took it from all.

    On a machine with more cores than the cell has threads, others are welcome to the rest. Windows
    of which the system tells nothing are taken to be clean.
    """
    spare = max(0, cores - threads)
    others = window.others is not None and window.others > (spare + OTHERS) * window.wall + TICK
    stolen = window.stolen is not None and window.stolen > STOLEN * cores * window.wall + TICK
    return others or stolen


def _marks(measurement: Measurement, threads: int) -> list[bool]:
    """Which of a process's windows were contended."""
    cores = measurement.cores or threads
    others = max(0, cores - threads) + OTHERS
    stolen = STOLEN * cores
    # As `is_contended`, without a call for each of hundreds of thousands.
    return [
        (one.others is not None and one.others > others * one.wall + TICK)
        or (one.stolen is not None and one.stolen > stolen * one.wall + TICK)
        for one in measurement.windows
    ]


def clean_windows(measurement: Measurement, *, threads: int) -> tuple[Window, ...]:
    """The windows that had the machine to themselves; all, where none had."""
    marked = zip(measurement.windows, _marks(measurement, threads), strict=True)
    return tuple(one for one, contended in marked if not contended) or measurement.windows


def contended_share(measurement: Measurement, *, threads: int) -> float:
    """The share of a process's windows that were contended."""
    marks = _marks(measurement, threads)
    return sum(marks) / len(marks)


def in_peace(record: Record) -> bool:
    """Whether most of a process's windows were clean. What was not measured was not disturbed."""
    if not record.measurement:
        return True
    share = contended_share(record.measurement, threads=record.job.cell.threads)
    return share <= MOST_CONTENDED


def disturbed_blocks(records: Iterable[Record]) -> set[int]:
    """Blocks in which some process was not measured in peace."""
    return {record.job.block for record in records if not in_peace(record)}


def told(measured: Iterable[Measurement]) -> bool:
    """Whether any window tells what others did."""
    return any(window.others is not None for one in measured for window in one.windows)


@dataclass(frozen=True, kw_only=True)
class Cleanness:
    """How clean a run was: windows that were contended, and processes not measured in peace."""

    windows: int
    contended_windows: int
    processes: int
    disturbed_processes: int
    told: bool

    @staticmethod
    def of(records: Sequence[Record]) -> Cleanness:
        measured = [
            (record, record.measurement) for record in records if record.measurement is not None
        ]
        marks = [
            mark for record, found in measured for mark in _marks(found, record.job.cell.threads)
        ]
        return Cleanness(
            windows=len(marks),
            contended_windows=sum(marks),
            processes=len(measured),
            disturbed_processes=sum(not in_peace(record) for record, _ in measured),
            told=told(found for _, found in measured),
        )

    def __str__(self) -> str:
        if not self.told:
            return "not known: the records do not tell what other processes did"
        share = self.contended_windows / self.windows
        words = f"{share:.1%} of {self.windows:,} windows were contended"
        if self.disturbed_processes:
            words += (
                f", and {self.disturbed_processes} of {self.processes} processes in most of theirs"
            )
        return words
