"""Parameters: their names, shapes and kinds, as `bench.core.layers` declares them.

Arrays have the same canonical layout in every record and every proof. A framework's
`bench.core.layout.Layout` tells, by a parameter's kind, where its own layout differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.core.starts import Start


@dataclass(frozen=True, kw_only=True)
class StackPlace:
    """The place of a parameter in a stack of bidirectional layers, counted from the input."""

    stack: str
    depth: int
    backward: bool


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One tensor of weights, in canonical layout.

    `axes` describes its dimensions in words, and `start` is how its values start. `flattened` is
    the (channels, height, width) of the feature map that a dense weight reads its columns from; a
    framework that keeps channels last must permute those columns. `opened` is the value at which
    nearly all that is normalized over a batch passes the next rectifier (see `bench.worker.trace`),
    or None where the initial value serves.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    axes: str
    start: Start
    flattened: tuple[int, int, int] | None = None
    opened: float | None = None
    place: StackPlace | None = None

    @property
    def layer(self) -> str:
        """The name of the parameter's layer."""
        return self.name.rpartition(".")[0]

    @property
    def size(self) -> int:
        return math.prod(self.shape)
