"""A task's definition in words: what it prescribes to every framework."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields

from bench import tasks
from bench.core.parameters import Parameter, ParameterKind
from bench.core.task import Budget, ImageInput, Loss, Task

LOSSES: dict[Loss, str] = {
    "softmax_cross_entropy": "softmax cross-entropy, the mean over the batch",
    "sigmoid_cross_entropy": "sigmoid cross-entropy, the mean over the batch",
}
LAYOUTS: dict[ParameterKind, str] = {
    "dense": "(out, in)",
    "conv": "(out, in, kernel height, kernel width)",
    "bias": "(out,)",
    "embedding": "(vocabulary, features)",
    "lstm_input": "(4 * hidden, in)",
    "lstm_recurrent": "(4 * hidden, hidden)",
    "lstm_bias": "(4 * hidden,)",
    "gru_input": "(3 * hidden, in)",
    "gru_recurrent": "(3 * hidden, hidden)",
    "gru_bias": "(3 * hidden,)",
    "gru_recurrent_bias": "(3 * hidden,)",
    "norm_scale": "(channels,)",
    "norm_shift": "(channels,)",
}
# What `bench.core.weights` draws.
INITIAL: dict[ParameterKind, str] = {
    "dense": "Glorot uniform",
    "conv": "Glorot uniform",
    "bias": "zeros",
    "embedding": "uniform in ±0.05",
    "lstm_input": "Glorot uniform, by gate",
    "lstm_recurrent": "Glorot uniform, by gate",
    "lstm_bias": "zeros; ones in the forget gate",
    "gru_input": "Glorot uniform, by gate",
    "gru_recurrent": "Glorot uniform, by gate",
    "gru_bias": "zeros; ones in the update gate",
    "gru_recurrent_bias": "zeros",
    "norm_scale": "ones",
    "norm_shift": "zeros",
}
GLOROT = "Glorot uniform is in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010)"
HE = "He uniform is in ±sqrt(6 / fan in) (He et al., 2015)"


def about(name: str) -> str:
    """The first line of a task's docstring. Raises UsageError if there is no task of that name."""
    tasks.load(name)
    module = importlib.import_module(f"bench.tasks.{name.replace('-', '_')}")
    return (inspect.getdoc(module) or "").partition("\n")[0].removesuffix(".")


def _budget_text(budget: Budget) -> str:
    examples = f"{budget.train_examples:,} examples" if budget.train_examples else "all examples"
    epochs = "1 epoch" if budget.epochs == 1 else f"{budget.epochs} epochs"
    length = f" of {budget.length} tokens" if budget.length else ""
    return f"{epochs} of {examples}{length}"


def _data_text(task: Task) -> str:
    inputs = task.input
    if isinstance(inputs, ImageInput):
        shape = " × ".join(map(str, inputs.shape))
        axes = " (channels, height, width)" if len(inputs.shape) == 3 else " pixels"
        mean, std = (
            ", ".join(f"{value:g}" for value in values) for values in (inputs.mean, inputs.std)
        )
        per_channel = " of each channel" if len(inputs.mean) > 1 else ""
        return (
            f"{task.dataset}: images of {shape}{axes} in float32, (pixel / 255 - mean) / std, "
            f"with mean {mean} and std {std}{per_channel}"
        )
    return (
        f"{task.dataset}: {inputs.length} token ids per example, from a vocabulary of "
        f"{inputs.vocabulary:,}; 0 pads at the front, 1 is a word outside the vocabulary"
    )


def _optimizer_text(task: Task) -> str:
    constants = [
        f"{field.name.replace('_', ' ')} {getattr(task.optimizer, field.name):g}"
        for field in fields(task.optimizer)
    ]
    return f"{type(task.optimizer).__name__}: {', '.join(constants)}"


def definition(task: Task) -> dict[str, str]:
    """What a task prescribes to every framework, in words."""
    words = {
        "data": _data_text(task),
        "batch": f"{task.batch} examples, reshuffled for each epoch; an incomplete last "
        "batch is left out",
        "logits": "1, for the second class"
        if task.outputs == 1
        else f"{task.outputs}, one per class",
        "loss": LOSSES[task.loss],
        "optimizer": _optimizer_text(task),
        "update": " ".join((inspect.getdoc(type(task.optimizer)) or "").split()),
    }
    if task.dropout:
        rates = ", ".join(f"{rate:g} behind {layer}" for layer, rate in task.dropout.items())
        words["dropout"] = (
            f"in training, each value is zeroed with probability {rates}; in evaluation, none is"
        )
    if task.batch_norm:
        words["batch normalization"] = (
            "epsilon 1e-05; in training by the batch's mean and variance over n; in evaluation by "
            "running ones, each 0.9 of its old value + 0.1 of the batch's, the variance over n or "
            "n - 1 as the framework computes it"
        )
    count = len(task.parameters)
    words["parameters"] = f"{task.parameter_count:,} values in {count} tensors, float32"
    words["initial weights"] = f"drawn from the run's seed, one stream per tensor; {GLOROT}"
    if any(parameter.rectified for parameter in task.parameters):
        words["initial weights"] += f"; {HE}"
    words["training"] = "; ".join(
        f"{preset}: {_budget_text(budget)}" for preset, budget in task.presets.items()
    )
    words["target"] = (
        f"an accuracy of {task.target_accuracy:.0%} on the test set, by the full recipe"
    )
    return words


def parameter_words(parameter: Parameter) -> tuple[str, str, str, str, str]:
    """A parameter's name, shape, layout, number of values and initial values, as texts."""
    shape = f"({', '.join(map(str, parameter.shape))}{',' * (len(parameter.shape) == 1)})"
    return (
        parameter.name,
        shape,
        LAYOUTS[parameter.kind],
        f"{parameter.size:,}",
        "He uniform" if parameter.rectified else INITIAL[parameter.kind],
    )
