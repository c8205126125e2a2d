"""The environments of an earlier run, made again: the same packages in the same versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.core.errors import UnavailableError, UsageError
from bench.core.listener import Listener
from bench.launch.framework import Framework
from bench.launch.virtual_environments import Environment, Recipe, follow, make
from bench.system import files
from bench.system.folder_with import folder_with

# Packages that belong to the environment itself, or to the run that was made in this Python.
_LEFT_OUT = {"pip", "framebench"}


class _Machine(msgspec.Struct):
    python: str = ""


class _RunFile(msgspec.Struct):
    """What is needed of a `run.json`; environments are by framework and device."""

    environments: dict[str, dict[str, str]]
    package_records: dict[str, dict[str, str]] = {}
    machine: _Machine = msgspec.field(default_factory=_Machine)


@dataclass(frozen=True, kw_only=True)
class PublishedEnvironments:
    """A provider of environments with exactly the packages that a run had.

    `versions` and `records` are by framework and device, such as "pytorch cpu", then by package.
    """

    run: Path
    python: str
    versions: Mapping[str, Mapping[str, str]]
    records: Mapping[str, Mapping[str, str]]

    @staticmethod
    def of(run: Path, results: Path) -> PublishedEnvironments:
        """Those of a run by its folder, or by its name under `results`.

        Raises UsageError if there is no such run, or it does not say what it had.
        """
        folder = folder_with("run.json", run, results)
        try:
            known = msgspec.json.decode(files.read(folder / "run.json"), type=_RunFile)
        except OSError as error:
            raise UsageError(f"{folder} holds no run: run.json: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise UsageError(f"{folder} does not say what it ran with: {error}") from error
        return PublishedEnvironments(
            run=folder,
            python=known.machine.python,
            versions=known.environments,
            records=known.package_records,
        )

    def frameworks(self, device: str) -> list[str]:
        """The frameworks that the run had on a device."""
        names = (key.rpartition(" ") for key in self.versions)
        return [name for name, _, on in names if on == device]

    def __call__(self, framework: Framework, device: str, listener: Listener) -> Environment:
        """Raises UnavailableError with what pip says of a version that cannot be had."""
        key = f"{framework.name} {device}"
        if key not in self.versions and framework.reference:
            return make(framework, device, listener)  # only proofs need it, and no run keeps it
        if key not in self.versions:
            raise UnavailableError(f"{self.run} had no environment of {key}")
        pins = [
            f"{name}=={version}"
            for name, version in sorted(self.versions[key].items())
            if name not in _LEFT_OUT
        ]
        recipe = Recipe(
            framework=framework,
            kind=f"{device}-like",
            contents=pins,
            arguments=["--no-deps", *pins],
        )
        try:
            environment = follow(recipe, listener)
        except UnavailableError as error:
            raise UnavailableError(f"not as in {self.run}: {error}") from error
        if differences := self._differences(key, environment):
            listener.finished(f"{framework.name}, compared with {self.run}", differences)
        return environment

    def _differences(self, key: str, environment: Environment) -> str:
        """In what an environment of the same versions differs from the run's, in words."""
        told = []
        if self.python and self.python != platform.python_version():
            told.append(f"Python {platform.python_version()} and not {self.python}")
        ours = {name: environment.packages.get(name) for name in self.versions[key]}
        told += [
            f"{name} {ours[name] or 'missing'} and not {version}"
            for name, version in self.versions[key].items()
            if name not in _LEFT_OUT and ours[name] != version
        ]
        known = self.records.get(key, {})
        rebuilt = [
            name
            for name, digest in environment.records.items()
            if name not in _LEFT_OUT and known.get(name, digest) != digest
        ]
        if rebuilt:
            told.append(f"other files, of the same version: {', '.join(rebuilt)}")
        return "; ".join(told)
