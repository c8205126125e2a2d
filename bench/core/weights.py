"""Canonical initial weights from a seed, and their digest.

Every worker draws them itself, with whatever numpy it has: PCG64's raw stream and `uniform` have
not changed since release 1.17, and the digest in each record would show a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.core.parameters import Parameter
from bench.core.task import Task

Array = npt.NDArray[Any]

_GATES = {
    **dict.fromkeys(("lstm_input", "lstm_recurrent", "lstm_bias"), 4),
    **dict.fromkeys(("gru_input", "gru_recurrent", "gru_bias"), 3),
}


def _glorot_bound(parameter: Parameter) -> float:
    """Glorot and Bengio (2010): uniform in +- sqrt(6 / (fan_in + fan_out)), gate by gate."""
    if parameter.kind == "conv":
        outputs, inputs, height, width = parameter.shape
        inputs, outputs = inputs * height * width, outputs * height * width
    else:
        outputs, inputs = parameter.shape
        outputs //= _GATES.get(parameter.kind, 1)
    return float(np.sqrt(6.0 / (inputs + outputs)))


def _he_bound(parameter: Parameter) -> float:
    """He et al. (2015, "Delving deep into rectifiers"): variance 2 / fan_in; uniform here too."""
    return float(np.sqrt(6.0 / np.prod(parameter.shape[1:])))


def _initial(parameter: Parameter, rng: np.random.Generator) -> Array:
    if parameter.kind == "norm_scale":
        return np.ones(parameter.shape, np.float32)
    if parameter.kind in ("bias", "gru_recurrent_bias", "norm_shift"):
        return np.zeros(parameter.shape, np.float32)
    if parameter.kind in ("lstm_bias", "gru_bias"):
        # The gate that preserves the state starts open: the forget gate (Jozefowicz et al., 2015),
        # or a GRU's update gate. Otherwise gradients over 150 steps and more, or their squares in
        # Adam, decay into denormal numbers, which only some frameworks flush.
        bias = np.zeros(parameter.shape, np.float32)
        hidden = parameter.shape[0] // _GATES[parameter.kind]
        bias[hidden : 2 * hidden] = 1.0  # the second gate of both
        return bias
    if parameter.kind == "embedding":
        bound = 0.05
    else:
        bound = _he_bound(parameter) if parameter.rectified else _glorot_bound(parameter)
    return rng.uniform(-bound, bound, parameter.shape).astype(np.float32)


def initial_weights(task: Task, seed: int) -> dict[str, Array]:
    """The task's initial weights, float32, in canonical layout.

    Each parameter has its own random stream, so that adding a parameter does not change the others.
    """
    return {
        parameter.name: _initial(parameter, np.random.Generator(np.random.PCG64([seed, index])))
        for index, parameter in enumerate(task.parameters)
    }


def digest(arrays: Mapping[str, Array]) -> str:
    """sha256 over names, types, shapes and bytes, in the order of the names."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
