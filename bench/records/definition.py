"""A task's definition in words: what it prescribes to every framework."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence

from bench import tasks
from bench.core.parameters import Parameter
from bench.core.task import Budget, Task, Update
from bench.core.weights import GivenWeights


def about(name: str) -> str:
    """The first line of a task's docstring. Raises UsageError if there is no task of that name."""
    module = importlib.import_module(tasks.module(name))
    return (inspect.getdoc(module) or "").partition("\n")[0].removesuffix(".")


def _budget_text(budget: Budget) -> str:
    examples = f"{budget.train_examples:,} examples" if budget.train_examples else "all examples"
    epochs = "1 epoch" if budget.epochs == 1 else f"{budget.epochs} epochs"
    length = f" of {budget.length} tokens" if budget.length else ""
    return f"{epochs} of {examples}{length}"


def _update_text(task: Task, update: Update) -> dict[str, str]:
    """What an update prescribes; its name stands before the others' where there are several."""
    prefix = f"{update.name}, " if len(task.updates) > 1 else ""
    words = {
        update.loss.output: update.loss.columns(task.layers[-1].width),
        "loss": str(update.loss),
        "optimizer": str(update.optimizer),
        "update": " ".join((inspect.getdoc(type(update.optimizer)) or "").split()),
    }
    if update.clip is not None:
        words["gradients"] = (
            f"multiplied by {update.clip:g} / norm where their norm, over all that the update "
            f"moves, is above {update.clip:g}"
        )
    return {f"{prefix}{name}": text for name, text in words.items()}


def _tensors_text(parameters: Sequence[Parameter]) -> str:
    count = len(parameters)
    size = sum(parameter.size for parameter in parameters)
    return f"{size:,} values in {count} tensor{'s' * (count != 1)}"


def definition(task: Task, weights: GivenWeights | None = None) -> dict[str, str]:
    """What a task prescribes to every framework, in words.

    `weights` are given for those that it does not train, if not all are drawn.
    """
    inputs = "; ".join(str(task.fields[name]) for name in task.inputs if name in task.data)
    words = {
        "data": f"{task.dataset}: {inputs}",
        "batch": "the whole data set, the same at each step"
        if task.whole
        else f"{task.batch} examples, reshuffled for each epoch; an incomplete last batch is left "
        "out",
    }
    for update in task.updates:
        words |= _update_text(task, update)
    if task.dropout:
        rates = ", ".join(f"{rate:g} behind {layer}" for layer, rate in task.dropout.items())
        words["dropout"] = (
            f"in training, each value is zeroed with probability {rates}; in evaluation, none is"
        )
    if task.noise:
        drawn = "; ".join(str(task.fields[name]) for name in task.noise)
        words["noise"] = (
            f"{drawn}, which each framework draws for each example of each step; in evaluation, "
            "the same for all frameworks"
        )
    words |= dict(layer.remark for layer in task.layers if layer.remark)
    starts = {type(parameter.start).formula for parameter in task.parameters} - {""}
    words["parameters"] = f"{_tensors_text(task.trained)}, float32"
    if frozen := task.frozen:
        words["not trained"] = f"{_tensors_text(frozen)}: {', '.join(p.name for p in frozen)}"
    given = [f"those that are not trained from a file ({weights.short_digest})"] if weights else []
    words["initial weights"] = "; ".join(
        ["drawn from the run's seed, one stream per tensor", *sorted(starts), *given]
    )
    words["training"] = "; ".join(
        f"{preset}: {_budget_text(budget)}" for preset, budget in task.presets.items()
    )
    if task.proved_as:
        smaller = task.proved_as
        inputs = "; ".join(str(smaller.fields[name]) for name in smaller.inputs)
        words["proof"] = f"on {inputs}; at full size for two steps"
    if task.sample:
        words["sample"] = str(task.sample)
    words["target"] = f"{task.metric.goal()} on the test set, by the full recipe"
    return words


def parameter_words(parameter: Parameter, *, given: bool = False) -> tuple[str, str, str, str, str]:
    """A parameter's name, shape, layout, number of values and initial values, as texts.

    With `given`, these are from a user's file.
    """
    shape = f"({', '.join(map(str, parameter.shape))}{',' * (len(parameter.shape) == 1)})"
    return (
        parameter.name,
        shape,
        parameter.axes,
        f"{parameter.size:,}",
        "from the file of weights" if given else str(parameter.start),
    )
