"""Where a framework's environment comes from: the values of `--env`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bench.launch import current_python, virtual_environments
from bench.launch.virtual_environments import Provider

EnvironmentKind = Literal["own", "current"]

PROVIDERS: Mapping[EnvironmentKind, Provider] = {
    "own": virtual_environments.make,
    "current": current_python.use,
}
