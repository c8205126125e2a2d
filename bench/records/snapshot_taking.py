"""Taking a run's snapshot from the present source: its tasks, frameworks and proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from bench import tasks
from bench.core import plugins
from bench.core.cost import step_bytes, training_flops
from bench.core.errors import UsageError
from bench.core.record import Cell
from bench.core.setting import EPSILONS
from bench.core.task import Budget
from bench.core.weights import GivenWeights
from bench.launch import catalogue, machine
from bench.proof.certificate import Certificate
from bench.proof.checks import CHECKS
from bench.proof.late_checks import LATE_CHECKS
from bench.proof.tolerances import EARLY_STEPS, TOLERANCES, special
from bench.records import caveats
from bench.records.code_lines import code_lines
from bench.records.definition import about, definition, parameter_words
from bench.records.snapshot import (
    FrameworkSettings,
    FrameworkSnapshot,
    MetricSnapshot,
    ModelSource,
    ProofTerms,
    Snapshot,
    TaskSnapshot,
)


def take(
    cells: Sequence[Cell],
    budgets: Mapping[str, Budget],
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    weights: GivenWeights | None = None,
) -> Snapshot:
    """A snapshot for a run of `cells`, with the budget of each of their tasks.

    `weights` are those that a user has given for what tasks do not train.

    `settings` are the frameworks' settings, by name, that an older run recorded. If it is None, the
    snapshot has the present ones, on this machine's processor.
    """
    used_tasks = dict.fromkeys(cell.task for cell in cells)
    existing = set(tasks.names())
    networks = {tasks.load(name).network: None for name in used_tasks if name in existing}
    used_frameworks = {cell.framework for cell in cells if catalogue.exists(cell.framework)}
    references = {name for name in catalogue.names() if catalogue.load(name).reference}
    return Snapshot(
        tasks=tuple(
            task(name, budgets[name].length, weights) for name in used_tasks if name in existing
        ),
        known_tasks=tuple(tasks.names()),
        frameworks=tuple(
            _framework(name, networks, _settings(name, settings))
            if name in used_frameworks
            else _framework(name, (), None)
            for name in sorted({*catalogue.usual(), *references, *used_frameworks})
        ),
        proof=proof_terms(),
        unequal=caveats.unequal(cells),
        caveats=tuple(caveats.of_cells(cells)),
    )


def of_proofs(certificates: Iterable[Certificate]) -> Snapshot:
    """A snapshot for claims that were proved but not timed."""
    claims = [certificate.claim for certificate in certificates]
    cells = [
        Cell(framework=claim.framework, task=claim.task, mode=claim.mode, setting=claim.setting)
        for claim in claims
    ]
    return take(cells, {claim.task: Budget(epochs=1) for claim in claims})


def task(name: str, length: int | None, weights: GivenWeights | None = None) -> TaskSnapshot:
    """A task as it is now; `length` is the number of tokens to which texts are cut, if any."""
    recipe = tasks.load(name)
    given = recipe.frozen if weights else ()
    trained = recipe.with_length(length) if length else recipe
    return TaskSnapshot(
        name=name,
        title=recipe.title,
        about=about(name),
        headline=recipe.headline,
        heavy=recipe.heavy,
        dataset=recipe.dataset,
        network=recipe.network,
        batch=recipe.batch,
        metric=metric(name),
        length=trained.length,
        recipe_length=recipe.length,
        flops_per_example=training_flops(trained),
        step_bytes=step_bytes(trained),
        definition=tuple(definition(recipe, weights).items()),
        tensors=tuple(parameter_words(each, given=each in given) for each in recipe.parameters),
        tolerances={
            precision: tuple(allowed.items())
            for precision in EPSILONS
            if (allowed := special(recipe, precision))
        },
        loss_tolerance=recipe.loss_tolerance,
    )


def metric(task_name: str) -> MetricSnapshot:
    """A task's metric as it is now."""
    own = tasks.load(task_name).metric
    return MetricSnapshot(name=own.name, unit=own.unit, better=own.better, target=own.target)


def proof_terms() -> ProofTerms:
    """What a proof compares now, and the deviations that it allows."""
    return ProofTerms(
        checks=tuple(CHECKS.items()),
        early_steps=EARLY_STEPS,
        tolerances={precision: asdict(allowed) for precision, allowed in TOLERANCES.items()},
        late_checks=tuple(LATE_CHECKS.items()),
    )


def model(name: str, network: str) -> ModelSource:
    """A framework's model of a network. The framework must have one."""
    file = catalogue.load(name).model_file(network)
    if file is None:
        raise UsageError(f"{name} has no model of {network}")
    text = file.read_text(encoding="utf-8")
    return ModelSource(
        network=network,
        path=_shown_path(file),
        text=text,
        lines_of_code=code_lines(text),
    )


def _shown_path(file: Path) -> str:
    """A model's path in the source tree, or from the folder with the plug-in's package."""
    # A plug-in may be installed inside the tree, in its virtual environment.
    roots = (found.top[1] for found in plugins.plugins() if file.is_relative_to(found.folder))
    return file.relative_to(next(roots, catalogue.TREE)).as_posix()


def _settings(
    name: str, recorded: Mapping[str, Mapping[str, Any]] | None
) -> FrameworkSettings | None:
    fields = (
        catalogue.load(name).settings(machine.cpu_vendor())
        if recorded is None
        else recorded.get(name)
    )
    return msgspec.convert(fields, FrameworkSettings) if fields else None


def _framework(
    name: str, networks: Iterable[str], settings: FrameworkSettings | None
) -> FrameworkSnapshot:
    framework = catalogue.load(name)
    return FrameworkSnapshot(
        name=name,
        title=framework.title,
        reference=framework.reference,
        recommended=framework.recommended,
        dispatching=framework.dispatching,
        beneath=framework.beneath,
        settings=settings,
        models=tuple(model(name, network) for network in networks if framework.supports(network)),
    )
