"""How parameters start: the distributions of initial weights.

`str` of each is how a task's definition names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.core.arrays import Array


class Start(ABC):
    """The initial values of one parameter. `formula` explains the name, if it needs that."""

    formula: ClassVar[str] = ""

    @abstractmethod
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Initial values, float32. Only what is random draws from `rng`."""


class Zeros(Start):
    """0 everywhere."""

    def __str__(self) -> str:
        return "zeros"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.zeros(shape, np.float32)


class Ones(Start):
    """1 everywhere."""

    def __str__(self) -> str:
        return "ones"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.ones(shape, np.float32)


@dataclass(frozen=True, kw_only=True)
class OpenGate(Start):
    """Zeros, but ones in one of a recurrent layer's gates: the one that preserves the state.

    So it starts open: an LSTM's forget gate (Jozefowicz et al., 2015), or a GRU's update gate.
    Otherwise gradients over 150 steps and more, or their squares in Adam, decay into denormal
    numbers, which only some frameworks flush. `place` is the gate's among `gates` of them.
    """

    gate: str
    place: int
    gates: int

    def __str__(self) -> str:
        return f"zeros; ones in the {self.gate} gate"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        bias = np.zeros(shape, np.float32)
        hidden = shape[0] // self.gates
        bias[self.place * hidden : (self.place + 1) * hidden] = 1.0
        return bias


@dataclass(frozen=True, kw_only=True)
class Uniform(Start):
    """Uniform in +- `bound`."""

    bound: float

    def __str__(self) -> str:
        return f"uniform in ±{self.bound:g}"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.uniform(-self.bound, self.bound, shape).astype(np.float32)


class Glorot(Uniform):
    """Glorot and Bengio (2010): uniform in +- sqrt(6 / (fan_in + fan_out))."""

    formula = "Glorot uniform is in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010)"

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__(bound=float(np.sqrt(6.0 / (fan_in + fan_out))))

    def __str__(self) -> str:
        return "Glorot uniform"


class GlorotByGate(Glorot):
    """The same for each gate of a recurrent layer, as if its rows were a matrix of their own."""

    def __str__(self) -> str:
        return "Glorot uniform, by gate"


class He(Uniform):
    """He et al. (2015, "Delving deep into rectifiers"): variance 2 / fan_in; uniform here too."""

    formula = "He uniform is in ±sqrt(6 / fan in) (He et al., 2015)"

    def __init__(self, fan_in: int) -> None:
        super().__init__(bound=float(np.sqrt(6.0 / fan_in)))

    def __str__(self) -> str:
        return "He uniform"
