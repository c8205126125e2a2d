"""A framework's `framework.toml`: its keys, and how it is read.

A table under `backends` has what is otherwise on that backend. It is laid over the rest of the
file, key by key.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import structs
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.launch import variants
from bench.launch.framework import EAGER, DeviceName, Expert, Framework, PrecisionSupport
from bench.launch.variants import Variant

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


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
    models: str = ""
    beneath: str = ""
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


def read(file: Path, variant: Variant | None = None) -> Framework:
    """The framework that a `framework.toml` describes, or a variant of it.

    Raises UsageError, which names the file, the key and what is expected there, and for a variant
    that the framework has not.
    """
    variant = variant or Variant(framework=file.parent.name)
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
        backends = msgspec.convert(fields.pop("backends", {}), dict[str, dict[str, Any]])
        if variant.backend and not backends:
            raise UsageError(f"{variant.framework} has no backends, such as {variant.backend!r}")
        if variant.backend:
            check_choice(f"backend of {variant.framework}", variant.backend, backends)
            fields = _laid_over(fields, backends[variant.backend])
        known = msgspec.convert(fields, _Framework)
    except (ValueError, OSError) as error:  # of TOML, of the schema, of the encoding
        raise UsageError(f"{file}: {error}") from error
    _check_values(known, file)
    variants.check(variant, known.packages)
    values = {
        **structs.asdict(known),
        "name": str(variant),
        "variant": variant,
        "title": _title(known, variant),
        "models": known.models or known.name,
        "backends": tuple(backends),
        "folder": file.parent,
        "precisions": {
            name: PrecisionSupport(**structs.asdict(support))
            for name, support in known.precisions.items()
        },
        "expert": Expert(**structs.asdict(known.expert)),
    }
    return Framework(**values)


def _laid_over(table: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """A table of TOML with the values of another in place of its own; tables in it likewise."""
    merged = dict(table)
    for key, value in upper.items():
        below = table.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _laid_over(below, value)
        else:
            merged[key] = value
    return merged


def _title(known: _Framework, variant: Variant) -> str:
    """The title with what a variant's versions are: "PyTorch 2.12.1"."""
    main, others = variant.versions
    if main and variant.backend:
        main, others = "", [f"{known.packages[0]} {main}", *others]
    words = (known.title, main, f"({', '.join(others)})" * bool(others))
    return " ".join(filter(None, words))


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
