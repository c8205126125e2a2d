"""A metric that framebench does not have."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.core.arrays import Array
from bench.core.metrics import Metric, total_and_count


@dataclass(frozen=True, kw_only=True)
class MeanAbsoluteError(Metric):
    """The mean distance of predictions (N, 1) from targets (N, 1)."""

    output: str = "prediction"
    field: str = "height"

    name = "mean absolute error"
    unit = "m"
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        distance = np.abs(np.asarray(outputs[self.output], np.float64) - batch[self.field])
        return total_and_count(distance.sum(), distance.size)

    def goal(self) -> str:
        return f"a mean absolute error of {self.target:g} m or less"
