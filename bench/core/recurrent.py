"""Recurrent layers, of one direction and of both: see `bench.core.layers`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from bench.core.layers import Layer, Product
from bench.core.parameters import Parameter, StackPlace
from bench.core.starts import GlorotByGate, OpenGate, Zeros


@dataclass(frozen=True, kw_only=True)
class Recurrent(Layer):
    """A recurrent layer of one direction, whose rows are those of its gates, one after the other.

    `per_step` counts the values that it computes for each step and hidden unit.
    """

    inputs: int
    hidden: int

    kind: ClassVar[str]
    gates: ClassVar[int]
    open_gate: ClassVar[str]
    per_step: ClassVar[int]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            self._matrix("input", self.inputs, "in"),
            self._matrix("recurrent", self.hidden, "hidden"),
            self._vector("bias", OpenGate(gate=self.open_gate, place=1, gates=self.gates)),
        )

    def _matrix(self, part: str, columns: int, axis: str) -> Parameter:
        return Parameter(
            name=f"{self.name}.{part}_weight",
            shape=(self.gates * self.hidden, columns),
            kind=f"{self.kind}_{part}",
            axes=f"({self.gates} * hidden, {axis})",
            start=GlorotByGate(columns, self.hidden),
        )

    def _vector(self, part: str, start: OpenGate | Zeros) -> Parameter:
        return Parameter(
            name=f"{self.name}.{part}",
            shape=(self.gates * self.hidden,),
            kind=f"{self.kind}_{part}",
            axes=f"({self.gates} * hidden,)",
            start=start,
        )

    @property
    def width(self) -> int:
        return self.hidden

    def products(self, length: int) -> tuple[Product, ...]:
        rows = self.gates * self.hidden
        inputs, recurrent = rows * self.inputs, rows * self.hidden
        return (
            Product(flops=2 * inputs * length, weights=inputs),
            Product(flops=2 * recurrent * length, weights=recurrent, inner=True),
        )

    def output_values(self, length: int) -> int:
        return self.per_step * self.hidden * length


@dataclass(frozen=True, kw_only=True)
class LSTM(Recurrent):
    """Hochreiter and Schmidhuber's LSTM with a forget gate and one bias vector.

    Gates are in the order input, forget, cell, output. Some frameworks add a second bias vector.
    """

    kind = "lstm"
    gates = 4
    open_gate = "forget"
    per_step = 6  # four gates, the cell and the state


@dataclass(frozen=True, kw_only=True)
class DecoderLSTM(LSTM):
    """An LSTM that begins with the last state and cell of another, of as many hidden units.

    Sutskever et al. (2014). The other one, the layer called `encoder`, begins with zeros.
    """

    encoder: str

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "decoder",
            "an LSTM that begins with the encoder's last state and cell, and reads, before each "
            "word of the target, the right word before it",
        )


@dataclass(frozen=True, kw_only=True)
class GRU(Recurrent):
    """Cho et al.'s (2014) GRU as cuDNN computes it.

    Gates are in the order reset, update, new. The reset gate scales the recurrent product and its
    bias, so the two bias vectors cannot be summed into one, and both are trained.
    """

    kind = "gru"
    gates = 3
    open_gate = "update"
    per_step = 5  # three gates, the recurrent product that the reset gate scales, and the state

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (*super().parameters, self._vector("recurrent_bias", Zeros()))


@dataclass(frozen=True, kw_only=True)
class Bidirectional(Layer):
    """A stack of recurrent layers, each of which reads its input in both directions.

    `layer` is the lowest one; those above read both directions' states of each step, the forward
    one's first. Parameters are called NAME.DEPTH.forward.PART and NAME.DEPTH.backward.PART.
    """

    layer: Recurrent
    depth: int = 1

    def _directions(self) -> tuple[tuple[StackPlace, Recurrent], ...]:
        directions = []
        for depth in range(self.depth):
            inputs = self.layer.inputs if depth == 0 else 2 * self.layer.hidden
            for backward in (False, True):
                place = StackPlace(stack=self.name, depth=depth, backward=backward)
                name = f"{self.name}.{depth}.{'backward' if backward else 'forward'}"
                directions.append((place, replace(self.layer, name=name, inputs=inputs)))
        return tuple(directions)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(
            replace(parameter, place=place)
            for place, direction in self._directions()
            for parameter in direction.parameters
        )

    @property
    def width(self) -> int:
        return 2 * self.layer.hidden

    def products(self, length: int) -> tuple[Product, ...]:
        return tuple(
            replace(product, inner=product.inner or place.depth > 0)
            for place, direction in self._directions()
            for product in direction.products(length)
        )

    def output_values(self, length: int) -> int:
        return sum(direction.output_values(length) for _, direction in self._directions())


def recurrent_names(
    *, inputs: str, recurrent: str, bias: str, recurrent_bias: str
) -> dict[str, str]:
    """A framework's names for the parameters of its LSTM and its GRU, by kind of parameter."""
    parts = {
        "input": inputs,
        "recurrent": recurrent,
        "bias": bias,
        "recurrent_bias": recurrent_bias,
    }
    return {f"{layer.kind}_{part}": name for layer in (LSTM, GRU) for part, name in parts.items()}
