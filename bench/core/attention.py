"""Attention, and the layers of transformers: see `bench.core.layers`."""

from __future__ import annotations

from dataclasses import dataclass

from bench.core.layers import Layer, Product
from bench.core.parameters import Parameter
from bench.core.starts import Glorot, Ones, Uniform, Zeros

# The kinds of attention's weights: those of its inputs, and all.
INPUT_KINDS = ("attention_query", "attention_key", "attention_value")
KINDS = (*INPUT_KINDS, "attention_output")


@dataclass(frozen=True, kw_only=True)
class Position(Layer):
    """A trained vector for each step of a sequence, added to what the step holds.

    Shorter sequences use the first of its `rows`.
    """

    rows: int
    features: int

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                name=f"{self.name}.weight",
                shape=(self.rows, self.features),
                kind="embedding",
                axes="(steps, features)",
                start=Uniform(bound=0.05),
            ),
        )

    @property
    def width(self) -> int:
        return self.features

    def products(self, length: int) -> tuple[Product, ...]:
        return ()

    def output_values(self, length: int) -> int:
        return self.features * length


@dataclass(frozen=True, kw_only=True)
class LayerNorm(Layer):
    """Layer normalization of each step: Ba, Kiros and Hinton (2016).

    (x - mean) / sqrt(variance + epsilon) * weight + bias over the features of a step, with the
    variance over n; without + bias if there is no `bias`.
    """

    features: int
    epsilon: float
    bias: bool = True

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "layer normalization",
            f"epsilon {self.epsilon:g}; by the mean of each step's features and their variance "
            f"over n; a scale{' and a shift' if self.bias else ', no shift'}",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        shape, axes = (self.features,), "(features,)"
        scale = Parameter(
            name=f"{self.name}.weight", shape=shape, kind="norm_scale", axes=axes, start=Ones()
        )
        shift = Parameter(
            name=f"{self.name}.bias", shape=shape, kind="norm_shift", axes=axes, start=Zeros()
        )
        return (scale, shift) if self.bias else (scale,)

    @property
    def width(self) -> int:
        return self.features

    def products(self, length: int) -> tuple[Product, ...]:
        return (Product(flops=0, weights=self.features),)

    def output_values(self, length: int) -> int:
        return self.features * length


@dataclass(frozen=True, kw_only=True)
class Attention(Layer):
    """Multi-head attention of a sequence to itself: Vaswani et al. (2017), without biases.

    Queries, keys and values are products of the input with a weight each, cut into `heads` of equal
    size along the features. A head's output is softmax(Q K^T / sqrt(size)) V, over all steps, or,
    if `causal`, over those up to its own. The heads' outputs, side by side, are multiplied by a
    fourth weight.
    """

    features: int
    heads: int
    causal: bool = False

    @property
    def summed(self) -> bool:
        return True

    @property
    def remark(self) -> tuple[str, str] | None:
        seen = "the steps up to its own" if self.causal else "all steps, padding among them"
        return (
            "attention",
            f"{self.heads} heads of {self.features // self.heads}, without biases; a step sees "
            f"{seen}; softmax(Q K^T / sqrt(size)) V",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(
            Parameter(
                name=f"{self.name}.{part}_weight",
                shape=(self.features, self.features),
                kind=f"attention_{part}",
                axes="(out, heads * size)" if part == "output" else "(heads * size, in)",
                start=Glorot(self.features, self.features),
            )
            for part in ("query", "key", "value", "output")
        )

    @property
    def width(self) -> int:
        return self.features

    def products(self, length: int) -> tuple[Product, ...]:
        """Four with weights, and two of activations with each other, over all pairs of steps."""
        weights = self.features**2
        weighted = Product(flops=2 * weights * length, weights=weights)
        pairs = Product(flops=2 * self.features * length**2, inner=True)
        return (weighted, weighted, weighted, pairs, pairs, weighted)

    def output_values(self, length: int) -> int:
        """Queries, keys, values, the heads' probabilities and outputs, and their product."""
        return 5 * self.features * length + self.heads * length**2


@dataclass(frozen=True, kw_only=True)
class DotAttention(Layer):
    """What each state of a decoder draws from an encoder's states: Luong et al. (2015), by "dot".

    softmax(D E^T) E of the decoder's states D and the encoder's E, (steps, features) each. It
    trains nothing itself.
    """

    features: int

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "attention",
            "for each decoder state, the encoder's states weighted by the softmax of their dot "
            "products with it, those of padding left out; the weighted sum and then the decoder "
            "state are the input of the next layer, which ends in tanh",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def width(self) -> int:
        return self.features

    def products(self, length: int) -> tuple[Product, ...]:
        """Two of states with each other, over all pairs of steps."""
        pairs = Product(flops=2 * self.features * length**2, inner=True)
        return (pairs, pairs)

    def output_values(self, length: int) -> int:
        """The probabilities and the means."""
        return length**2 + self.features * length


@dataclass(frozen=True, kw_only=True)
class Tied(Layer):
    """y = x W^T with the table of the embedding called `embedding`: Press and Wolf (2017).

    It trains nothing itself.
    """

    embedding: str
    features: int
    rows: int

    @property
    def tied_to(self) -> str | None:
        return self.embedding

    @property
    def remark(self) -> tuple[str, str] | None:
        return ("output", f"the product with the table of {self.embedding}, which both train")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def width(self) -> int:
        return self.rows

    def products(self, length: int) -> tuple[Product, ...]:
        weights = self.features * self.rows
        return (Product(flops=2 * weights * length, weights=weights, inner=True),)

    def output_values(self, length: int) -> int:
        return self.rows * length

    @property
    def read_once(self) -> int:
        return self.features * self.rows
