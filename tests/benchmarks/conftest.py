"""Which cells are timed: the options of `framebench run`, in pytest's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import UnavailableError, UsageError
from bench.core.listener import Silent
from bench.core.record import Cell
from bench.core.task import Budget
from bench.launch import machine
from bench.launch.virtual_environments import Environment, Environments, make
from bench.proof.certificate import Certificate, Claim
from bench.proof.prover import Prover
from bench.report.run.pytest_benchmark import label, machine_info
from bench.run.plan import budget_of, cells_of, refusal
from bench.run.preparation import (
    objection,
    prepare_data,
    prepare_environments,
    required_claims,
)
from bench.run.request import Request, check

PARAMETERS = ("task", "framework", "mode", "device")


def wanted(config: pytest.Config) -> Request:
    """The cells that the options ask for, with the recipes as written."""
    option = config.getoption
    return Request(
        preset="full",
        frameworks=option("framework"),
        tasks=option("task"),
        modes=option("mode") or ["recommended"],
        devices=option("device") or ["cpu"],
        threads=option("threads"),
        length=option("length"),
    )


def cell_of(item: pytest.Item, config: pytest.Config) -> Cell:
    """The cell that a benchmark times. Parameters are plain strings, which JSON can keep."""
    assert isinstance(item, pytest.Function)
    parameters = {name: item.callspec.params[name] for name in PARAMETERS}
    return next(
        cell
        for cell in cells_of(wanted(config))
        if parameters == {name: getattr(cell, name) for name in PARAMETERS}
    )


def pytest_configure(config: pytest.Config) -> None:
    try:
        check(wanted(config))
        cells_of(wanted(config))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    return machine_info(machine.describe())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    request = wanted(metafunc.config)
    cells = cells_of(request)
    metafunc.parametrize(
        PARAMETERS,
        [[getattr(cell, name) for name in PARAMETERS] for cell in cells],
        ids=[label(cell, budget_of(request, cell.task)) for cell in cells],
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave benchmarks out unless asked for: they take minutes, and plain `pytest` runs tests."""
    if config.getoption("benchmark_only"):
        return
    here = Path(__file__).parent
    timed = [item for item in items if here in item.path.parents]
    config.hook.pytest_deselected(items=timed)
    items[:] = [item for item in items if item not in timed]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the chosen cells need; `data` are prepared folders by task."""

    environments: Environments
    data: Mapping[str, Path]
    certificates: Mapping[Claim, Certificate]

    def environment(self, cell: Cell) -> Environment:
        """The cell's environment. Skips or fails the test if the cell must not be timed."""
        if reason := refusal(cell):
            pytest.skip(reason)
        environment = self.environments[cell.framework, cell.device]
        if isinstance(environment, UnavailableError):
            pytest.skip(f"{cell.framework} is unavailable: {environment}")
        if bad := objection(cell, self.certificates):
            ends = pytest.skip if bad.status in ("unsupported", "unavailable") else pytest.fail
            ends(f"{bad.status} in {bad.claim.precision}: {bad.reason}")
        return environment


@pytest.fixture
def cell(request: pytest.FixtureRequest, task: str, framework: str, mode: str, device: str) -> Cell:
    """The cell that a benchmark times."""
    return cell_of(request.node, request.config)


@pytest.fixture
def recipe(pytestconfig: pytest.Config, task: str) -> Budget:
    """The budget of the cell's task."""
    return budget_of(wanted(pytestconfig), task)


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Environments, data and proofs of all chosen cells, made where they are missing.

    As in `framebench run`, a cell without a proof is not timed.
    """
    here = Path(__file__).parent
    timed = [item for item in request.session.items if here in item.path.parents]
    chosen = [cell_of(item, request.config) for item in timed]
    usable = [cell for cell in chosen if not refusal(cell)]
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    class TerminalLines(Silent):
        def finished(self, subject: str, outcome: str) -> None:
            if reporter:
                reporter.write_line(f"{subject}: {outcome}")

    listener = TerminalLines()
    environments = prepare_environments(usable, make, listener)
    data = prepare_data(sorted({cell.task for cell in usable}), "auto", listener)
    prover = Prover(environments, data, provide=make)
    claims = [claim for cell in usable for claim in required_claims(cell)]
    return Prepared(
        environments=environments, data=data, certificates=prover.prove(claims, listener)
    )
