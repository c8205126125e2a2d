"""What differs between two runs besides their figures.

A gate refuses to judge runs with a `RunDifference`, because a slowdown could come from another
machine, other data or other work. A remark is only reported, and left to the reader to weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from packaging.utils import canonicalize_name

from bench.analysis.roofline import Peak, rates_text
from bench.core.dataset_info import data_label
from bench.core.record import Record
from bench.core.task import Budget
from bench.core.telemetry import NAMELESS_GPU
from bench.records.run_folder import Run
from bench.records.snapshot import Snapshot

DifferenceKind = Literal["machine", "threads", "data", "weights", "budgets", "versions"]
KINDS: tuple[DifferenceKind, ...] = get_args(DifferenceKind)

# The reported size of the same memory varies a little, as kernels reserve different amounts.
SAME_MEMORY = 0.05
# The most packages to name, besides those that the records name.
MOST_PACKAGES = 4

_MACHINE = {
    "cpu": "processor",
    "architecture": "architecture",
    "cpu_flags": "vector instructions",
    "cores_usable": "usable cores",
    "governor": "frequency governor",
}

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class CellRecords:
    """The records of the same cell in both runs."""

    a: Sequence[Record]
    b: Sequence[Record]


@dataclass(frozen=True, kw_only=True)
class RunDifference:
    """The differences of one kind, each in words: "torch 2.12.0 → 2.13.0"."""

    kind: DifferenceKind
    what: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {'; '.join(self.what)}"


def differences(a: Run, b: Run, shared: Sequence[CellRecords]) -> list[RunDifference]:
    """What differs in the cells that both runs have, as far as both runs recorded it."""
    by_kind: dict[DifferenceKind, list[str]] = {
        "machine": [
            *machine_changes(*(run.info.get("machine", {}) for run in (a, b))),
            *_kind_changes(a, b),
        ],
        "threads": _changes(shared, lambda record: {"threads": str(record.job.cell.threads)}),
        "data": _changes(shared, _data),
        "weights": _changes(shared, _weights),
        "budgets": _changes(
            shared,
            lambda record: _budget(record, a.snapshot),
            lambda record: _budget(record, b.snapshot),
        ),
        "versions": _versions(a, b, shared),
    }
    return [RunDifference(kind=kind, what=tuple(what)) for kind, what in by_kind.items() if what]


def remarks(a: Run, b: Run, shared: Sequence[CellRecords]) -> list[str]:
    """Differences that a reader should know, although they do not prevent a comparison."""
    lines = [
        f"{name} was not finished: its cells may lack repeats"
        for name, run in (("A", a), ("B", b))
        if not run.finished
    ]
    lines += [
        f"{name} does not say which tuning it used; it is taken for expert"
        for name, sides in (
            ("A", [records.a for records in shared]),
            ("B", [records.b for records in shared]),
        )
        if any(record.job.cell.tuning == "untold" for side in sides for record in side)
    ]
    sources = _by_framework(shared, lambda record: record.source_digest)
    if changed := [name for name, (old, new) in sources.items() if old and new and old != new]:
        lines.append(f"source: framebench's own code for {', '.join(sorted(changed))} has changed")
    systems = [run.info.get("machine", {}).get("system") for run in (a, b)]
    if all(systems) and systems[0] != systems[1]:
        lines.append(f"system: {systems[0]} → {systems[1]}")
    return [*lines, *_packages(a, b, shared)]


def machine_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """How two machines differ in what affects figures, as far as both are told, in words.

    `old` and `new` are as `bench.launch.machine.describe` tells them.
    """
    changes = [
        f"{title} {_words(old[name])} → {_words(new[name])}"
        for name, title in _MACHINE.items()
        if old.get(name) is not None and new.get(name) is not None and old[name] != new[name]
    ]
    sizes: list[Any] = [machine.get("memory_bytes") for machine in (old, new)]
    if all(sizes) and abs(sizes[1] / sizes[0] - 1) > SAME_MEMORY:
        changes.append(f"memory {sizes[0] / 1e9:.1f} → {sizes[1] / 1e9:.1f} GB")
    gpus = [
        [gpu["name"] or NAMELESS_GPU for gpu in machine.get("gpus", [])] for machine in (old, new)
    ]
    if gpus[0] != gpus[1]:
        changes.append(f"GPU {_words(gpus[0])} → {_words(gpus[1])}")
    return changes


def _kind_changes(a: Run, b: Run) -> list[str]:
    """That a run was made on machines of several kinds, whose paces are means over all of them."""
    counts = [len(run.node_kinds) for run in (a, b)]
    return [f"kinds of machine {counts[0]} → {counts[1]}"] if max(counts) > 1 else []


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _changes(
    shared: Iterable[CellRecords],
    read: Callable[[Record], dict[str, str]],
    read_b: Callable[[Record], dict[str, str]] | None = None,
) -> list[str]:
    """How the values that `read` takes from the records of the same cells differ, each once.

    `read_b`, if given, reads the records of B instead.
    """
    changes: dict[str, None] = {}
    for records in shared:
        old = {key: value for record in records.a for key, value in read(record).items()}
        new = {
            key: value for record in records.b for key, value in (read_b or read)(record).items()
        }
        for key, value in old.items():
            if key in new and value != new[key]:
                changes[f"{key} {value} → {new[key]}"] = None
    return list(changes)


def _data(record: Record) -> dict[str, str]:
    """The data that a record was trained on, with the first characters of its digests."""
    if not record.dataset:
        return {}
    digests = [f"{name} {digest[:8]}" for name, digest in record.dataset.get("digest", {}).items()]
    words = ", ".join([data_label(record.dataset), *digests])
    return {record.dataset["name"]: f"({words})"}


def _weights(record: Record) -> dict[str, str]:
    """The weights that a record's task did not train: the digest of the file, or that none was."""
    given = record.job.weights
    return {record.job.cell.task: given.short_digest if given else "drawn"}


def effective_budget(record: Record, snapshot: Snapshot) -> Budget:
    """A record's budget, with the recipe's length if it names none of its own."""
    budget, task = record.job.budget, snapshot.task(record.job.cell.task)
    if budget.length is None and task:
        return replace(budget, length=task.recipe_length)
    return budget


def _budget(record: Record, snapshot: Snapshot) -> dict[str, str]:
    task = record.job.cell.task
    fields = {**asdict(effective_budget(record, snapshot)), "batch": record.batch}
    return {
        f"{task} {name.replace('_', ' ')}": "all" if value is None else f"{value:,}"
        for name, value in fields.items()
    }


def _versions(a: Run, b: Run, shared: Sequence[CellRecords]) -> list[str]:
    """Versions of the packages that the records name, of Python, and of the GPU's driver."""
    changes = _changes(shared, lambda record: record.versions)
    old, new = (run.info.get("machine", {}) for run in (a, b))
    if old.get("python") and new.get("python") and old["python"] != new["python"]:
        changes.append(f"Python {old['python']} → {new['python']}")
    drivers = [
        sorted({driver for gpu in machine.get("gpus", []) if (driver := gpu.get("driver"))})
        for machine in (old, new)
    ]
    if all(drivers) and drivers[0] != drivers[1]:
        changes.append(f"GPU driver {_words(drivers[0])} → {_words(drivers[1])}")
    return changes


def _by_framework(
    shared: Iterable[CellRecords], read: Callable[[Record], Value]
) -> dict[str, tuple[set[Value], set[Value]]]:
    """The values in each framework's records of A and of B, without empty ones."""
    values: dict[str, tuple[set[Value], set[Value]]] = defaultdict(lambda: (set(), set()))
    for records in shared:
        for index, side in enumerate((records.a, records.b)):
            for record in side:
                if value := read(record):
                    values[record.job.cell.framework][index].add(value)
    return values


def _environment(run: Run, name: str) -> dict[str, str]:
    """The packages of an environment by canonical name, as installers spell names differently."""
    packages = run.info.get("environments", {}).get(name, {})
    return {canonicalize_name(package): version for package, version in packages.items()}


def version_changes(
    old: Mapping[str, str], new: Mapping[str, str], *, leaving_out: Collection[str] = ()
) -> Iterator[str]:
    """The packages of which the version differs, in words; `none` where one side lacks it."""
    for name in sorted((old.keys() | new.keys()) - set(leaving_out)):
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}"


def _packages(a: Run, b: Run, shared: Sequence[CellRecords]) -> list[str]:
    """A line on the packages that differ, except for those that the records name."""
    records_of_both = [
        record for records in shared for side in (records.a, records.b) for record in side
    ]
    named = {canonicalize_name(name) for record in records_of_both for name in record.versions}
    used = {
        f"{record.job.cell.framework} {record.job.cell.device}"
        for records in shared
        for record in records.a
    }
    changes: dict[str, None] = {}
    for environment in sorted(used):
        old, new = (_environment(run, environment) for run in (a, b))
        if not (old and new):
            continue
        changes |= dict.fromkeys(version_changes(old, new, leaving_out=named))
    if not changes:
        return []
    texts = list(changes)
    more = f" and {len(texts) - MOST_PACKAGES} more" if len(texts) > MOST_PACKAGES else ""
    return [f"other packages: {', '.join(texts[:MOST_PACKAGES])}{more}"]


def peak_changes(a: Mapping[tuple[str, int], Peak], b: Mapping[tuple[str, int], Peak]) -> list[str]:
    """How fast the machine itself was just before each run.

    `a` and `b` are the `peaks` of the runs' results; a line for each device and number of threads
    that both have.
    """
    lines = []
    for where in a.keys() & b.keys():
        before, after = (rates_text(side[where].matmul, side[where].memory) for side in (a, b))
        changes = (f"{was} → {now}" for was, now in zip(before, after, strict=True))
        device, threads = where
        place = f"{device}, {threads} thread{'s' * (threads != 1)}" if device == "cpu" else device
        lines.append(f"the machine's peak before each run ({place}): {', '.join(changes)}")
    return sorted(lines)
