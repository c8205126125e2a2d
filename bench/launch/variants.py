"""What the name of a variant means: a backend, and versions in place of a framework's own.

The form is that of pip: `NAME[BACKEND,REQUIREMENT,...]VERSION`. A backend is declared in the
framework's `framework.toml`; VERSION is that of its main package, as in `pytorch==2.12.1`; each
REQUIREMENT is for another of its packages, as in `jax_flax[flax==0.12.7]`. Packages that a name
does not mention stay as the framework's requirements have them, so that nothing else differs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from bench.core.errors import UsageError

FORM = "NAME[BACKEND,PACKAGE==VERSION,...]==VERSION"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The parts of a framework's name.

    `version` is for its main package; `others` are requirements for other packages. "" and none
    mean the framework's own.
    """

    framework: str
    backend: str = ""
    others: tuple[str, ...] = ()
    version: str = ""

    def __str__(self) -> str:
        """The name in its usual form: two names of the same variant have the same."""
        inner = ",".join(filter(None, (self.backend, *self.others)))
        return f"{self.framework}{f'[{inner}]' * bool(inner)}{self.version}"

    @property
    def is_version(self) -> bool:
        """Whether it has other versions than the framework's requirements."""
        return bool(self.version or self.others)

    @property
    def versions(self) -> tuple[str, list[str]]:
        """For a title: the main package's version, "2.12.1", and others', "flax 0.12.7"."""
        others = [_words(Requirement(text)) for text in self.others]
        return self.version.removeprefix("=="), others

    def on(self, backend: str) -> Variant:
        """The same on a backend."""
        return replace(self, backend=backend)


def _words(requirement: Requirement) -> str:
    return f"{requirement.name} {str(requirement.specifier).removeprefix('==')}"


def parse(name: str) -> Variant:
    """The parts of a name. Raises UsageError for one that is malformed."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\[([^\[\]]*\w[^\[\]]*)\])?\s*([=<>~!].*)?", name)
    if match is None:
        raise UsageError(f"{name!r} cannot name a framework; the form is {FORM}")
    framework, inner, version = match.groups(default="")
    # A comma also separates the parts of a version, which do not begin with a letter.
    items = [item.strip() for item in re.split(r",(?=\s*[A-Za-z])", inner) if item.strip()]
    backends = [item for item in items if re.fullmatch(r"\w+", item)]
    if len(backends) > 1:
        raise UsageError(f"{name!r} names several backends: {', '.join(backends)}")
    try:
        others = sorted(_usual(Requirement(item)) for item in items if item not in backends)
        specifier = str(SpecifierSet(version))
    except (InvalidRequirement, InvalidSpecifier) as error:
        reason = " ".join(str(error).split())
        single = re.search(r"(?<![=<>~!])=(?!=)", name)
        hint = "; a version stands behind ==" if single else ""
        raise UsageError(f"{name!r}: {reason}{hint}; the form is {FORM}") from error
    return Variant(
        framework=framework,
        backend="".join(backends),
        others=tuple(others),
        version=specifier,
    )


def _usual(requirement: Requirement) -> str:
    """A requirement in its usual form. Raises InvalidRequirement for more than a version."""
    if requirement.url or requirement.marker or requirement.extras or not requirement.specifier:
        raise InvalidRequirement(f"{requirement}: expected a package and its version")
    return f"{canonicalize_name(requirement.name)}{requirement.specifier}"


def check(variant: Variant, packages: Sequence[str]) -> None:
    """Raises UsageError if a variant is about a package that is none of the framework's."""
    for text in variant.others:
        if (name := Requirement(text).name) not in packages:
            raise UsageError(
                f"{variant}: {name} is none of the packages of {variant.framework}, which are: "
                f"{', '.join(packages)}"
            )


def wanted_versions(
    variant: Variant, packages: Sequence[str], present: Collection[str]
) -> dict[str, SpecifierSet]:
    """The versions that a variant asks for, by package.

    The main package is the first of the framework's `packages` that is `present`.
    """
    wanted = {Requirement(each).name: Requirement(each).specifier for each in variant.others}
    if variant.version:
        main = next((name for name in packages if name in present), packages[0])
        wanted[main] = SpecifierSet(variant.version)
    return wanted


def requirements(variant: Variant, packages: Sequence[str], text: str) -> list[str]:
    """The requirements of a variant, from the `text` of its framework's own."""
    own = list(_stated(text))
    names = {requirement.name for requirement in own}
    wanted = wanted_versions(variant, packages, names)
    for requirement in own:
        if requirement.name in wanted:
            requirement.specifier = wanted[requirement.name]
    added = [f"{name}{wanted[name]}" for name in wanted if name not in names]
    return [*map(str, own), *added]


def _stated(text: str) -> Iterator[Requirement]:
    """The requirements in a file of them, without its remarks."""
    for line in text.splitlines():
        if stated := line.partition("#")[0].strip():
            yield Requirement(stated)
