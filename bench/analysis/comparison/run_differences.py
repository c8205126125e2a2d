"""What differs between two runs besides their figures: what forbids a comparison, what explains it.

A difference keeps a gate from telling a regression from another machine, other data or other work;
a remark is named and left to the reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from packaging.utils import canonicalize_name

from bench import tasks
from bench.analysis.roofline import Rates, peaks, rates_text
from bench.core.batches import data_label
from bench.core.record import Record
from bench.core.task import Budget, TokenInput
from bench.records.run_folder import Run

Kind = Literal["machine", "threads", "data", "budgets", "versions"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# The records of one cell in A, and in B.
Pair = tuple[Sequence[Record], Sequence[Record]]

# A kernel keeps more or less of the same memory for itself.
SAME_MEMORY = 0.05
# How many packages, besides those that train, are named one by one.
MOST_NAMED = 4

_MACHINE = {
    "cpu": "processor",
    "architecture": "architecture",
    "cpu_flags": "vector instructions",
    "cores_usable": "usable cores",
    "governor": "frequency governor",
}

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One kind of difference, and each that is of it in words: "torch 2.12.0 → 2.13.0"."""

    kind: Kind
    what: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: {'; '.join(self.what)}"


def differences(a: Run, b: Run, pairs: Sequence[Pair]) -> list[Difference]:
    """What differs between two runs, as far as both tell, for the cells that both have."""
    found: dict[Kind, list[str]] = {
        "machine": _machine(a, b),
        "threads": _changes(pairs, lambda record: {"threads": str(record.job.cell.threads)}),
        "data": _changes(pairs, _data),
        "budgets": _changes(pairs, _budget),
        "versions": _versions(a, b, pairs),
    }
    return [Difference(kind=kind, what=tuple(what)) for kind, what in found.items() if what]


def remarks(a: Run, b: Run, pairs: Sequence[Pair]) -> list[str]:
    """What a reader should know of two runs, but what forbids no comparison."""
    found = [
        f"{name} was not finished: its cells may lack repeats"
        for name, run in (("A", a), ("B", b))
        if "wall_seconds" not in run.info
    ]
    untold = [
        name
        for name, records in (
            ("A", [pair[0] for pair in pairs]),
            ("B", [pair[1] for pair in pairs]),
        )
        if any(record.job.cell.tuning == "untold" for one in records for record in one)
    ]
    found += [f"{name} does not tell its tuning; it is taken for expert" for name in untold]
    sources = _by_framework(pairs, lambda record: record.source_digest)
    if changed := [name for name, (old, new) in sources.items() if old and new and old != new]:
        found.append(f"source: framebench's own code for {', '.join(sorted(changed))} has changed")
    systems = [run.info.get("machine", {}).get("system") for run in (a, b)]
    if all(systems) and systems[0] != systems[1]:
        found.append(f"system: {systems[0]} → {systems[1]}")
    return [*found, *_packages(a, b, pairs)]


def _machine(a: Run, b: Run) -> list[str]:
    old, new = (run.info.get("machine", {}) for run in (a, b))
    found = [
        f"{title} {_words(old[name])} → {_words(new[name])}"
        for name, title in _MACHINE.items()
        if old.get(name) is not None and new.get(name) is not None and old[name] != new[name]
    ]
    sizes = [machine.get("memory_bytes") for machine in (old, new)]
    if all(sizes) and abs(sizes[1] / sizes[0] - 1) > SAME_MEMORY:
        found.append(f"memory {sizes[0] / 1e9:.1f} → {sizes[1] / 1e9:.1f} GB")
    gpus = [[gpu["name"] for gpu in machine.get("gpus", [])] for machine in (old, new)]
    if gpus[0] != gpus[1]:
        found.append(f"GPU {_words(gpus[0])} → {_words(gpus[1])}")
    return found


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _changes(pairs: Iterable[Pair], read: Callable[[Record], dict[str, str]]) -> list[str]:
    """What a pair's records tell otherwise, in words, each once; records of a cell are alike."""
    found: dict[str, None] = {}
    for pair in pairs:
        old, new = ({key: at for one in side for key, at in read(one).items()} for side in pair)
        for key in old:
            if key in new and old[key] != new[key]:
                found[f"{key} {old[key]} → {new[key]}"] = None
    return list(found)


def _data(record: Record) -> dict[str, str]:
    """What it was trained on: what it is, and the beginnings of its digests."""
    if not record.dataset:
        return {}
    digests = [f"{name} {at[:8]}" for name, at in record.dataset.get("digest", {}).items()]
    words = ", ".join([data_label(record.dataset), *digests])
    return {record.dataset["name"]: f"({words})"}


def effective(record: Record) -> Budget:
    """A record's budget with its length written out: none means the recipe's."""
    budget = record.job.budget
    if budget.length is None and record.job.cell.task in tasks.names():
        known = tasks.load(record.job.cell.task).input
        if isinstance(known, TokenInput):
            return replace(budget, length=known.length)
    return budget


def _budget(record: Record) -> dict[str, str]:
    task = record.job.cell.task
    fields = {**asdict(effective(record)), "batch": record.batch}
    return {
        f"{task} {name.replace('_', ' ')}": "all" if value is None else f"{value:,}"
        for name, value in fields.items()
    }


def _versions(a: Run, b: Run, pairs: Sequence[Pair]) -> list[str]:
    """Of the packages that train, of Python, and of the GPU's driver."""
    found = _changes(pairs, lambda record: record.versions)
    old, new = (run.info.get("machine", {}) for run in (a, b))
    if old.get("python") and new.get("python") and old["python"] != new["python"]:
        found.append(f"Python {old['python']} → {new['python']}")
    drivers = [sorted({gpu["driver"] for gpu in one.get("gpus", [])}) for one in (old, new)]
    if all(drivers) and drivers[0] != drivers[1]:
        found.append(f"GPU driver {_words(drivers[0])} → {_words(drivers[1])}")
    return found


def _by_framework(
    pairs: Iterable[Pair], read: Callable[[Record], Value]
) -> dict[str, tuple[set[Value], set[Value]]]:
    """What the records of each framework tell, in A and in B, where they tell anything."""
    found: dict[str, tuple[set[Value], set[Value]]] = defaultdict(lambda: (set(), set()))
    for pair in pairs:
        for at, side in enumerate(pair):
            for record in side:
                if value := read(record):
                    found[record.job.cell.framework][at].add(value)
    return found


def _environment(run: Run, name: str) -> dict[str, str]:
    """An environment's packages, named alike however the installer wrote them."""
    packages = run.info.get("environments", {}).get(name, {})
    return {canonicalize_name(package): version for package, version in packages.items()}


def _packages(a: Run, b: Run, pairs: Sequence[Pair]) -> list[str]:
    """Packages of the environments that differ, besides those that a record names."""
    records = [record for pair in pairs for side in pair for record in side]
    named = {canonicalize_name(name) for record in records for name in record.versions}
    used = {f"{one.job.cell.framework} {one.job.cell.device}" for pair in pairs for one in pair[0]}
    found: dict[str, None] = {}
    for environment in sorted(used):
        old, new = (_environment(run, environment) for run in (a, b))
        if not (old and new):
            continue
        for name in sorted((old.keys() | new.keys()) - named):
            if old.get(name) != new.get(name):
                found[f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}"] = None
    if not found:
        return []
    texts = list(found)
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return [f"other packages: {', '.join(texts[:MOST_NAMED])}{more}"]


def peak_changes(a: Run, b: Run) -> list[str]:
    """How fast the machine itself was just before each run, where both measured it."""
    old, new = (
        peaks(Rates.from_fields(one) for one in run.info.get("rates", [])) for run in (a, b)
    )
    found = []
    for where in old.keys() & new.keys():
        before, after = (rates_text(one[where].matmul, one[where].memory) for one in (old, new))
        moved = (f"{was} → {now}" for was, now in zip(before, after, strict=True))
        place = f"{where[0]}, {where[1]} threads" if where[0] == "cpu" else where[0]
        found.append(f"the machine's peak before each run ({place}): {', '.join(moved)}")
    return sorted(found)
