"""The frameworks: one folder each under `frameworks/`, found by its `framework.toml`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import UsageError

if TYPE_CHECKING:
    from bench.core.setting import Setting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TREE = Path(__file__).resolve().parents[2]
FRAMEWORKS = TREE / "frameworks"
# What is known of a framework beyond what is measured. It decides nothing that a worker does.
FACTS = "facts.toml"


@dataclass(frozen=True, kw_only=True)
class Expert:
    """What the expert tuning sets: in the adapter's code, with the reason, and as variables.

    `by_vendor` are variables on processors of one maker alone.
    """

    settings: Mapping[str, str]
    environment: Mapping[str, str]
    by_vendor: Mapping[str, Mapping[str, str]]

    def variables(self, vendor: str) -> dict[str, str]:
        """The variables on a processor by `vendor`."""
        return {**self.environment, **self.by_vendor.get(vendor, {})}


@dataclass(frozen=True, kw_only=True)
class Means:
    """How a framework computes in a precision other than its own float32 and float64.

    `about` says by what of its own; `environment` are variables that this takes.
    """

    about: str
    devices: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Framework:
    """What a `framework.toml` says.

    `threads` and `environment` are variables of a worker's environment, set before the framework
    is imported: `{threads}` and `{scratch}` (a new folder, the worker's own) are filled in.
    `modules` are what its adapter imports. `layout` is that of images, `libraries` are what
    computes, by device.
    `expert` is what the expert tuning adds to the framework as it comes. A `reference` is what
    frameworks are held against; it runs only where it is asked for by name.
    """

    name: str
    title: str
    python: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    devices: tuple[str, ...]
    modes: Mapping[str, str]
    recommended: str
    folder: Path
    layout: str
    libraries: Mapping[str, Sequence[str]]
    precisions: Mapping[str, Means]
    expert: Expert
    reference: bool = False
    pip_args: tuple[str, ...] = ()
    threads: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def requirements(self, device: str) -> Path:
        """The requirements of the framework's environment for `cpu` or `cuda`."""
        return self.folder / f"requirements-{'gpu' if device == 'cuda' else 'cpu'}.txt"

    def supports(self, network: str) -> bool:
        """Whether the framework has a model for a task's network."""
        return (self.folder / "models" / f"{network}.py").is_file()

    def computes(self, precision: str, device: str) -> bool:
        """Whether the framework has a precision on a device."""
        if precision in ("float32", "float64"):
            return True
        return precision in self.precisions and device in self.precisions[precision].devices

    def variables(self, setting: Setting, *, scratch: Path, vendor: str) -> dict[str, str]:
        """The environment variables of a worker on a processor by `vendor` ("GenuineIntel")."""
        expert = self.expert.variables(vendor) if setting.tuning == "expert" else {}
        means = self.precisions.get(setting.precision)
        precise = means.environment if means else {}
        filled = {**self.environment, **expert, **precise, **self.threads}
        return {
            name: value.format(threads=setting.threads, scratch=scratch)
            for name, value in filled.items()
        }

    def settings(self, vendor: str) -> dict[str, Any]:
        """What a run keeps of the settings, for the ledger: what each tuning is, on this processor.

        `{threads}` and `{scratch}` stand in the variables' values, as they differ by worker.
        """
        return {
            "modes": dict(self.modes),
            "layout": self.layout,
            "libraries": {device: list(names) for device, names in self.libraries.items()},
            "precisions": {name: asdict(means) for name, means in self.precisions.items()},
            "environment": {**self.environment, **self.threads},
            "expert": {
                "settings": dict(self.expert.settings),
                "environment": self.expert.variables(vendor),
            },
        }


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(file.parent.name for file in FRAMEWORKS.glob("*/framework.toml")))


def names() -> list[str]:
    """Every framework's name, in alphabetical order."""
    return list(_names())


def compared() -> list[str]:
    """The frameworks that are compared: all but the references."""
    return [name for name in names() if not load(name).reference]


@cache
def load(name: str) -> Framework:
    """The framework of that name. Raises UsageError if there is none."""
    if name not in _names():
        raise UsageError(f"no framework is called {name!r}; there are: {', '.join(names())}")
    folder = FRAMEWORKS / name
    fields = tomllib.loads((folder / "framework.toml").read_text(encoding="utf-8"))
    return Framework(
        name=name,
        title=fields["title"],
        python=fields["python"],
        packages=tuple(fields["packages"]),
        modules=tuple(fields["modules"]),
        devices=tuple(fields["devices"]),
        modes=fields["modes"],
        recommended=fields["recommended"],
        folder=folder,
        layout=fields["layout"],
        libraries=fields["libraries"],
        reference=fields.get("reference", False),
        pip_args=tuple(fields.get("pip-args", ())),
        threads=fields.get("threads", {}),
        environment=fields.get("environment", {}),
        precisions={
            name: Means(
                about=means["about"],
                devices=tuple(means["devices"]),
                environment=means.get("environment", {}),
            )
            for name, means in fields.get("precisions", {}).items()
        },
        expert=Expert(
            settings=fields.get("expert", {}).get("settings", {}),
            environment=fields.get("expert", {}).get("environment", {}),
            by_vendor=fields.get("expert", {}).get("environment-by-vendor", {}),
        ),
    )


def source_digest(framework: Framework) -> str:
    """sha256 over every file that decides what a worker of this framework does."""
    sha = hashlib.sha256()
    rooms = ("core", "tasks", "worker")
    folders = [*(TREE / "bench" / room for room in rooms), framework.folder]
    files = (file for folder in folders for file in folder.rglob("*") if file.name != FACTS)
    for file in sorted(file for file in files if file.suffix in (".py", ".toml", ".txt")):
        sha.update(f"{file.relative_to(TREE).as_posix()}\n".encode())
        sha.update(file.read_bytes())
    return sha.hexdigest()
