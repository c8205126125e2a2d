"""How far honest frameworks are off in float32, by task, and the tolerances that follow.

    python -m tests.benchmarks.tolerances [FILE...]

reads the certificates of the published runs and of each FILE, which is the output of `framebench
verify --json` or a run's `run.json`. It prints the worst deviation for each task and check, and the
rows of `bench.proof.float32_tolerances.FLOAT32`. `framebench verify --json -m all -t TASK --fresh`
shows other weights and batches.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from tabulate import tabulate

from bench import tasks
from bench.core.optimizers import Adam
from bench.launch import catalogue
from bench.proof.certificate import Certificate
from bench.proof.float32_tolerances import LEAST
from bench.proof.one_check import Check
from bench.proof.tolerances import TOLERANCES, Tolerance, kind_special

# The allowed deviation over the worst that was shown: room for other machines and versions.
ROOM = 20
# The tolerance of each check; the loss at the first steps is held to `early` as well.
QUANTITIES = {
    **{part.name: part.name for part in fields(Tolerance)},
    "full steps": "full_steps",
    "full update": "full_update",
}
Worst = dict[str, dict[str, tuple[float, Certificate]]]


def certificates(files: Iterable[Path]) -> Iterator[Certificate]:
    """The proved certificates in float32 of files of either kind; some runs have none."""
    for file in files:
        for each in json.loads(file.read_text(encoding="utf-8")).get("certificates") or []:
            certificate = Certificate.from_fields(each)
            if certificate.claim.precision == "float32" and certificate.status == "ok":
                yield certificate


def quantity(check: Check, task: str) -> str | None:
    """The tolerance that a check was held to; older names count as today's."""
    if check.name == "logits":
        return "outputs"
    if check.name == "full steps" and check.where.startswith("evaluation"):
        return "full_evaluated"
    return QUANTITIES.get(check.name)


def worst(every: Iterable[Certificate]) -> Worst:
    """The largest deviation by task and quantity, and the certificate that shows it."""
    found: Worst = {}
    for certificate in every:
        of_task = found.setdefault(certificate.claim.task, {})
        for check in certificate.checks:
            name = quantity(check, certificate.claim.task)
            if name and check.deviation > of_task.get(name, (0.0, certificate))[0]:
                of_task[name] = check.deviation, certificate
    return found


def rounded_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(n * power for n in (1, 2, 5, 10) if n * power >= value):.0e}")


def allowed(task: str, shown: dict[str, tuple[float, Certificate]]) -> dict[str, float]:
    """The tolerances of a task that are tighter than those of its kind.

    What Adam makes of a gradient that is rounding has no bound that others would show.
    """
    by_sign = any(isinstance(update.optimizer, Adam) for update in tasks.load(task).updates)
    general = vars(TOLERANCES["float32"]) | kind_special(tasks.load(task), "float32")
    tighter = {}
    for name, (deviation, _) in shown.items():
        if by_sign and name in ("update", "full_update"):
            continue
        value = max(LEAST, rounded_up(ROOM * deviation))
        if value < (general[name] or 0):
            tighter[name] = value
    order = [part.name for part in fields(Tolerance)]
    return {name: tighter[name] for name in order if name in tighter}


def main(*files: str) -> None:
    results = catalogue.TREE / "results"
    published = [results / "certificate.json", *sorted(results.glob("*/run.json"))]
    found = worst(certificates([*published, *map(Path, files)]))
    rows = [
        (task, name, deviation, certificate.claim)
        for task, shown in sorted(found.items())
        for name, (deviation, certificate) in shown.items()
    ]
    print(tabulate(rows, headers=("task", "quantity", "worst", "shown by"), floatfmt=".1e"))
    print()
    for task, shown in sorted(found.items()):
        values = ", ".join(f'"{name}": {value:.0e}' for name, value in allowed(task, shown).items())
        print(f'    "{task}": {{{values}}},')


if __name__ == "__main__":
    main(*sys.argv[1:])
