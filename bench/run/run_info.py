"""What a run's `run.json` says: the request, the machine, and everything that was prepared."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any

import bench
from bench.core.dataset_info import DatasetInfo
from bench.launch import catalogue, machine
from bench.launch.virtual_environments import Environment, installed_bytes
from bench.records.snapshot_taking import take
from bench.run.plan import Plan
from bench.run.preparation import Preparation
from bench.run.task_blocks import planned


def now() -> str:
    """The present time, as `run.json` writes it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def origin(plan: Plan) -> dict[str, Any]:
    """What a run's figures depend on and is known before it is prepared: source and machine."""
    return {
        "framebench": bench.__version__,
        "machine": machine.describe(),
        "source_digests": {
            name: catalogue.source_digest(catalogue.load(name))
            for name in sorted({cell.framework for cell in plan.whole})
        },
    }


def nodes() -> dict[str, Any]:
    """The machine's facts by its name in records: what a run says of each that it has used."""
    return {machine.node_name(): machine.describe()}


def prepared(preparation: Preparation) -> dict[str, Any]:
    """What a run's figures depend on and preparing it has found: packages and data."""
    infos = [DatasetInfo.read(folder) for folder in dict.fromkeys(preparation.data.values())]
    return {
        "environments": {
            name: environment.packages for name, environment in _made(preparation).items()
        },
        "data": {info.name: {"source": info.source, "digest": info.digest} for info in infos},
    }


def _made(preparation: Preparation) -> dict[str, Environment]:
    """The environments that could be made, by the words for them in `run.json`."""
    return {
        f"{framework} {device}": environment
        for (framework, device), environment in preparation.environments.items()
        if isinstance(environment, Environment)
    }


def describe(plan: Plan, preparation: Preparation) -> dict[str, Any]:
    """The content of `run.json` at the start of a run, as JSON's types."""
    request = plan.request
    return {
        **requested(plan),
        **prepared(preparation),
        "nodes": nodes(),
        "health": preparation.health.to_fields(),
        "package_records": {
            name: dict(environment.records) for name, environment in _made(preparation).items()
        },
        # The packages of `--env current` include many that no framework needs.
        "installed_bytes": {
            name: installed_bytes(environment)
            for name, environment in _made(preparation).items()
            if request.env != "current"
        },
        "rates": [rates.to_fields() for rates in preparation.rates],
        "certificates": [
            certificate.to_fields() for certificate in preparation.certificates.values()
        ],
        **(_blocks_by_task(plan) if request.shard else {}),
    }


def requested(plan: Plan) -> dict[str, Any]:
    """What `run.json` says of a run before it is prepared."""
    request = plan.request
    return {
        **origin(plan),
        "name": plan.name,
        "command": request.command,
        "request": {
            name: value
            for name, value in asdict(request).items()
            if name not in ("results", "command")
        },
        "threads": plan.cells[0].threads,
        "repeats": plan.stopping.repeats,
        "started": now(),
        "snapshot": take(plan.whole, plan.budgets, weights=request.weights).to_fields(),
    }


def _blocks_by_task(plan: Plan) -> dict[str, Any]:
    """How many blocks of each task are planned, for a run that has not every task in each block."""
    request = plan.request
    parts = planned(
        plan.whole, seed=request.seed, blocks=plan.stopping.repeats, shard=request.shard
    )
    return {"blocks_by_task": dict(Counter(part.task for part in parts))}
