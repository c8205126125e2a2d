"""What cells need before they can be timed: data, environments, certificates, the machine's rates.

`prepare` makes all of it for a run, `certify` what `framebench verify` needs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import datasets, tasks
from bench.analysis.roofline import Rates
from bench.core.listener import Listener
from bench.core.record import Cell
from bench.datasets import SourceKind
from bench.health import quiet
from bench.health.examination import Examination, checks_of_a_run, examine
from bench.launch import catalogue
from bench.launch.providers import provider
from bench.launch.virtual_environments import Environments, Provider, provide_all
from bench.proof.certificate import USUAL_SEED, Certificate, Claim
from bench.proof.prover import Prover
from bench.run.number_limits import check_numbers
from bench.run.peak_measurement import measure_rates
from bench.run.plan import Plan, cells_of, refusals
from bench.run.request import Request, check

# Seconds for which the load of others is watched: 50 ticks of the kernel's counters.
WATCHED_SECONDS = 0.5
# Few enough digits to type, and too many seeds for an adapter to know.
DRAWN_SEEDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Everything that the cells of a plan need, refused cells apart.

    `data` holds prepared folders by task; `rates` are the machine's, as each framework reaches
    them, and `health` is the machine's right before the first job. A framework without an
    environment has an error in `environments`.
    """

    data: Mapping[str, Path]
    environments: Environments
    certificates: Mapping[Claim, Certificate]
    rates: Sequence[Rates]
    health: Examination


def prepare(
    plan: Plan,
    listener: Listener,
    *,
    rates: Sequence[Rates] | None = None,
    quiet_within: float | None = None,
) -> Preparation:
    """Prepare a plan's cells. Takes seconds if all is cached, many minutes if nothing is.

    `rates` are those of the machine, if they have been measured already. With `quiet_within`, waits
    for so many seconds at most until others leave the processor alone.
    Raises DataError if the plan asks for `real` data that cannot be obtained.
    """
    usable = [cell for cell in plan.cells if cell not in plan.refused]
    provide = provider(plan.request.env, plan.request.results)
    data = prepare_data(
        dict.fromkeys(cell.task for cell in plan.cells), plan.request.data, listener
    )
    environments = prepare_environments(usable, provide, listener)
    prover = Prover(environments, data, provide=provide)
    required = [claim for cell in usable for claim in required_claims(cell)]
    certificates = prover.prove(required, listener)
    threads = plan.cells[0].threads
    if quiet_within is not None:
        quiet.wait(quiet_within, threads, listener)
    return Preparation(
        data=data,
        environments=environments,
        certificates=certificates,
        # Last, so that the machine is in the state in which it is about to be used.
        rates=measure_rates(usable, environments, listener) if rates is None else rates,
        health=examine(
            checks_of_a_run(usable),
            results=plan.folder,
            threads=threads,
            seconds=WATCHED_SECONDS,
        ),
    )


def certify(
    request: Request, *, seed: int | None, fresh: bool, listener: Listener
) -> list[Certificate]:
    """A certificate for every cell that the request names, from proofs with `seed`.

    With `fresh`, cells are proved again even if their certificates are cached. Without a seed these
    proofs draw one, and others have the usual one; any other than that is told to the listener.
    Raises UsageError for a seed that is too large.
    """
    check_numbers({"seed": seed})
    if seed is None:
        seed = 1 + secrets.randbelow(DRAWN_SEEDS) if fresh else USUAL_SEED
    if seed != USUAL_SEED:
        listener.finished("proof", f"seed {seed}")
    check(request)
    cells = cells_of(request)
    refused = {
        Claim.of(cell): Certificate(claim=Claim.of(cell), status="unsupported", reason=reason)
        for cell, reason in refusals(cells).items()
    }
    usable = [cell for cell in cells if Claim.of(cell) not in refused]
    provide = provider(request.env, request.results)
    environments = prepare_environments(usable, provide, listener)
    data = prepare_data(sorted({cell.task for cell in usable}), request.data, listener)
    prover = Prover(environments, data, provide=provide, seed=seed, fresh=fresh)
    proved = prover.prove([Claim.of(cell) for cell in usable], listener)
    certificates = {**refused, **proved}
    return [certificates[Claim.of(cell)] for cell in cells]


def prepare_data(
    task_names: Iterable[str], source: SourceKind, listener: Listener
) -> dict[str, Path]:
    """The prepared folder of each task's data set, by task; tasks may share a data set.

    Raises DataError if `real` data cannot be obtained.
    """
    dataset_of = {name: tasks.load(name).dataset for name in task_names}
    folders = {
        dataset: datasets.prepare(dataset, source=source, listener=listener)
        for dataset in dict.fromkeys(dataset_of.values())
    }
    return {name: folders[dataset] for name, dataset in dataset_of.items()}


def prepare_environments(
    cells: Iterable[Cell], provide: Provider, listener: Listener
) -> Environments:
    """The environments that cells need, by framework and device; an error where one fails."""
    needed = sorted({(cell.device, cell.framework) for cell in cells})
    environments: Environments = {}
    for device in dict(needed):
        frameworks = [
            catalogue.load(name) for needed_device, name in needed if needed_device == device
        ]
        by_name = provide_all(frameworks, device, listener, provide=provide)
        environments.update({(name, device): result for name, result in by_name.items()})
    return environments


def required_claims(cell: Cell) -> tuple[Claim, ...]:
    """The claims that must hold before a cell is timed: in float64, then as it is timed.

    The claim in float64 is on one thread, so that several can be proved at a time.
    """
    return Claim.of(cell).with_setting(precision="float64", threads=1), Claim.of(cell)


def objection(cell: Cell, certificates: Mapping[Claim, Certificate]) -> Certificate | None:
    """The certificate for which a cell must not be timed; None if all its claims are proved."""
    for claim in required_claims(cell):
        certificate = certificates[claim]
        # A framework that cannot compute in float64 is only proved in the timed precision.
        excused = certificate.status == "unsupported" and claim != Claim.of(cell)
        if certificate.status != "ok" and not excused:
            return certificate
    return None
