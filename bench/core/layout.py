"""Conversion of weights between the canonical layout and a framework's own.

A framework may have another name for a parameter, keep its axes or a recurrent layer's gates in
another order, and flatten feature maps with channels last. A `Layout` states this as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from bench.core.arrays import Array
from bench.core.errors import WrongError
from bench.core.parameters import Parameter
from bench.core.task import Task, Update


def _reorder_gates(array: Array, gates: Sequence[int]) -> Array:
    """The rows of a recurrent layer, (gates * hidden, ...), with its gates in another order."""
    blocks = np.split(array, len(gates))
    return np.concatenate([blocks[gate] for gate in gates])


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a framework stores parameters, by their kind.

    `axes`: native array = canonical array.transpose(axes). `gates`: the order of a recurrent
    layer's gates, by their canonical positions. `names`: the attribute of the layer that holds the
    parameter, where it differs from the canonical one; in it, `{depth}` is the place of the layer
    in a stack, counted from 0, and `{side}` one of `sides`, for the forward and the backward
    direction. `stacked` is the layer, and the attribute's path in it, of a parameter in a stack of
    bidirectional layers. With `channels_last`, a dense layer after a flattened feature map reads
    its columns in the order height, width, channels.
    """

    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    gates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, str] = ("", "")
    stacked: tuple[str, str] = ("{stack}", "{attribute}")
    channels_last: bool = False

    def native_place(self, parameter: Parameter) -> tuple[str, str]:
        """The name of the layer that holds a parameter, and its attribute there.

        Both may be paths, with dots.
        """
        template = self.names.get(parameter.kind, parameter.name.rpartition(".")[2])
        place = parameter.place
        if place is None:
            return parameter.layer, template.format(depth=0, side=self.sides[0])
        parts = {"stack": place.stack, "depth": place.depth, "side": self.sides[place.backward]}
        layer, path = self.stacked
        return layer.format(**parts), path.format(attribute=template.format(**parts), **parts)

    def native_name(self, parameter: Parameter) -> str:
        """The layer's name, a dot, and the parameter's attribute in that layer."""
        return ".".join(self.native_place(parameter))

    def to_native(self, parameter: Parameter, array: Array, shape: Sequence[int]) -> Array:
        """Canonical to native, for the network's tensor of `shape`.

        Raises WrongError if the task's parameter does not have that shape in this layout.
        """
        if self.channels_last and parameter.flattened:
            channels, height, width = parameter.flattened
            columns = array.reshape(-1, channels, height, width)
            array = columns.transpose(0, 2, 3, 1).reshape(parameter.shape)  # CHW -> HWC columns
        if gates := self.gates.get(parameter.kind):
            array = _reorder_gates(array, gates)
        axes = self.axes.get(parameter.kind)
        native = np.ascontiguousarray(array.transpose(axes) if axes else array)
        if native.shape != tuple(shape):
            raise WrongError(
                f"not the same task: {parameter.name} is {tuple(shape)} in the network, "
                f"where the task has {native.shape}"
            )
        return native

    def to_canonical(self, parameter: Parameter, array: Array) -> Array:
        """Native to canonical: the inverse of `to_native`; a copy, never a live tensor's view.

        Raises WrongError if the array does not have the parameter's shape in this layout.
        """
        axes = self.axes.get(parameter.kind)
        if axes:
            array = array.transpose(np.argsort(axes))
        if array.shape != parameter.shape:
            raise WrongError(
                f"not the same task: {parameter.name} came back as {array.shape}, "
                f"where the task has {parameter.shape}"
            )
        if self.channels_last and parameter.flattened:
            channels, height, width = parameter.flattened
            columns = array.reshape(-1, height, width, channels)
            array = columns.transpose(0, 3, 1, 2).reshape(parameter.shape)  # HWC -> CHW columns
        if gates := self.gates.get(parameter.kind):
            array = _reorder_gates(array, np.argsort(gates).tolist())
        return np.array(array, order="C")


Tensor = TypeVar("Tensor", bound=Any)
Step = TypeVar("Step")


class NetworkWeights(Generic[Tensor]):
    """A network's own tensors for the task's parameters, set and read in canonical layout."""

    def __init__(
        self,
        task: Task,
        layout: Layout,
        dtype: str,
        find: Callable[[Parameter], Tensor],
        *,
        names: Iterable[str] = (),
    ) -> None:
        """`find` returns the network's tensor for a parameter; `dtype` is the tensors' type.

        Raises WrongError if the network lacks one: if `find` returns None or finds no attribute.
        The error then lists `names`, the network's own names of its tensors.
        """
        self._updates = task.updates
        self._layout = layout
        self._dtype = dtype
        self._tensors: list[tuple[Parameter, Tensor]] = []
        for parameter in task.parameters:
            try:
                tensor = find(parameter)
            except (AttributeError, LookupError, ValueError):
                tensor = None
            if tensor is None:
                has = f"; it has {', '.join(names)}" if names else ""
                raise WrongError(f"not the same task: the network has no {parameter.name}{has}")
            self._tensors.append((parameter, tensor))

    @property
    def tensors(self) -> list[Tensor]:
        """The network's tensors, in the order of the task's parameters."""
        return [tensor for _, tensor in self._tensors]

    def to_load(self, params: Mapping[str, Array]) -> Iterator[tuple[Tensor, Array]]:
        """Each tensor with the array that belongs in it, in the tensor's layout and type."""
        for parameter, tensor in self._tensors:
            native = self._layout.to_native(parameter, params[parameter.name], tensor.shape)
            yield tensor, native.astype(self._dtype, copy=False)

    def moved_by(self, update: Update) -> list[Tensor]:
        """The network's tensors that an update moves, in the order of the task's parameters."""
        return [tensor for parameter, tensor in self._tensors if update.moves(parameter)]

    def canonical(
        self, read: Callable[[Tensor], Array], *, update: Update | None = None, prefix: str = ""
    ) -> dict[str, Array]:
        """What `read` returns for each tensor, its value or its gradient, in canonical layout.

        Only for what an `update` moves, if there is one. `prefix` goes before the names.
        """
        return {
            f"{prefix}{parameter.name}": self._layout.to_canonical(parameter, read(tensor))
            for parameter, tensor in self._tensors
            if update is None or update.moves(parameter)
        }

    def state(
        self, steps: Iterable[Step], read: Callable[[Step, str, Tensor], Array]
    ) -> dict[str, Array]:
        """What `Session.state` returns.

        `steps` are whatever a framework keeps for each of the task's updates, in their order;
        `read` takes one of them, a name of its optimizer's state, and a tensor.
        """
        return {
            key: array
            for update, step in zip(self._updates, steps, strict=True)
            for name in update.optimizer.state
            for key, array in self.canonical(
                partial(read, step, name), update=update, prefix=f"{name}/"
            ).items()
        }
