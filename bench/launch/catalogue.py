"""The frameworks: one folder each under `frameworks/`, described by its `framework.toml`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.choices import check_choice

if TYPE_CHECKING:
    from bench.core.setting import Setting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TREE = Path(__file__).resolve().parents[2]
FRAMEWORKS = TREE / "frameworks"
# What is documented about a framework, for advice; it does not affect a worker.
FACTS = "facts.toml"


@dataclass(frozen=True, kw_only=True)
class Expert:
    """What the expert tuning sets beyond the framework's defaults.

    `settings` describes, with reasons, what the adapter's code sets; `environment` holds variables
    for every machine, `by_vendor` those for processors of one vendor only.
    """

    settings: Mapping[str, str]
    environment: Mapping[str, str]
    by_vendor: Mapping[str, Mapping[str, str]]

    def variables(self, vendor: str) -> dict[str, str]:
        """The environment variables on a processor by `vendor` ("GenuineIntel")."""
        return {**self.environment, **self.by_vendor.get(vendor, {})}


@dataclass(frozen=True, kw_only=True)
class PrecisionSupport:
    """How a framework computes in a precision other than plain float32 and float64.

    `about` names the framework's own feature; `environment` holds the variables that it needs.
    """

    about: str
    devices: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Framework:
    """The contents of a `framework.toml`.

    `modules` are those that the adapter imports. `layout` is the memory layout of images;
    `libraries` names what computes, by device. `threads` and `environment` are environment
    variables of a worker, set before the framework is imported, in which `{threads}` and
    `{scratch}` (a new folder of the worker's own) are filled in. `expert` is what the expert tuning
    adds. A `reference` is what frameworks are proved against; it only runs when named.
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
    precisions: Mapping[str, PrecisionSupport]
    expert: Expert
    reference: bool = False
    pip_args: tuple[str, ...] = ()
    threads: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def requirements(self, device: str) -> Path:
        """The requirements file of the framework's environment for `cpu` or `cuda`."""
        return self.folder / f"requirements-{'gpu' if device == 'cuda' else 'cpu'}.txt"

    def supports(self, network: str) -> bool:
        """Whether the framework implements a task's network."""
        return (self.folder / "models" / f"{network}.py").is_file()

    def computes(self, precision: str, device: str) -> bool:
        """Whether the framework supports a precision on a device."""
        if precision in ("float32", "float64"):
            return True
        return precision in self.precisions and device in self.precisions[precision].devices

    def variables(self, setting: Setting, *, scratch: Path, vendor: str) -> dict[str, str]:
        """The environment variables of a worker on a processor by `vendor` ("GenuineIntel")."""
        expert = self.expert.variables(vendor) if setting.tuning == "expert" else {}
        support = self.precisions.get(setting.precision)
        precise = support.environment if support else {}
        templates = {**self.environment, **expert, **precise, **self.threads}
        return {
            name: value.format(threads=setting.threads, scratch=scratch)
            for name, value in templates.items()
        }

    def settings(self, vendor: str) -> dict[str, Any]:
        """The settings as a run records them: what each tuning means on a processor by `vendor`.

        `{threads}` and `{scratch}` stay unfilled in the variables' values: they differ by worker.
        """
        return {
            "modes": dict(self.modes),
            "layout": self.layout,
            "libraries": {device: list(names) for device, names in self.libraries.items()},
            "precisions": {name: asdict(support) for name, support in self.precisions.items()},
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
    """The names of the frameworks that are compared: all but the references."""
    return [name for name in names() if not load(name).reference]


def modes() -> list[str]:
    """Every mode that a framework has, in alphabetical order."""
    return sorted({mode for name in names() for mode in load(name).modes})


@cache
def load(name: str) -> Framework:
    """The framework of that name. Raises UsageError if none has it."""
    check_choice("framework", name, _names())
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
            name: PrecisionSupport(
                about=support["about"],
                devices=tuple(support["devices"]),
                environment=support.get("environment", {}),
            )
            for name, support in fields.get("precisions", {}).items()
        },
        expert=Expert(
            settings=fields.get("expert", {}).get("settings", {}),
            environment=fields.get("expert", {}).get("environment", {}),
            by_vendor=fields.get("expert", {}).get("environment-by-vendor", {}),
        ),
    )


def source_digest(framework: Framework) -> str:
    """sha256 over every source file that affects what a worker of this framework does."""
    sha = hashlib.sha256()
    rooms = ("core", "tasks", "worker")
    folders = [*(TREE / "bench" / room for room in rooms), framework.folder]
    files = (file for folder in folders for file in folder.rglob("*") if file.name != FACTS)
    for file in sorted(file for file in files if file.suffix in (".py", ".toml", ".txt")):
        sha.update(f"{file.relative_to(TREE).as_posix()}\n".encode())
        sha.update(file.read_bytes())
    return sha.hexdigest()
