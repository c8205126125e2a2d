"""A task beside its model in every framework: what `framebench show` shows.

Models are read as text. No framework is imported for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from bench import tasks
from bench.core.errors import UsageError
from bench.core.task import Task
from bench.launch import catalogue
from bench.records.code_lines import code_lines
from bench.records.definition import about, definition


@dataclass(frozen=True, kw_only=True)
class Source:
    """A framework's model of a task's network. `path` is from the source tree's root."""

    framework: str
    title: str
    path: str
    text: str

    @property
    def lines_of_code(self) -> int:
        """Lines that are neither blank nor comment nor docstring."""
        return code_lines(self.text)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A task's definition and its models. `missing` are titles of frameworks without a model."""

    task: Task
    about: str
    sources: tuple[Source, ...]
    missing: tuple[str, ...]

    @property
    def definition(self) -> dict[str, str]:
        """What is the same in every framework, in words."""
        return definition(self.task)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A unified diff from one framework's model to another's."""

    task: Task
    old: Source
    new: Source

    @property
    def text(self) -> str:
        """Empty where both read the same."""
        lines = difflib.unified_diff(
            self.old.text.splitlines(keepends=True),
            self.new.text.splitlines(keepends=True),
            fromfile=self.old.path,
            tofile=self.new.path,
        )
        return "".join(lines)

    @property
    def shared_lines(self) -> int:
        """Lines that are the same in both, as the diff pairs them."""
        old, new = self.old.text.splitlines(), self.new.text.splitlines()
        matcher = difflib.SequenceMatcher(None, old, new)
        return sum(block.size for block in matcher.get_matching_blocks())


def _source(framework: catalogue.Framework, network: str) -> Source:
    file = framework.folder / "models" / f"{network}.py"
    return Source(
        framework=framework.name,
        title=framework.title,
        path=file.relative_to(catalogue.TREE).as_posix(),
        text=file.read_text(encoding="utf-8"),
    )


def listing(name: str, frameworks: Sequence[str] = ()) -> Listing:
    """A task beside its models in `frameworks`, in their order.

    Where none is named, in every one, with the reference last. Raises UsageError for a task or a
    framework that there is not, and for a framework that is named and has no model.
    """
    task = tasks.load(name)
    asked = [catalogue.load(one) for one in dict.fromkeys(frameworks)]
    every = [catalogue.load(one) for one in catalogue.names()]
    wanted = asked or sorted(every, key=lambda one: one.reference)
    missing = [one.title for one in wanted if not one.supports(task.network)]
    if asked and missing:
        raise UsageError(f"no model of {name} in {', '.join(missing)}")
    return Listing(
        task=task,
        about=about(name),
        sources=tuple(_source(one, task.network) for one in wanted if one.supports(task.network)),
        missing=tuple(missing),
    )


def difference(name: str, old: str, new: str) -> Difference:
    """From one framework's model to another's. Raises UsageError as `listing` does."""
    if old == new:
        raise UsageError(f"--diff needs two frameworks, not {old!r} twice")
    shown = listing(name, [old, new])
    return Difference(task=shown.task, old=shown.sources[0], new=shown.sources[1])
