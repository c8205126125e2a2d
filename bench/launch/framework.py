"""What is known about a framework: the contents of its folder's `framework.toml`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import structs
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bench.core import plugins
from bench.core.errors import UsageError
from bench.system.python_version import python_version

if TYPE_CHECKING:
    from bench.core.setting import Setting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DeviceName = Literal["cpu", "cuda"]

# Which modes run operators one by one, unless a framework says so itself: the mode of this name.
EAGER = ("eager",)


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
    adds. A `reference` is what frameworks are proved against; it only runs when named. `unequal`
    says what cannot be made equal in it, and `device_memory` what it reports as its peak on a GPU,
    if that is not what its tensors took. In all modes but the `uncompiled` ones, a framework must
    have compiled its steps. `dispatching` is how many threads are busy on a CPU besides those that
    compute.
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
    libraries: Mapping[DeviceName, Sequence[str]]
    precisions: Mapping[str, PrecisionSupport]
    expert: Expert
    reference: bool = False
    pip_args: tuple[str, ...] = ()
    threads: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    unequal: tuple[str, ...] = ()
    device_memory: str = ""
    uncompiled: tuple[str, ...] = EAGER
    dispatching: int = 0

    def requirements(self, device: str) -> Path:
        """The requirements file of the framework's environment for `cpu` or `cuda`."""
        return self.folder / f"requirements-{'gpu' if device == 'cuda' else 'cpu'}.txt"

    def model_file(self, network: str) -> Path | None:
        """The file with the framework's model of a network: its own, else a plug-in's, or None."""
        return plugins.model_file(self.name, network)

    def supports(self, network: str) -> bool:
        """Whether there is a model of a task's network."""
        return self.model_file(network) is not None

    def needs_other_python(self) -> str | None:
        """The Python that the framework needs, in words, if this is another; None if it is not."""
        version = python_version()
        if version in SpecifierSet(self.python):
            return None
        return f"needs Python {self.python}, this is {version}"

    def compiles(self, mode: str) -> bool:
        """Whether a mode is one in which the framework compiles its steps."""
        return mode not in self.uncompiled

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


class _File(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """The keys of a table in a `framework.toml`; any other key is an error."""


class _Expert(_File):
    settings: dict[str, str] = {}
    environment: dict[str, str] = {}
    by_vendor: dict[str, dict[str, str]] = msgspec.field(
        name="environment-by-vendor", default_factory=dict
    )


class _Precision(_File):
    about: str
    devices: tuple[DeviceName, ...]
    environment: dict[str, str] = {}


class _Framework(_File):
    name: str
    title: str
    python: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    devices: tuple[DeviceName, ...]
    layout: str
    libraries: dict[DeviceName, tuple[str, ...]]
    recommended: str
    modes: dict[str, str]
    reference: bool = False
    pip_args: tuple[str, ...] = ()
    threads: dict[str, str] = {}
    environment: dict[str, str] = {}
    precisions: dict[Literal["tf32", "bf16", "fp16"], _Precision] = {}
    expert: _Expert = msgspec.field(default_factory=_Expert)
    unequal: tuple[str, ...] = ()
    device_memory: str = ""
    uncompiled: tuple[str, ...] = EAGER
    dispatching: int = 0


def read(file: Path) -> Framework:
    """The framework that a `framework.toml` describes.

    Raises UsageError, which names the file, the key and what is expected there.
    """
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
        known = msgspec.convert(fields, _Framework)
    except (ValueError, OSError) as error:  # of TOML, of the schema, of the encoding
        raise UsageError(f"{file}: {error}") from error
    _check_values(known, file)
    values = {
        **structs.asdict(known),
        "folder": file.parent,
        "precisions": {
            name: PrecisionSupport(**structs.asdict(support))
            for name, support in known.precisions.items()
        },
        "expert": Expert(**structs.asdict(known.expert)),
    }
    return Framework(**values)


def _check_values(known: _Framework, file: Path) -> None:
    """Raises UsageError for a value of the right type that cannot be meant."""

    def wrong(key: str, value: str, expected: str) -> UsageError:
        return UsageError(f"{file}: expected {expected}, got `{value}` - at `$.{key}`")

    if known.name != file.parent.name:
        raise wrong("name", known.name, f"`{file.parent.name}`, its folder's name")
    if known.recommended not in known.modes:
        modes = ", ".join(known.modes)
        raise wrong("recommended", known.recommended, f"one of its modes ({modes})")
    for mode in known.uncompiled:
        if mode not in (*known.modes, *EAGER):
            raise wrong("uncompiled", mode, f"some of its modes ({', '.join(known.modes)})")
    try:
        SpecifierSet(known.python)
    except InvalidSpecifier:
        raise wrong("python", known.python, "versions such as `>=3.10`") from None
    for key, value in _variables(known):
        try:
            value.format(threads=1, scratch="")
        except (LookupError, ValueError, AttributeError):
            raise wrong(key, value, "no braces but `{threads}` and `{scratch}`") from None


def _variables(known: _Framework) -> Iterator[tuple[str, str]]:
    """The keys of all environment variables of a `framework.toml`, and their values."""
    expert = known.expert
    tables = {
        "threads": known.threads,
        "environment": known.environment,
        "expert.environment": expert.environment,
        **{f"expert.environment-by-vendor.{v}": t for v, t in expert.by_vendor.items()},
        **{f"precisions.{name}.environment": p.environment for name, p in known.precisions.items()},
    }
    for key, table in tables.items():
        yield from ((f"{key}.{name}", value) for name, value in table.items())
