"""A task beside its model in every framework, as `framebench show` shows it.

Models are read as text; no framework is imported.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from bench import tasks
from bench.core.errors import UsageError
from bench.core.task import Task
from bench.launch import catalogue
from bench.records import snapshot_taking
from bench.records.definition import about, definition, parameter_words
from bench.report.common.task_fragment import TaskFragment, TitledModel, once_each


@dataclass(frozen=True, kw_only=True)
class TaskListing:
    """A task and its models. `missing` has the titles of frameworks without a model."""

    task: Task
    about: str
    models: tuple[TitledModel, ...]
    missing: tuple[str, ...]

    @property
    def definition(self) -> dict[str, str]:
        """The task's definition, which is the same in every framework, in words."""
        return definition(self.task)

    @property
    def tensors(self) -> list[tuple[str, str, str, str, str]]:
        """A row for each parameter, under `PARAMETER_HEADINGS`."""
        return [parameter_words(parameter) for parameter in self.task.parameters]

    @property
    def fragment(self) -> TaskFragment:
        """The part of the listing that a page shows."""
        return TaskFragment(
            name=self.task.name,
            definition=tuple(self.definition.items()),
            tensors=self.tensors,
            models=self.models,
            missing=self.missing,
        )


@dataclass(frozen=True, kw_only=True)
class ModelDiff:
    """A unified diff from one framework's model to another's."""

    task: Task
    old: TitledModel
    new: TitledModel

    @property
    def text(self) -> str:
        """The diff; empty where both models are the same text."""
        old, new = self.old.source, self.new.source
        lines = difflib.unified_diff(
            old.text.splitlines(keepends=True),
            new.text.splitlines(keepends=True),
            fromfile=old.path,
            tofile=new.path,
        )
        return "".join(lines)

    @property
    def shared_lines(self) -> int:
        """The number of lines that the diff finds in both models."""
        old, new = (model.source.text.splitlines() for model in (self.old, self.new))
        matcher = difflib.SequenceMatcher(None, old, new)
        return sum(block.size for block in matcher.get_matching_blocks())


def list_task(name: str, frameworks: Sequence[str] = ()) -> TaskListing:
    """A task and its models in `frameworks`, in their order; in all frameworks if none is named.

    Where all are listed, a model that two of them train is there once, and the reference comes
    last. Raises UsageError for an unknown task or
    framework, and for a named framework without a model of the task.
    """
    task = tasks.load(name)
    named = [catalogue.load(framework) for framework in dict.fromkeys(frameworks)]
    every = [catalogue.load(framework) for framework in catalogue.families()]
    wanted = named or sorted(every, key=lambda framework: framework.reference)
    missing = [framework.title for framework in wanted if not framework.supports(task.network)]
    if named and missing:
        has = "has" if len(missing) == 1 else "have"
        raise UsageError(f"{', '.join(missing)} {has} no model of {name}")
    models = tuple(
        TitledModel(
            framework=framework.name,
            title=framework.title,
            source=snapshot_taking.model(framework.name, task.network),
        )
        for framework in wanted
        if framework.supports(task.network)
    )
    return TaskListing(
        task=task,
        about=about(name),
        models=models if named else once_each(models),
        missing=tuple(missing),
    )


def diff_models(name: str, old: str, new: str) -> ModelDiff:
    """The difference between two frameworks' models. Raises UsageError as `list_task` does."""
    if old == new:
        raise UsageError(f"--diff needs two frameworks, not {old!r} twice")
    listing = list_task(name, [old, new])
    return ModelDiff(task=listing.task, old=listing.models[0], new=listing.models[1])
