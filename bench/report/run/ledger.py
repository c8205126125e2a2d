"""The fairness ledger: the settings of every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.results import Results
from bench.core.grouping import grouped
from bench.core.record import Cell, GpuUse, Record
from bench.core.telemetry import NAMELESS_GPU, NOT_TOLD
from bench.records.snapshot import FrameworkSettings, Snapshot
from bench.report.common.text import device_text, mode_text

# The figures of a GPU that are shown, with their units.
GPU_FIGURES = {
    "clock_mhz": "MHz",
    "memory_clock_mhz": "MHz (memory)",
    "watts": "W",
    "celsius": "°C",
}


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """A framework, mode and tuning under one set of conditions, in words."""

    framework: str
    mode: str
    about: str
    place: str
    precision: str
    feed: str
    layout: str
    libraries: str
    versions: str
    settings: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]
    gpu: tuple[str, ...]


def _variables(settings: FrameworkSettings, cell: Cell) -> Iterator[str]:
    expert = settings.expert.environment if cell.tuning == "expert" else {}
    precision = settings.precisions.get(cell.precision)
    precise = precision.environment if precision else {}
    for name, value in sorted({**settings.environment, **expert, **precise}.items()):
        # A scratch folder in a value is the worker's own, so its placeholder stays.
        yield f"{name}={value.replace('{threads}', str(cell.threads))}"


def _gpu(used: Sequence[GpuUse]) -> Iterator[str]:
    """A GPU's name and driver, and the ranges of its clocks, power and temperature."""
    samples = [sample for gpu in used for sample in gpu.samples]
    for name, driver, cuda in dict.fromkeys((gpu.name, gpu.driver, gpu.cuda) for gpu in used):
        words = f"driver {driver or NOT_TOLD} (CUDA up to {cuda or NOT_TOLD})"
        yield f"{name or NAMELESS_GPU}, {words}"
    for field, unit in GPU_FIGURES.items():
        values = [value for sample in samples if (value := getattr(sample, field)) is not None]
        if values:
            yield f"{min(values):,.0f} to {max(values):,.0f} {unit}"
    causes = {cause for sample in samples for cause in sample.slowdowns}
    if causes:
        yield f"slowed down at times by: {', '.join(sorted(causes))}"


def _key(record: Record) -> tuple[object, ...]:
    """The parts that all cells of an entry share."""
    cell = record.job.cell
    return (
        cell.framework,
        cell.mode,
        cell.tuning,
        cell.device,
        cell.threads,
        cell.precision,
        cell.feed,
    )


def entries(results: Results) -> list[LedgerEntry]:
    """An entry for each way in which a framework was run, which all its tasks share."""
    records = (process.record for process in results.processes)
    return [_entry(group, results.snapshot) for group in grouped(records, _key).values()]


def _entry(records: Sequence[Record], snapshot: Snapshot) -> LedgerEntry:
    """An entry from records of the same key; a process that failed early knows no versions."""
    cell = records[0].job.cell
    versions = next(filter(None, (record.versions for record in records)), {})
    framework = snapshot.framework(cell.framework)
    settings = framework.settings if framework else None
    precision = settings.precisions.get(cell.precision) if settings else None
    return LedgerEntry(
        framework=snapshot.framework_title(cell.framework),
        mode=mode_text(cell.mode, cell.tuning),
        about=settings.modes.get(cell.mode, "") if settings else "",
        place=device_text(cell.device, cell.threads),
        precision=f"{cell.precision} by {precision.about}" if precision else cell.precision,
        feed="arrays are turned into tensors within the timed windows"
        if cell.feed == "host"
        else "batches lie on the device before they are timed",
        layout=settings.layout if settings else "not kept in this run",
        libraries=", ".join(settings.libraries.get(cell.device, ())) if settings else "",
        versions=", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        settings=tuple(settings.expert.settings.items())
        if settings and cell.tuning == "expert"
        else (),
        variables=tuple(_variables(settings, cell)) if settings else (),
        gpu=tuple(_gpu([record.gpu for record in records if record.gpu])),
    )
