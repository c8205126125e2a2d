"""Contention: whether a window, a process or a block had the machine to itself.

A second busy process costs an OpenMP framework far more than its share of the cores, because all
threads spin at a barrier until the delayed thread arrives. Contended windows say nothing about the
framework. They are left out if a process has clean windows too, and a block with too many of them
is measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import not_, or_

from bench.core.measurement import Measurement
from bench.core.record import Record

# Cores that the machine's own housekeeping may keep busy.
OTHERS = 0.1
# Share of a core's time that the host may give to other guests.
STOLEN = 0.05
# The kernel counts in ticks of 10 ms, and any window may include one tick too many.
TICK = 0.01
# A process with a larger share of contended windows counts as disturbed.
MOST_CONTENDED = 0.5


def contended(record: Record) -> list[bool]:
    """For each window, whether other processes or the host took cores that the cell needed.

    On a machine with more cores than the cell has threads, other processes may use the spare cores.
    Windows for which the system gives no figures count as clean.
    """
    assert record.measurement
    threads, windows = record.job.cell.threads, record.measurement.windows
    cores = record.measurement.cores or threads
    most_others = max(0, cores - threads) + OTHERS
    most_stolen = STOLEN * cores
    by_others = _above(windows.others, windows.wall, most_others)
    if not any(windows.stolen):  # as on most hosts
        return by_others
    return [*map(or_, by_others, _above(windows.stolen, windows.wall, most_stolen))]


def _above(seconds: Sequence[float | None], walls: Sequence[float], most: float) -> list[bool]:
    """For each window, whether the seconds are more than `most` of it; unknown ones are not."""
    return [
        taken is not None and taken > most * wall + TICK
        for taken, wall in zip(seconds, walls, strict=True)
    ]


def clean(record: Record, marks: Sequence[bool]) -> list[bool]:
    """For each window, whether it counts for the pace: the unmarked, or all if all are marked.

    Windows in which a process settles count only if there are no others.
    """
    assert record.measurement
    settling = record.measurement.windows.settling
    for left_out in (map(or_, settling, marks), settling):
        counting = [*map(not_, left_out)]
        if any(counting):
            return counting
    return [True] * len(settling)


def share(marks: Sequence[bool]) -> float:
    """The share of windows that are marked."""
    return sum(marks) / len(marks)


def too_much(share: float) -> bool:
    """Whether the share of a process's windows that are marked is too large for its pace."""
    return share > MOST_CONTENDED


def disturbed(marks: Sequence[bool]) -> bool:
    """Whether too many of a process's windows are marked; false if it measured none."""
    return bool(marks) and too_much(share(marks))


def disturbed_blocks(records: Iterable[Record]) -> set[int]:
    """The blocks with at least one disturbed process."""
    return {
        record.job.block
        for record in records
        if record.measurement and disturbed(contended(record))
    }


def counted(measurements: Iterable[Measurement]) -> bool:
    """Whether the system counted the time of other processes in any window."""
    return any(
        others is not None for measurement in measurements for others in measurement.windows.others
    )


@dataclass(frozen=True, kw_only=True)
class Cleanness:
    """How clean a run was: how many windows were contended, and how many processes disturbed.

    `counted` is whether the system counted the time of other processes.
    """

    windows: int
    contended_windows: int
    processes: int
    disturbed_processes: int
    counted: bool

    @staticmethod
    def of(records: Sequence[Record], marks: Sequence[Sequence[bool]] | None = None) -> Cleanness:
        """From all records of a run; `marks` are the results of `contended`, if already known."""
        measured = [record for record in records if record.measurement]
        if marks is None:
            marks = [contended(record) for record in measured]
        return Cleanness(
            windows=sum(map(len, marks)),
            contended_windows=sum(map(sum, marks)),
            processes=len(measured),
            disturbed_processes=sum(map(disturbed, marks)),
            counted=counted(record.measurement for record in measured if record.measurement),
        )

    @property
    def contended_share(self) -> float | None:
        """The share of windows that were contended; None if it is unknown."""
        return self.contended_windows / self.windows if self.counted else None

    @property
    def mostly_contended(self) -> bool:
        """Whether others disturbed so much of the run that its figures are not to be trusted."""
        return self.contended_share is not None and self.contended_share > MOST_CONTENDED

    def __str__(self) -> str:
        if self.contended_share is None:
            return "not known: the records do not say what other processes did"
        text = f"{self.contended_share:.1%} of {self.windows:,} windows were contended"
        if self.disturbed_processes:
            text += (
                f", and {self.disturbed_processes} of {self.processes} processes in most of theirs"
            )
        return text
