"""Names that numpy has removed but MXNet 1.9.1 still looks up while it is imported.

With them restored, MXNet trains on Python 3.12 and 3.13, for which there is no older numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# The values that the names had. numpy 1.24 removed the first group and 2.0 the second.
REMOVED: dict[str, Any] = {
    "bool": np.bool_,
    "float": float,
    "int": int,
    "object": object,
    "Inf": np.inf,
    "Infinity": np.inf,
    "NAN": np.nan,
    "NaN": np.nan,
    "NINF": -np.inf,
    "NZERO": -0.0,
    "PINF": np.inf,
    "PZERO": 0.0,
    "alltrue": np.all,
    "msort": lambda a: np.sort(a, axis=0),
    "product": np.prod,
    "round_": np.round,
    "sometrue": np.any,
}
# Re-exported by `mxnet.numpy.fallback`, but never called by Gluon. numpy removed the financial
# functions in 1.20, and removes the others in the course of 2.x.
STUBBED = ("mirr", "npv", "pmt", "ppmt", "pv", "rate", "in1d", "trapz")


def _missing(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("this function is no longer part of numpy")


def restore() -> None:
    """Give numpy the names that it lacks. Call before `import mxnet`."""
    present = vars(np)  # `hasattr` would warn, or return an alias that is deprecated
    for name, value in REMOVED.items():
        if name not in present:
            setattr(np, name, value)
    for name in STUBBED:
        if name not in present:
            setattr(np, name, _missing)
