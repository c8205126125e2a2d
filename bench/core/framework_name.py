"""The names of frameworks, which may mean a variant: the same adapter in another environment.

`pytorch` is a framework as its requirements have it, `pytorch==2.12.1` the same in another version,
`keras[jax]` one on a backend, and `jax_flax[flax==0.12.7]` one with another version of one of its
packages. Wherever frameworks are told apart, it is by these names; `bench.launch.variants` knows
what they mean.
"""

from __future__ import annotations

import re


def framework_of(name: str) -> str:
    """The framework of which a name means a variant, or that it means itself: `keras`."""
    found = re.match(r"\w*", name)
    assert found
    return found[0]


def variant_of(name: str) -> str:
    """What a name has besides the framework: `[jax]==3.14.0`, or "" for the framework itself."""
    return name.removeprefix(framework_of(name))


def is_version(name: str) -> bool:
    """Whether a name means other versions than a framework's own requirements."""
    return re.search(r"[=<>~!]", name) is not None


def is_among(name: str, wanted: str) -> bool:
    """Whether a framework is the `wanted` one, or a variant of it where no variant is wanted."""
    return wanted in (name, framework_of(name))


def in_file_name(name: str) -> str:
    """A name as a part of a file's name: `keras-jax-3.14.0`."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")
