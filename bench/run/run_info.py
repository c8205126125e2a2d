"""What a run's `run.json` says: the request, the machine, and everything that was prepared."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import bench
from bench.launch import catalogue, machine
from bench.launch.virtual_environments import Environment, installed_bytes
from bench.records.snapshot_taking import take
from bench.run.plan import Plan
from bench.run.preparation import Preparation


def describe(plan: Plan, preparation: Preparation) -> dict[str, Any]:
    """The content of `run.json` at the start of a run, as JSON's types."""
    request = plan.request
    environments = {
        f"{framework} {device}": environment
        for (framework, device), environment in preparation.environments.items()
        if isinstance(environment, Environment)
    }
    return {
        "name": plan.name,
        "command": request.command,
        "request": {
            name: value
            for name, value in asdict(request).items()
            if name not in ("results", "command")
        },
        "threads": plan.cells[0].threads,
        "repeats": plan.stopping.repeats,
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "framebench": bench.__version__,
        "machine": machine.describe(),
        "health": preparation.health.to_fields(),
        "environments": {name: environment.packages for name, environment in environments.items()},
        "package_records": {
            name: dict(environment.records) for name, environment in environments.items()
        },
        # The packages of `--env current` include many that no framework needs.
        "installed_bytes": {
            name: installed_bytes(environment)
            for name, environment in environments.items()
            if request.env == "own"
        },
        "rates": [rates.to_fields() for rates in preparation.rates],
        "certificates": [
            certificate.to_fields() for certificate in preparation.certificates.values()
        ],
        "snapshot": take(plan.cells, plan.budgets).to_fields(),
        "source_digests": {
            name: catalogue.source_digest(catalogue.load(name))
            for name in sorted({cell.framework for cell in plan.cells})
        },
    }
