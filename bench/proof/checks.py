"""How far a trace deviates from the reference: pure functions over two traces.

Every deviation is relative to the largest entry of its tensor, except that of weights after an
update, which is relative to the length of the update. Units in the last place are a deviation over
the precision's machine epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from bench.core.arrays import Array
from bench.core.setting import EPSILONS, Precision
from bench.core.task import Task
from bench.core.weights import initial_weights, opened
from bench.proof import distances
from bench.proof.one_check import Check, worst
from bench.proof.tolerances import (
    DROPOUT_SCALE_ROUNDING,
    EARLY_STEPS,
    REPEATED_LOSSES,
    STANDARD_ERRORS,
    Tolerance,
    tolerance,
)
from bench.worker import dropout_trace
from bench.worker.full_trace import DEAR_STEPS, FULL_STEPS, LONG_STEPS, is_long
from bench.worker.trace import FORMULA_STEPS, HEAVY_STEPS, STEPS

# The checks in order, with what each compares.
CHECKS = {
    "weights": "weights read back equal those loaded, bit for bit",
    "parameters": "the number of trained values, counted by the framework",
    "outputs": "the network's outputs on a real batch, in evaluation mode",
    "rounding": "least expected rounding over that of the outputs: 1 or less in this precision",
    "loss": "the loss of that batch",
    "gradients": "the gradient of every weight",
    "update": "every weight after one update",
    "state": "the optimizer's state after that update",
    "curve": f"the loss of each of the first {STEPS} steps; {HEAVY_STEPS} of a heavy image task",
    "evaluated": "outputs on a test batch after those steps",
    "saturated": "in float64, all of these once more, from weights so large that what clips or "
    "saturates acts",
    "formula": f"every weight after {FORMULA_STEPS} updates whose constants are exact in float32",
    "full steps": f"the loss of {FULL_STEPS} steps ({DEAR_STEPS} where they are dear) and the test "
    "loss between them, at full size, by the code that is timed",
    "full update": "every weight after these steps",
    "long curve": f"where steps are cheap: in float64, the loss of {LONG_STEPS} more steps, the "
    "test loss between them, and every weight at the end",
    "noise": "losses and gradients with noise of the framework's own: mean and variance as with "
    "the harness's, and the correlation of two updates, in standard errors; no two losses alike",
    "dropout": "values dropped at the right rate and independently, in standard errors",
    "dropout backward": "kept values scaled to keep the mean; loss and gradients use one draw",
    "dropout off": "outputs of a network with dropout, in evaluation mode",
    "seeds": "losses with dropout or noise of the framework's own, which differ between two seeds",
}


def compare(
    task: Task, trace: Mapping[str, Array], reference: Mapping[str, Array], precision: Precision
) -> tuple[Check, ...]:
    """Every check of a trace against the float64 reference's, in the order of `CHECKS`."""
    comparison = TraceComparison(
        task=task,
        trace=trace,
        reference=reference,
        allowed=tolerance(task, precision),
        epsilon=EPSILONS[precision],
    )
    return (
        *comparison.forward(),
        *comparison.first_update(),
        *comparison.first_steps(),
        *comparison.saturated(),
        *comparison.formula(),
        *comparison.full_steps(),
        *comparison.long_curve(),
        *comparison.noise(),
        *comparison.dropout(),
        *comparison.seeds(),
    )


@dataclass(frozen=True, kw_only=True)
class TraceComparison:
    """A trace beside the reference's; `epsilon` is the machine epsilon of the timed precision."""

    task: Task
    trace: Mapping[str, Array]
    reference: Mapping[str, Array]
    allowed: Tolerance
    epsilon: float

    def forward(self) -> Iterator[Check]:
        """The network before any step: its weights and their number, outputs, and losses."""
        trace, reference, allowed = self.trace, self.reference, self.allowed
        keys = self._keys("weights").values()
        changed = sum(not np.array_equal(trace[key], reference[key]) for key in keys)
        yield Check(name="weights", deviation=changed, tolerance=0)
        extra = abs(int(trace["parameters"]) - int(reference["parameters"]))
        yield Check(name="parameters", deviation=extra, tolerance=0)
        outputs = {name: self._largest(f"outputs/{name}") for name in self.task.outputs}
        yield self._worst("outputs", outputs, allowed.outputs)
        if allowed.rounding:
            deviation = max(*outputs.values(), np.finfo(np.float64).tiny)
            yield Check(name="rounding", deviation=allowed.rounding / deviation, tolerance=1)
        losses = np.abs(trace["losses"][0] / reference["losses"][0] - 1)
        by_update = dict(zip(self._update_names(), losses.tolist(), strict=True))
        yield self._worst("loss", by_update, allowed.loss)

    def first_update(self) -> Iterator[Check]:
        """The first batch's gradients, and weights and optimizer after its update."""
        gradients = {p.name: self._largest(f"grads/{p.name}") for p in self.task.trained}
        yield self._worst("gradients", gradients, self.allowed.gradients)
        updates = self._updates("updated", self._weights("weights"))
        yield self._worst("update", updates, self.allowed.update)
        if state := [key for key in self.reference if key.startswith("state/")]:
            deviations = {key.removeprefix("state/"): self._largest(key) for key in state}
            yield self._worst("state", deviations, self.allowed.state)

    def first_steps(self) -> Iterator[Check]:
        """The losses of the first steps, and the outputs on a test batch after them."""
        # In float32, batch normalization is followed from open rectifiers: see `tolerances`.
        start = "opened/" if self.task.running_statistics and self.allowed.formula else ""
        steps = self._losses(f"{start}losses", "step")
        early = self._worst("curve", dict(islice(steps.items(), EARLY_STEPS)), self.allowed.early)
        yield early if not early.passed else self._worst("curve", steps, self.allowed.curve)
        evaluated = {name: self._nearest(f"{start}evaluated/{name}") for name in self.task.outputs}
        yield self._worst("evaluated", evaluated, self.allowed.evaluated)

    def saturated(self) -> Iterator[Check]:
        """The step from large weights, which `bench.worker.saturated_trace` describes."""
        if not self.allowed.saturated or self.task.short_proof:
            return
        names = {
            **{name: f"outputs/{name}" for name in self.task.outputs},
            **{f"gradient of {p.name}": f"grads/{p.name}" for p in self.task.trained},
        }
        state = [key for key in self.reference if key.startswith("saturated/state/")]
        factor = float(self.reference["saturated/factor"])
        start = {name: factor * weight for name, weight in self._weights("weights").items()}
        deviations = {
            "factor": self._largest("saturated/factor"),
            **{where: self._largest(f"saturated/{key}") for where, key in names.items()},
            **self._losses("saturated/losses", "loss"),
            **{
                f"update of {name}": off
                for name, off in self._updates("saturated/updated", start).items()
            },
            **{key.removeprefix("saturated/"): self._largest(key) for key in state},
        }
        yield self._worst("saturated", deviations, self.allowed.saturated)

    def formula(self) -> Iterator[Check]:
        """The weights after updates whose constants float32 holds exactly."""
        if self.allowed.formula:
            updates = self._updates("formula", opened(self.task, self._weights("weights")))
            yield self._worst("formula", updates, self.allowed.formula)

    def full_steps(self) -> Iterator[Check]:
        """The steps that run as timed training does, which `bench.worker.full_trace` describes."""
        allowed = self.allowed
        if self.task.short_proof and not allowed.formula:
            return
        losses = self._losses("full/losses", "step")
        (evaluated,) = self._losses("full/evaluated", "evaluation").values()
        steps = self._worst("full steps", losses, allowed.full_steps)
        evaluation = self._worst("full steps", {"evaluation": evaluated}, allowed.full_evaluated)
        yield steps if not steps.passed or evaluation.passed else evaluation
        start = opened(self.task, initial_weights(self.task, int(self.reference["full/seed"])))
        updates = self._updates("full/weights", start)
        if allowed.rounding:
            updates = {"all weights": self._whole_update("full/weights", start)}
        yield self._worst("full update", updates, allowed.full_update)

    def long_curve(self) -> Iterator[Check]:
        """The losses and evaluations of a long training in float64, and its weights."""
        if self.allowed.long_curve and is_long(self.task):
            deviations = {
                **self._losses("long/losses", "step"),
                **self._losses("long/evaluated", "evaluation"),
                **self._updates("long/weights", self._weights("full/weights")),
            }
            yield self._worst("long curve", deviations, self.allowed.long_curve)

    def seeds(self) -> Iterator[Check]:
        """What the framework draws with two seeds, by the losses of `bench.worker.seeds_trace`."""
        if self.task.noise or self.task.dropout:
            one, other = self.trace["seeds/losses"]
            yield Check(name="seeds", deviation=float((one == other).sum()), tolerance=0)

    def noise(self) -> Iterator[Check]:
        """The framework's own noise, by the losses that `bench.worker.noise_trace` describes."""
        if not self.task.noise:
            return
        own, expected = self.trace["noise/losses"], self.reference["noise/losses"]
        where, allowed = "losses that are the same", float(REPEATED_LOSSES)
        deviation = float(distances.most_repeats(own))
        if deviation <= allowed:
            errors = distances.of_losses(own, expected, self._update_names())
            errors |= self._errors_of_gradients()
            where, allowed = max(errors, key=lambda name: errors[name]), STANDARD_ERRORS
            deviation = errors[where]
        yield Check(name="noise", deviation=deviation, tolerance=allowed, where=where)

    def _errors_of_gradients(self) -> dict[str, float]:
        """How far gradients with the framework's own noise are off, in standard errors."""
        both = zip(
            self.trace["noise/gradients"].T, self.reference["noise/gradients"].T, strict=True
        )
        return {
            f"gradient of {parameter.name}, {what}": error
            for parameter, (own, other) in zip(self.task.trained, both, strict=True)
            for what, error in distances.sample_errors(own, other).items()
        }

    def dropout(self) -> Iterator[Check]:
        """The draws of every dropout layer, which `bench.worker.dropout_trace` describes."""
        if not self.task.dropout:
            return
        draws, backward, off = {}, {}, {}
        for layer, rate in self.task.dropout.items():
            arrays = {key: self.trace[f"dropout/{layer}/{key}"] for key in dropout_trace.PARTS}
            values = arrays["values"] * (1 - rate)  # 1, or 0 where a value was dropped
            dropped, scale = values < 1 / 2, values.max()
            excess = np.maximum(np.abs(scale - 1) - DROPOUT_SCALE_ROUNDING, 0)
            draws[layer] = distances.standard_errors(dropped, rate, self.epsilon)
            backward[f"{layer}, values"] = float(np.abs(values - scale * ~dropped).max())
            backward[f"{layer}, scale"] = float(excess)
            backward[f"{layer}, loss"] = distances.largest(arrays["losses"], arrays["losses_read"])
            backward[f"{layer}, gradient"] = distances.largest(arrays["moved"], arrays["read"])
            off[layer] = self._largest(f"dropout/{layer}/logits")
        layer = max(draws, key=lambda name: draws[name])
        yield Check(name="dropout", deviation=draws[layer], tolerance=STANDARD_ERRORS, where=layer)
        yield self._worst("dropout backward", backward, self.allowed.gradients)
        yield self._worst("dropout off", off, self.allowed.outputs)

    def _update_names(self) -> list[str]:
        """The updates' names; "" of a single one, as then there is no place to name."""
        names = [update.name for update in self.task.updates]
        return names if len(names) > 1 else [""]

    def _keys(self, prefix: str) -> dict[str, str]:
        """The key in a trace for each of the task's parameters."""
        return {parameter.name: f"{prefix}/{parameter.name}" for parameter in self.task.parameters}

    def _weights(self, prefix: str) -> dict[str, Array]:
        """The reference's weights under a prefix, by parameter."""
        return {name: self.reference[key] for name, key in self._keys(prefix).items()}

    def _losses(self, key: str, what: str) -> dict[str, float]:
        """By place: how far each loss is off; of several updates' losses, (N, updates), the worst.

        Infinite if there are not as many as the reference has.
        """
        actual, expected = self.trace[key], self.reference[key]
        if actual.shape != expected.shape:
            return {what: math.inf}
        off = np.abs(actual / expected - 1).reshape(len(expected), -1).max(axis=1)  # NaN is kept
        return {f"{what} {number}": float(each) for number, each in enumerate(off, start=1)}

    def _largest(self, key: str) -> float:
        return distances.largest(self.trace[key], self.reference[key])

    def _nearest(self, key: str) -> float:
        """The deviation from the nearest of the reference's values under a key or below it.

        It has several where frameworks may differ, as in whether a running variance is over n or
        over n - 1 values.
        """
        accepted = [name for name in self.reference if name == key or name.startswith(f"{key}/")]
        return min(distances.largest(self.trace[key], self.reference[name]) for name in accepted)

    def _updates(self, prefix: str, start: Mapping[str, Array]) -> dict[str, float]:
        """By parameter: the weights' distance from the reference's, over its update's length."""
        return {
            name: distances.update(self.trace[key], self.reference[key], start[name])
            for name, key in self._keys(prefix).items()
        }

    def _whole_update(self, prefix: str, start: Mapping[str, Array]) -> float:
        """The same of all weights as one tensor.

        In 16 bits a gradient that is summed over thousands of steps may be all rounding, and with
        it Adam's update of a whole bias: TensorFlow sums in bfloat16, where that has 8 bits.
        """
        keys = self._keys(prefix)
        if any(self.trace[key].shape != self.reference[key].shape for key in keys.values()):
            return math.inf
        actual = distances.joined([self.trace[key] for key in keys.values()])
        expected = distances.joined([self.reference[key] for key in keys.values()])
        return distances.update(actual, expected, distances.joined([start[name] for name in keys]))

    def _worst(self, name: str, deviations: Mapping[str, float], tolerance: float) -> Check:
        return worst(name, deviations, tolerance, self.epsilon)
