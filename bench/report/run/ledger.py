"""The fairness ledger: what every cell was set to, and what could not be made equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.record import Cell, GpuUse, Record
from bench.records.run_folder import Run
from bench.report.common.text import framework_text, mode_text

# What differs between frameworks whatever one does, and what keeps it from deciding anything.
UNEQUAL = (
    "Dropout masks: each framework draws its own. Their rate, scaling and gradient are proved; "
    "final accuracies are compared over seeds.",
    "Running variances of batch normalization: over n - 1 values or over n, as the framework has "
    "it. Only evaluation reads them, and n is thousands; each is proved to be one or the other.",
    "Rounding: sums are added in other orders. The certificate has the deviations, and what "
    "float64 leaves of them.",
    "Libraries: each framework is installed as its own users install it, with the libraries "
    "that its packages bring. They are part of what is compared.",
    "Recurrent layers on a GPU: cuDNN's in PyTorch, TensorFlow, MXNet and PaddlePaddle; in "
    "JAX/Flax a loop over time that XLA compiles (nnx.RNN), as Flax has no other.",
    "CUDA graphs: XLA makes them of what JAX and TensorFlow compile, where it sees fit; PyTorch's "
    "compiler makes them in its mode `reduce-overhead`, which is not used here, nor measured yet.",
    "Device memory: what tensors took at most, as the framework tells; of MXNet, which does not, "
    "what it held. Memory on a CPU is what the process held.",
    "Layout of images in memory: each framework keeps the one that it is fastest in; batches are "
    "handed over in it, ready made.",
)


# What is shown of a GPU, with its unit.
GPU_FIGURES = {
    "clock_mhz": "MHz",
    "memory_clock_mhz": "MHz (memory)",
    "watts": "W",
    "celsius": "°C",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One framework, mode and tuning under one set of conditions, in words."""

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


def _means(known: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """By what the framework computes in the cell's precision, where that is not its own float32."""
    means: dict[str, Any] = known.get("precisions", {}).get(cell.precision, {})
    return means


def _variables(known: dict[str, Any], cell: Cell) -> Iterator[str]:
    expert = known["expert"]["environment"] if cell.tuning == "expert" else {}
    precise = _means(known, cell).get("environment", {})
    for name, value in sorted({**known["environment"], **expert, **precise}.items()):
        # A scratch folder is the worker's own.
        yield f"{name}={value.replace('{threads}', str(cell.threads))}"


def _gpu(used: Sequence[GpuUse]) -> Iterator[str]:
    """A GPU's name and driver, and between what its clocks, power and temperature were."""
    samples = [sample for one in used for sample in one.samples]
    for one in dict.fromkeys((one.name, one.driver, one.cuda) for one in used):
        yield "{}, driver {} (CUDA up to {})".format(*one)
    for name, unit in GPU_FIGURES.items():
        found = [value for one in samples if (value := getattr(one, name)) is not None]
        if found:
            yield f"{min(found):,.0f} to {max(found):,.0f} {unit}"
    slow = {why for one in samples for why in one.slowdowns}
    if slow:
        yield f"slowed down at times by: {', '.join(sorted(slow))}"


def _key(record: Record) -> tuple[object, ...]:
    """What cells of one entry share."""
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


def entries(run: Run) -> list[Entry]:
    """An entry for every way in which a framework was run; tasks share them."""
    found: dict[tuple[object, ...], Entry] = {}
    used: dict[tuple[object, ...], list[GpuUse]] = defaultdict(list)
    for record in run.records:
        if record.gpu:
            used[_key(record)].append(record.gpu)
    settings = run.info.get("settings", {})
    for record in run.records:
        cell = record.job.cell
        key = _key(record)
        if key in found and (found[key].versions or not record.versions):
            continue
        known = settings.get(cell.framework)
        threads = f", {cell.threads} thread{'s' * (cell.threads != 1)}" * (cell.device == "cpu")
        found[key] = Entry(
            framework=framework_text(cell.framework),
            mode=mode_text(cell.mode, cell.tuning),
            about=known["modes"].get(cell.mode, "") if known else "",
            place=cell.device + threads,
            precision=" by ".join(
                filter(None, (cell.precision, _means(known, cell).get("about") if known else None))
            ),
            feed="arrays are turned into tensors within the timed windows"
            if cell.feed == "host"
            else "batches lie on the device before they are timed",
            layout=known["layout"] if known else "not kept in this run",
            libraries=", ".join(known["libraries"].get(cell.device, [])) if known else "",
            versions=", ".join(
                f"{name} {version}" for name, version in sorted(record.versions.items())
            ),
            settings=tuple(known["expert"]["settings"].items())
            if known and cell.tuning == "expert"
            else (),
            variables=tuple(_variables(known, cell)) if known else (),
            gpu=tuple(_gpu(used[key])),
        )
    return list(found.values())
