"""Conversion of weights between the canonical layout and a framework's own.

A framework may have another name for a parameter, keep its axes or a recurrent layer's gates in
another order, join several parameters in one tensor, give attention's heads an axis of their own,
and flatten feature maps with channels last. A `Layout` states this as data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from bench.core.arrays import Array
from bench.core.errors import WrongError
from bench.core.optimizers import Optimizer
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
    bidirectional layers. `joined` parameters with one native tensor are its parts, in the order of
    the task, along that axis. Of `headed` ones, the axis of attention's heads and their sizes is
    two axes natively. With `channels_last`, a dense layer after a flattened feature map reads
    its columns in the order height, width, channels.
    """

    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    gates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, str] = ("", "")
    stacked: tuple[str, str] = ("{stack}", "{attribute}")
    joined: Mapping[str, int] = field(default_factory=dict)
    headed: frozenset[str] = frozenset()
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
        if parameter.kind in self.headed and native.size == math.prod(shape):
            native = native.reshape(shape)
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
        if parameter.kind in self.headed and array.size == parameter.size:
            order = axes or range(len(parameter.shape))
            array = array.reshape([parameter.shape[axis] for axis in order])
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
# A network's tensors by the formula that moves them: the task's optimizer for their kind.
Groups = Sequence[tuple[Any, list[Any]]]


def every(groups: Groups) -> list[Any]:
    """All tensors of the groups."""
    return [tensor for _, tensors in groups for tensor in tensors]


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
        # Each tensor once, with the parameters that it holds.
        self._tensors: list[tuple[list[Parameter], Tensor]] = []
        joined: dict[int, list[Parameter]] = {}
        for parameter in task.parameters:
            try:
                tensor = find(parameter)
            except (AttributeError, LookupError, ValueError):
                tensor = None
            if tensor is None:
                has = f"; it has {', '.join(names)}" if names else ""
                raise WrongError(f"not the same task: the network has no {parameter.name}{has}")
            is_part = parameter.kind in layout.joined
            held = joined.setdefault(id(tensor), []) if is_part else []
            if not held:
                self._tensors.append((held, tensor))
            held.append(parameter)

    @property
    def tensors(self) -> list[Tensor]:
        """The network's tensors, in the order of the first of the task's parameters in each."""
        return [tensor for _, tensor in self._tensors]

    def to_load(self, params: Mapping[str, Array]) -> Iterator[tuple[Tensor, Array]]:
        """Each tensor with the array that belongs in it, in the tensor's layout and type."""
        for parameters, tensor in self._tensors:
            shape = self._part_shape(parameters, tensor.shape)
            parts = [self._layout.to_native(p, params[p.name], shape) for p in parameters]
            if len(parts) > 1:
                parts = [np.concatenate(parts, self._layout.joined[parameters[0].kind])]
            yield tensor, parts[0].astype(self._dtype, copy=False)

    def _part_shape(self, parameters: Sequence[Parameter], shape: Sequence[int]) -> Sequence[int]:
        """The shape of the part that each parameter has of a tensor of `shape`."""
        if len(parameters) == 1:
            return shape
        part = list(shape)
        part[self._layout.joined[parameters[0].kind]] //= len(parameters)
        return part

    def moved_by(self, update: Update) -> list[Tensor]:
        """The network's tensors that an update moves, in the order of the task's parameters."""
        return [tensor for parameters, tensor in self._tensors if update.moves(parameters[0])]

    def by_formula(self, update: Update) -> list[tuple[Optimizer, list[Tensor]]]:
        """The same, by the optimizer's formula where it depends on the kind of a parameter."""
        groups: dict[Optimizer, list[Tensor]] = {}
        for parameters, tensor in self._tensors:
            if update.moves(parameters[0]):
                groups.setdefault(update.optimizer.of(parameters[0]), []).append(tensor)
        return list(groups.items())

    def canonical(
        self, read: Callable[[Tensor], Array], *, update: Update | None = None, prefix: str = ""
    ) -> dict[str, Array]:
        """What `read` returns for each tensor, its value or its gradient, in canonical layout.

        Only for what an `update` moves, if there is one. `prefix` goes before the names.
        """
        found: dict[str, Array] = {}
        for parameters, tensor in self._tensors:
            if update is not None and not update.moves(parameters[0]):
                continue
            parts = [read(tensor)]
            if len(parameters) > 1:
                axis = self._layout.joined[parameters[0].kind]
                parts = np.split(parts[0], len(parameters), axis)
            for parameter, part in zip(parameters, parts, strict=True):
                found[f"{prefix}{parameter.name}"] = self._layout.to_canonical(parameter, part)
        return found

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
