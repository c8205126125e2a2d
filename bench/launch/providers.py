"""Where a framework's environment comes from: the values of `--env`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.launch import current_python, virtual_environments
from bench.launch.published_environments import PublishedEnvironments
from bench.launch.virtual_environments import Provider

EnvironmentKind = Literal["own", "current"]

PROVIDERS: Mapping[EnvironmentKind, Provider] = {
    "own": virtual_environments.make,
    "current": current_python.use,
}
# Followed by a run's folder, or its name: the versions that this run had.
LIKE = "like:"


def provider(env: str, results: Path) -> Provider:
    """The provider that a value of `--env` names; `results` is the folder of named runs.

    Raises UsageError if there is none.
    """
    if env.startswith(LIKE):
        run = env.removeprefix(LIKE)
        if not run:
            raise UsageError(f"--env {LIKE} names no run: write {LIKE}RUN, a run's folder or name")
        return PublishedEnvironments.of(Path(run), results)
    return PROVIDERS[check_choice("kind of environment", env, PROVIDERS)]
