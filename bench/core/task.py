"""A task: everything about a training problem that must be the same in every framework.

It is written in small vocabularies, each of whose words knows all about itself: what a batch is
made of (`bench.core.fields`), what the network trains and computes (`bench.core.layers`), what is
minimized and by which update (`bench.core.losses`, `bench.core.optimizers`), how well it went
(`bench.core.metrics`), and what a trained network writes for people (`bench.core.samples`). A
framework supplies only the network (its `models/NETWORK.py`) and its engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from bench.core.fields import Field
from bench.core.layers import Layer
from bench.core.losses import Loss
from bench.core.metrics import Metric
from bench.core.optimizers import Optimizer
from bench.core.parameters import Parameter
from bench.core.samples import Sample

# Above what any task has shown: 3.7 % for an LSTM's fifth epoch, and less than 2 % otherwise.
LOSS_TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a preset trains. None means all examples, or the task's own length.

    `length` shortens the sequences of a task that has any.
    """

    epochs: int
    train_examples: int | None = None
    test_examples: int | None = None
    length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Update:
    """One of the updates that a step makes: the loss, the optimizer, and the layers that it moves.

    Without `layers` it moves all of them. The updates of a step are made one after the other, each
    from the weights that the one before it left. With `clip`, the gradients of all that it moves
    are multiplied by clip / norm where their norm, as that of one vector, is above `clip`.

    Its loss passes an example through each of the task's layers once, or as many times as `passes`
    says for a layer.
    """

    loss: Loss
    optimizer: Optimizer
    layers: tuple[str, ...] | None = None
    passes: Mapping[str, int] = field(default_factory=dict)
    name: str = "loss"
    clip: float | None = None

    def moves(self, parameter: Parameter) -> bool:
        """Whether it moves a parameter."""
        owner = parameter.place.stack if parameter.place else parameter.layer
        return self.layers is None or owner in self.layers


@dataclass(frozen=True, kw_only=True)
class Task:
    """One training problem.

    `fields` are those of a batch, in the order in which the network reads them, targets last;
    `layers` are the network's, from the input to the outputs, whose names are `outputs`.

    A `heavy` task is for GPUs: an epoch takes long on a CPU, where presets leave it out unless it
    is named.

    `dropout` maps layer names, in the network's order, to rates: dropout acts on the layer's
    output, after activation and pooling. In training each value is independently zeroed with that
    probability, and otherwise scaled by 1 / (1 - rate). In evaluation nothing happens.

    `loss_tolerance` is how far the mean loss of an epoch may be from that of other frameworks with
    the same seed, as a fraction of the first epoch's. Training amplifies rounding, in some tasks
    more than in others.

    `published` gives the names that parameters have in files of published weights, where these may
    be given for the task's own.

    `sample` is what a trained network writes for people to look at.

    `proved_as` is the same network on less, on which all is proved but the steps at full size:
    where a reference takes minutes, or rounding multiplies until nothing can be compared.
    """

    name: str
    title: str
    dataset: str
    network: str
    fields: Mapping[str, Field]
    layers: tuple[Layer, ...]
    updates: tuple[Update, ...]
    metric: Metric
    batch: int
    outputs: tuple[str, ...] = ("logits",)
    headline: bool = False
    heavy: bool = False
    dropout: Mapping[str, float] = field(default_factory=dict)
    loss_tolerance: float = LOSS_TOLERANCE
    published: Mapping[str, str] = field(default_factory=dict)
    sample: Sample | None = None
    proved_as: Task | None = None
    presets: Mapping[str, Budget] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError if two updates have one name or move the same parameter."""
        names = [update.name for update in self.updates]
        moved = [p.name for u in self.updates for p in self.parameters if u.moves(p)]
        for what, values in (("updates called", names), ("updates of", moved)):
            if repeated := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"{self.name} has several {what} {', '.join(repeated)}")

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every tensor that a seed draws and a session loads, from the first layer to the last."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @cached_property
    def trained(self) -> tuple[Parameter, ...]:
        """Those of them that an update moves."""
        return tuple(p for p in self.parameters if any(u.moves(p) for u in self.updates))

    @property
    def frozen(self) -> tuple[Parameter, ...]:
        """The others, which stay as they are loaded."""
        return tuple(p for p in self.parameters if p not in self.trained)

    @property
    def parameter_count(self) -> int:
        """Trained values."""
        return sum(parameter.size for parameter in self.trained)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the fields that the network reads."""
        return tuple(name for name, part in self.fields.items() if not part.target)

    @cached_property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """The fields that are sparse matrices: rows and columns of each."""
        sizes = ((name, part.matrix) for name, part in self.fields.items())
        return {name: size for name, size in sizes if size is not None}

    @property
    def whole(self) -> bool:
        """Whether an example is the whole data set, which a network reads in one batch."""
        return any(part.whole for part in self.fields.values())

    @property
    def noise(self) -> dict[str, str]:
        """The fields that frameworks draw in timed training, and the layer that reads each."""
        drawn = ((name, part.drawn_for) for name, part in self.fields.items())
        return {name: layer for name, layer in drawn if layer is not None}

    @property
    def data(self) -> tuple[str, ...]:
        """The names of all other fields."""
        return tuple(name for name in self.fields if name not in self.noise)

    @property
    def length(self) -> int | None:
        """The number of steps of its sequences; None if it has none."""
        lengths = (part.length for part in self.fields.values())
        return next((length for length in lengths if length is not None), None)

    @property
    def running_statistics(self) -> bool:
        """Whether evaluation uses statistics that training batches leave behind."""
        return any(layer.running_statistics for layer in self.layers)

    @property
    def short_proof(self) -> bool:
        """Whether its proof takes fewer steps, on smaller batches: heavy tasks on images do."""
        return self.heavy and self.length is None

    def rate(self, layer: str) -> float:
        """The rate of dropout behind a layer; 0 if there is none."""
        return self.dropout.get(layer, 0.0)

    def with_dropout(self, *layers: str) -> Task:
        """The same task with dropout after these layers only: every other rate is 0."""
        rates = {layer: rate if layer in layers else 0.0 for layer, rate in self.dropout.items()}
        return replace(self, dropout=rates)

    def with_length(self, length: int) -> Task:
        """The same task on sequences of `length` steps, if it has any."""
        fields = {name: part.with_length(length) for name, part in self.fields.items()}
        return replace(self, fields=fields)

    def with_optimizers(self, *optimizers: Optimizer) -> Task:
        """The same task with another optimizer for each of its updates."""
        pairs = zip(self.updates, optimizers, strict=True)
        return replace(self, updates=tuple(replace(u, optimizer=o) for u, o in pairs))

    def without_clip(self) -> Task:
        """The same task whose gradients are taken as they are, however large."""
        return replace(self, updates=tuple(replace(u, clip=None) for u in self.updates))

    def dyadic(self) -> Task:
        """The same task with every optimizer's dyadic twin."""
        return self.with_optimizers(*(update.optimizer.dyadic() for update in self.updates))
