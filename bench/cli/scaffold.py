"""New tasks and frameworks that run before they are filled in, from the templates beside this file.

A template's path is that of the file it makes, with NAME for the name of its module, below the
folder `plugin` or that of its kind. In a plug-in's package every folder gets an `__init__.py`.
"""

from __future__ import annotations

import keyword
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench import tasks
from bench.core import plugins
from bench.core.choices import check_choice
from bench.core.errors import UsageError
from bench.launch import catalogue

# Names are in comments, titles and tables, whose lines should not become too long.
_LONGEST_NAME = 40
# The folders of the source tree, by those of a plug-in's package.
_IN_TREE = {"tasks": "bench/tasks", "frameworks": "frameworks"}

Files = dict[str, str]


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("bench.cli"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def modelled_frameworks() -> list[str]:
    """The frameworks for which a new task's network can be written."""
    paths = (PurePosixPath(path).parts for path in _templates().list_templates(["jinja"]))
    written = {parts[2] for parts in paths if parts[:2] == ("task", "frameworks")}
    compared = [name for name in catalogue.families() if not catalogue.load(name).reference]
    return [name for name in compared if catalogue.load(name).models in written]


def write(files: Files, folder: Path) -> None:
    """Write files by their paths below a folder. Raises UsageError if one of them exists."""
    for path in files:
        if (folder / path).exists():
            raise UsageError(f"{folder / path} exists already; nothing is written")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("x", encoding="utf-8") as file:
            file.write(text)


@dataclass(frozen=True, kw_only=True)
class Scaffold(ABC):
    """The files of something new by its name. Raises UsageError for a name that it cannot have."""

    name: str

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if len(self.name) > _LONGEST_NAME:
            raise UsageError(f"{self.name!r} is longer than {_LONGEST_NAME} characters")
        if keyword.iskeyword(self.module):
            raise UsageError(f"{self.name!r} is a word of Python, which cannot name a module")
        self._check_name()

    @abstractmethod
    def _check_name(self) -> None:
        """Raises UsageError for a name that is malformed or taken."""

    @property
    @abstractmethod
    def module(self) -> str:
        """Its name as that of a Python module."""

    @property
    @abstractmethod
    def commands(self) -> tuple[str, ...]:
        """How it is proved, and then measured."""

    def _leaves_out(self, path: PurePosixPath) -> bool:
        """Whether a file, by its path in a plug-in's package, is not to be written."""
        return False

    @property
    def distribution(self) -> str:
        """The name of its plug-in, and of the plug-in's folder."""
        return f"framebench-{self.module.replace('_', '-')}"

    @property
    def package(self) -> str:
        """The name of its plug-in's package."""
        return f"framebench_{self.module}"

    def plugin_files(self) -> Files:
        """The files of a plug-in, by their paths in its folder."""
        made = {f"{self.package}/{path}": text for path, text in self._made(self.kind)}
        folders = {folder for path in made for folder in PurePosixPath(path).parents[:-1]}
        missing = {f"{folder}/__init__.py" for folder in folders} - made.keys()
        text = f'"""Part of {self.distribution}, a plug-in of framebench."""\n'
        inits = dict.fromkeys(missing, text)
        files = {str(path): text for path, text in self._made("plugin")}
        return dict(sorted({**files, **inits, **made}.items()))

    def tree_files(self) -> Files:
        """The files by their paths in framebench's own source tree.

        Raises UsageError if framebench does not run from its source tree.
        """
        if not (catalogue.TREE / "pyproject.toml").is_file():
            raise UsageError(
                "--in-tree needs framebench's source tree, but this framebench is an installed "
                "copy; leave out --in-tree, or install the source with: pip install -e FOLDER"
            )
        return {
            str(PurePosixPath(_IN_TREE[path.parts[0]], *path.parts[1:])): text
            for path, text in self._made(self.kind)
        }

    def _made(self, folder: str) -> Iterator[tuple[PurePosixPath, str]]:
        """What the templates in a folder make: paths below it, and texts."""
        for template in _templates().list_templates(["jinja"]):
            if template.startswith(f"{folder}/"):
                below = template[len(folder) + 1 :].removesuffix(".jinja")
                path = PurePosixPath(below.replace("NAME", self.module))
                if not self._leaves_out(path):
                    yield path, self._text(template)

    def _text(self, template: str) -> str:
        return (
            _templates()
            .get_template(template)
            .render(
                new=self,
                title=re.sub(r"[-_]+", " ", self.name).capitalize(),
                numpy=version("numpy"),
            )
        )


@dataclass(frozen=True, kw_only=True)
class NewTask(Scaffold):
    """A perceptron on MNIST, with its network in `frameworks`; in all of ours by default."""

    frameworks: tuple[str, ...] = ()

    kind = "task"

    def __post_init__(self) -> None:
        super().__post_init__()
        for framework in self.frameworks:
            check_choice("framework with a template", framework, modelled_frameworks())

    def _check_name(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name):
            raise UsageError(
                f"{self.name!r} cannot name a task: its name consists of lowercase words and "
                "numbers with dashes between them, such as mnist-deep"
            )
        if self.name in tasks.names():
            raise UsageError(f"there is a task {self.name!r} already")
        for found in plugins.packages("frameworks"):
            for file in found.folder.glob(f"*/models/{self.module}.py"):
                raise UsageError(f"there is a network {self.module!r} already: {file}")

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def commands(self) -> tuple[str, ...]:
        chosen = "".join(f" -f {framework}" for framework in self.frameworks)
        return f"framebench verify -t {self.name}{chosen}", f"framebench run -t {self.name}{chosen}"

    def _leaves_out(self, path: PurePosixPath) -> bool:
        """The reference's network is always written: the others are compared with it."""
        if not self.frameworks or path.parts[0] != "frameworks":
            return False
        modelled = {catalogue.load(framework).models for framework in self.frameworks}
        return path.parts[1] not in ("reference", *modelled)


@dataclass(frozen=True, kw_only=True)
class NewFramework(Scaffold):
    """An adapter of plain numpy, which trains `mnist-softmax`."""

    kind = "framework"

    def _check_name(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_+[a-z0-9]+)*", self.name):
            raise UsageError(
                f"{self.name!r} cannot name a framework: its name is that of a Python package, "
                "in lowercase, such as plain_numpy"
            )
        for kind, names in (("framework", catalogue.families()), ("task", tasks.names())):
            if {self.name, self.name.replace("_", "-")} & set(names):
                raise UsageError(f"there is a {kind} {self.name!r} already")

    @property
    def module(self) -> str:
        return self.name

    @property
    def commands(self) -> tuple[str, ...]:
        return (
            f"framebench verify -f {self.name} -t mnist-softmax --env current",
            f"framebench run -f {self.name} -f pytorch -t mnist-softmax",
        )
