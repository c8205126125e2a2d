"""Where Keras's layers keep the tasks' parameters.

Layers have the tasks' names with dashes for dots, which PyTorch does not allow in a module's name.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from types import EllipsisType

import keras

from bench.core.attention import KINDS
from bench.core.layout import Layout, NetworkWeights
from bench.core.parameters import Parameter
from bench.core.recurrent import recurrent_names
from bench.core.task import Task, Update

LAYOUT = Layout(
    axes={
        "dense": (1, 0),  # (out, in) -> (in, out)
        "conv": (2, 3, 1, 0),  # (out, in, height, width) -> (height, width, in, out)
        "lstm_input": (1, 0),  # (4 * hidden, in) -> (in, 4 * hidden); the gates' order is the same
        "lstm_recurrent": (1, 0),
        "gru_input": (1, 0),  # (3 * hidden, in) -> (in, 3 * hidden)
        "gru_recurrent": (1, 0),
        "graph": (1, 0),
        "canvas": (0, 2, 3, 1),  # (1, channels, height, width) -> (1, height, width, channels)
        **dict.fromkeys(KINDS, (1, 0)),
    },
    gates=dict.fromkeys(  # reset, update, new -> update, reset, new
        ("gru_input", "gru_recurrent", "gru_bias", "gru_recurrent_bias"), (1, 0, 2)
    ),
    names={
        "dense": "kernel",
        "conv": "kernel",
        "graph": "kernel",
        "embedding": "embeddings",
        **recurrent_names(
            inputs="cell.kernel",
            recurrent="cell.recurrent_kernel",
            bias="cell.bias",
            recurrent_bias="cell.bias",
        ),
        "norm_scale": "gamma",
        "norm_shift": "beta",
        "attention_query": "query_dense.kernel",
        "attention_key": "key_dense.kernel",
        "attention_value": "value_dense.kernel",
        "attention_output": "output_dense.kernel",
    },
    headed=frozenset(KINDS),  # (in, heads, size), and (heads, size, out)
    sides=("forward_layer", "backward_layer"),
    stacked=("{stack}.{depth}", "{side}.{attribute}"),
    channels_last=True,
)

# The variable of a GRU's bias, (2, 3 * hidden), holds two parameters, one in each row.
ROWS = {"gru_bias": 0, "gru_recurrent_bias": 1}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A parameter's place in the network: a row of a variable, or all of it."""

    variable: keras.Variable
    row: int | EllipsisType

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.variable.value[self.row].shape)


def layers_by_name(model: keras.Model) -> dict[str, keras.Layer]:
    """The layers of a model and of the models within it, by their names."""
    found: dict[str, keras.Layer] = {}
    for layer in model.layers:
        found |= layers_by_name(layer) if isinstance(layer, keras.Model) else {layer.name: layer}
    return found


def weights_of(model: keras.Model, task: Task, dtype: str) -> NetworkWeights[Place]:
    """The places of the task's parameters in its network. Raises WrongError if it lacks one."""
    layers = layers_by_name(model)

    def find(parameter: Parameter) -> Place:
        layer, attribute = LAYOUT.native_place(parameter)
        variable = operator.attrgetter(attribute)(layers[layer.replace(".", "-")])
        return Place(variable=variable, row=ROWS.get(parameter.kind, ...))

    names = [variable.path for variable in model.trainable_variables]
    return NetworkWeights(task, LAYOUT, dtype, find, names=names)


def moved_by(weights: NetworkWeights[Place], update: Update) -> list[keras.Variable]:
    """The variables that an update moves, each of them once."""
    variables = [place.variable for place in weights.moved_by(update)]
    return list({variable.path: variable for variable in variables}.values())


def spared_by(weights: NetworkWeights[Place], update: Update) -> list[keras.Variable]:
    """The variables that an update moves by its optimizer's formula without decay."""
    return [
        place.variable
        for own, places in weights.by_formula(update)
        for place in places
        if own != update.optimizer
    ]
