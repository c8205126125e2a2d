"""What is known about a framework: see `bench.launch.framework_file` for where it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import SpecifierSet

from bench.core import plugins
from bench.launch.variants import Variant
from bench.system.python_version import python_version

if TYPE_CHECKING:
    from bench.core.setting import Setting

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
    """The contents of a `framework.toml`, for the framework or a variant of it.

    `name` and `title` are those of the variant. `backends` are those that the framework has, if it
    has any. `models` is the framework whose models it trains, which may be another one, and
    `beneath` the framework that it is a layer over, if it is one. `modules` are those that the
    adapter imports. `layout` is the memory layout of images; `libraries` names what computes, by
    device. `threads` and `environment` are environment variables of a worker, set before the
    framework is imported, in which `{threads}` and `{scratch}` (a new folder of the worker's own)
    are filled in. `expert` is what the expert tuning adds. A `reference` is what frameworks are
    proved against; it only runs when named. `unequal` says what cannot be made equal in it, and
    `device_memory` what it reports as its peak on a GPU, if that is not what its tensors took. In
    all modes but the `uncompiled` ones, a framework must have compiled its steps. `dispatching` is
    how many threads are busy on a CPU besides those that compute.
    """

    name: str
    variant: Variant
    title: str
    python: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    devices: tuple[str, ...]
    models: str
    beneath: str
    backends: tuple[str, ...]
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
        build = "gpu" if device == "cuda" else "cpu"
        words = filter(None, ("requirements", self.variant.backend, build))
        return self.folder / f"{'-'.join(words)}.txt"

    @property
    def is_complete(self) -> bool:
        """Whether it can be run: not if it has several backends, and none of them is meant."""
        return bool(self.variant.backend) or not self.backends

    def model_file(self, network: str) -> Path | None:
        """The file with the framework's model of a network: its own, else a plug-in's, or None."""
        return plugins.model_file(self.models, network)

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
