"""Whether what a process was timed for happened within its windows, and by its threads alone.

A worker's windows lie between two fences. A lazy adapter, whose fence does not wait, leaves work
behind it: the work then happens when a loss is read, at the next fence, or where nobody looks at
the clock. Each of these is timed, and whatever is not is missing from the runner's own clock.

Records of schema 5 and older tell neither: of them, only the threads and the share of peak are
judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.analysis.findings import WorkFinding
from bench.analysis.processes import Process
from bench.analysis.roofline import Peak
from bench.core.measurement import Measurement
from bench.core.record import Record
from bench.records.snapshot import Snapshot

# The share of the windows' time that may have been left behind their fences.
MOST_LEFT = 0.05
# Seconds that reading one loss may take, once it is computed. MXNet on a CPU takes 26 us.
READING = 1e-4
# Seconds that a fence may take that has nothing to wait for. TensorFlow's takes 0.4 ms on a busy
# machine.
FENCE = 1e-3
# The share of the runner's seconds that a worker's clocks may not account for.
MOST_UNTOLD = 0.1
# Processor seconds over wall seconds and threads that may be busy.
MOST_THREADS = 1.05
# Threads of the driver and of the runtime that wait for a GPU, and may spin: on an H100 up to 1.84
# cores were busy, where the network's own work is on the GPU.
WAITING = 2
# The share of the machine's peak that a pace may reach. The peak is measured in less time than a
# cell, so that a cell may catch a higher clock.
MOST_OF_PEAK = 1.1
# Seconds that are not worth a finding, as a scheduler may take them from any process.
TRIFLE = 0.1
TRIFLE_UNTOLD = 1.0

# What must take no time is left to be missing in the account.
_UNCOUNTED = frozenset({"close"})


def findings(records: Iterable[Record]) -> Iterator[WorkFinding]:
    """What records by themselves show about their processes."""
    for record in records:
        if record.measurement:
            for check, reason in _found(record, record.measurement):
                job = record.job
                yield WorkFinding(cell=job.cell, block=job.block, check=check, reason=reason)


def _found(record: Record, measured: Measurement) -> Iterator[tuple[str, str]]:
    walls = sum(measured.windows.wall)
    left = left_behind(measured)
    if left is not None and left > max(MOST_LEFT * walls, TRIFLE):
        yield (
            "fence",
            f"work was left behind the fence: {left:.3g} s of it happened outside of windows of "
            f"{walls:.3g} s in all, when their losses were read or before the next began",
        )
    counted, untold = sum(record.phases.values()), untold_seconds(record)
    if untold is not None and untold > max(MOST_UNTOLD * counted, TRIFLE_UNTOLD):
        yield (
            "untold",
            f"work was done where no clock counts it: the worker accounts for "
            f"{counted - untold:.3g} of the {counted:.3g} s that it ran",
        )


def busy_threads(records: Iterable[Record], snapshot: Snapshot) -> Iterator[WorkFinding]:
    """Processes of which more threads were busy in their windows than they were given."""
    for record in records:
        if not record.measurement:
            continue
        cell, windows = record.job.cell, record.measurement.windows
        framework = snapshot.framework(cell.framework)
        others = WAITING if cell.device == "cuda" else framework.dispatching if framework else 0
        walls, busy = sum(windows.wall), sum(windows.cpu)
        if busy - MOST_THREADS * (cell.threads + others) * walls > TRIFLE:
            besides = f", and {others} dispatch or wait" * bool(others)
            yield WorkFinding(
                cell=cell,
                block=record.job.block,
                check="threads",
                reason=f"more threads than it was given: {busy / walls:.3g} cores were busy in its "
                f"windows, where {cell.threads} may compute{besides}",
            )


def left_behind(measured: Measurement) -> float | None:
    """Seconds of work that the fences did not wait for; None for a record that does not tell.

    It is the time that windows waited at their first fence and until their losses were read, less
    what it takes to wait for nothing and to read losses that are there: as long as each of those
    that are read after the last step's, but `READING` at most.
    """
    windows = measured.windows
    if None in windows.read or None in windows.first_read:
        return None
    read, first = (sum(filter(None, each)) for each in (windows.read, windows.first_read))
    steps = sum(windows.steps)
    others = steps - len(windows)
    each = (read - first) / others if others else READING
    waited = measured.other_seconds.get("fence", 0.0) - FENCE * len(windows)
    return max(0.0, waited) + read - steps * min(each, READING)


def untold_seconds(record: Record) -> float | None:
    """Seconds of the runner's clock that are in no field of the measurement.

    None for a record that does not have the runner's clock.
    """
    measured = record.measurement
    if measured is None or not record.phases:
        return None
    told = (
        measured.import_seconds
        + measured.build_seconds
        + measured.first_step_seconds
        + measured.warmup_seconds
        + sum(measured.windows.wall)
        + sum(filter(None, measured.windows.read))
        + sum(evaluation.wall for evaluation in measured.evaluations)
        + sum(
            seconds
            for purpose, seconds in measured.other_seconds.items()
            if purpose not in _UNCOUNTED
        )
    )
    return sum(record.phases.values()) - told


def above_peak(
    measured: Iterable[Process], snapshot: Snapshot, peaks: Mapping[tuple[str, int], Peak]
) -> Iterator[WorkFinding]:
    """Processes that were faster than the machine, by its peak in matrix products.

    A peak that was measured while others used the machine shows nothing.
    """
    for process in measured:
        cell = process.record.job.cell
        task, peak = snapshot.task(cell.task), peaks.get((cell.device, cell.threads))
        if not (task and peak and process.throughput and cell.precision == "float32"):
            continue
        share = task.flops_per_example * process.throughput / peak.matmul
        if share > MOST_OF_PEAK and not peak.disturbed:
            yield WorkFinding(
                cell=cell,
                block=process.record.job.block,
                check="peak",
                reason=f"its pace would take {share:.0%} of the machine's peak",
            )
