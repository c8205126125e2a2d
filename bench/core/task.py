"""A task: everything about a training problem that must be the same in every framework.

A task owns its parameters (see `bench.core.parameters`), their initial values, the data and the
order of the batches, the loss, and the update formula (see `bench.core.optimizers`). A framework
supplies only the network (its `models/NETWORK.py`) and its engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.core.optimizers import Optimizer
from bench.core.parameters import Parameter

Loss = Literal["softmax_cross_entropy", "sigmoid_cross_entropy"]


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """Images as float32: (pixel / 255 - mean) / std, one mean and std for each channel.

    `shape` is that of one example in canonical order: (pixels,) or (channels, height, width).
    """

    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TokenInput:
    """Token ids, (length,) per example: 0 pads at the front, 1 is a word outside the vocabulary."""

    length: int
    vocabulary: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a preset trains. None means all examples, or the task's own length.

    `length` shortens the sequences of a text task.
    """

    epochs: int
    train_examples: int | None = None
    test_examples: int | None = None
    length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One training problem.

    A `heavy` task is for GPUs: an epoch takes long on a CPU, where presets leave it out unless it
    is named.

    `dropout` maps layer names, in the network's order, to rates: dropout acts on the layer's
    output, after activation and pooling. In training each value is independently zeroed with that
    probability, and otherwise scaled by 1 / (1 - rate). In evaluation nothing happens.
    """

    name: str
    title: str
    dataset: str
    network: str
    input: ImageInput | TokenInput
    classes: int
    parameters: tuple[Parameter, ...]
    loss: Loss
    optimizer: Optimizer
    batch: int
    target_accuracy: float
    headline: bool = False
    heavy: bool = False
    dropout: Mapping[str, float] = field(default_factory=dict)
    presets: Mapping[str, Budget] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Columns of the logits: one for each class, or a single one under a sigmoid."""
        return 1 if self.loss == "sigmoid_cross_entropy" else self.classes

    @property
    def parameter_count(self) -> int:
        return sum(parameter.size for parameter in self.parameters)

    @property
    def batch_norm(self) -> bool:
        """Whether the network has batch normalization, with running means and variances."""
        return any(p.kind == "norm_scale" and p.output for p in self.parameters)

    @property
    def short_proof(self) -> bool:
        """Whether its proof takes fewer steps, on smaller batches: heavy tasks on images do."""
        return self.heavy and isinstance(self.input, ImageInput)

    def with_dropout(self, *layers: str) -> Task:
        """The same task with dropout after these layers only: every other rate is 0."""
        rates = {layer: rate if layer in layers else 0.0 for layer, rate in self.dropout.items()}
        return replace(self, dropout=rates)

    def with_length(self, length: int) -> Task:
        """The same text task on sequences of `length` tokens."""
        if not isinstance(self.input, TokenInput):
            return self
        return replace(self, input=replace(self.input, length=length))
