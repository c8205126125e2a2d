"""The fairness ledger: what every cell was set to, and what could not be made equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.core.record import Cell
from bench.report.text import framework_text, mode_text
from bench.store import Run

# What differs between frameworks whatever one does, and what keeps it from deciding anything.
UNEQUAL = (
    "Dropout masks: each framework draws its own. Their rate, scaling and gradient are proved; "
    "final accuracies are compared over seeds.",
    "Rounding: sums are added in other orders. The certificate has the deviations, and what "
    "float64 leaves of them.",
    "Libraries: each framework is installed as its own users install it, with the libraries "
    "that its packages bring. They are part of what is compared.",
    "Layout of images in memory: each framework keeps the one that it is fastest in; batches are "
    "handed over in it, ready made.",
)


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


def _variables(known: dict[str, Any], cell: Cell) -> Iterator[str]:
    expert = known["expert"]["environment"] if cell.tuning == "expert" else {}
    for name, value in sorted({**known["environment"], **expert}.items()):
        # A scratch folder is the worker's own.
        yield f"{name}={value.replace('{threads}', str(cell.threads))}"


def entries(run: Run) -> list[Entry]:
    """An entry for every way in which a framework was run; tasks share them."""
    found: dict[tuple[object, ...], Entry] = {}
    settings = run.info.get("settings", {})
    for record in run.records:
        cell = record.job.cell
        key = (
            cell.framework,
            cell.mode,
            cell.tuning,
            cell.device,
            cell.threads,
            cell.precision,
            cell.feed,
        )
        if key in found and (found[key].versions or not record.versions):
            continue
        known = settings.get(cell.framework)
        threads = f", {cell.threads} thread{'s' * (cell.threads != 1)}" * (cell.device == "cpu")
        found[key] = Entry(
            framework=framework_text(cell.framework),
            mode=mode_text(cell.mode, cell.tuning),
            about=known["modes"].get(cell.mode, "") if known else "",
            place=cell.device + threads,
            precision=cell.precision,
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
        )
    return list(found.values())
