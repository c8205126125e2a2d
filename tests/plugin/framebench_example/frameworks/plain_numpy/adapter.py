"""Plain numpy's engine: gradients by hand, updates as the task states them.

It is the one of `docs/adding-a-framework.md`, with another loss.
"""

from importlib.metadata import version

import numpy as np

from bench.core.adapter import named_outputs, network_module, require_mode
from bench.core.errors import UnsupportedError
from bench.core.layout import Layout, NetworkWeights
from bench.core.readers import BatchFormat
from bench.core.setting import storage_dtype

LAYOUT = Layout(axes={"dense": (1, 0)})  # dense weights are kept as (in, out)
MODES = ("eager",)


class Weight:
    """A weight with its gradient and its velocity."""

    def __init__(self, shape, dtype):
        self.shape = shape
        self.value, self.gradient, self.velocity = (np.zeros(shape, dtype) for _ in range(3))


class PlainSession:
    def __init__(self, task, *, mode, setting):
        require_mode(mode, MODES)
        (update,) = task.updates
        kinds = (update.loss.kind, update.optimizer.kind)
        if kinds != ("mean_squared_error", "sgd") or update.clip is not None:
            raise UnsupportedError("plain numpy has only squared errors and SGD")
        self._task, self._settings = task, update.optimizer
        dtype = storage_dtype(setting.precision)
        self.format = BatchFormat(floats=dtype, labels="int64")
        self._network = network_module(__package__, task)
        self._params = {name: Weight(shape, dtype) for name, shape in self._network.SHAPES.items()}
        self._weights = NetworkWeights(task, LAYOUT, dtype, lambda p: self._params[p.name])

    def load(self, params):
        for weight, native in self._weights.to_load(params):
            weight.value = native.copy()
            weight.velocity[:] = 0

    def dump(self):
        return self._weights.canonical(lambda weight: weight.value)

    def parameter_count(self):
        return sum(weight.value.size for weight in self._params.values())

    def state(self):
        return self._weights.state(self._task.updates, lambda update, name, weight: weight.velocity)

    def stage(self, batch):
        return tuple(batch.values())  # in the order of the task's fields

    def step(self, batch):
        loss = self._differentiate(batch)
        for weight in self._params.values():
            weight.velocity = self._settings.momentum * weight.velocity + weight.gradient
            weight.value -= self._settings.learning_rate * weight.velocity
        return (loss,)  # of each of the task's updates

    def outputs(self, batch):
        return named_outputs(self._task, self._network.forward(self._values(), batch[0]))

    def gradients(self, batch):
        self._differentiate(batch)
        return self._weights.canonical(lambda weight: weight.gradient)

    def numpy(self, value):
        return np.asarray(value)

    def sync(self):
        """Numpy is done when it returns."""

    def peak_device_bytes(self):
        return None

    def compiled_programs(self):
        return 0

    def close(self):
        """The session's objects are all that it holds."""

    def _values(self):
        return {name: weight.value for name, weight in self._params.items()}

    def _differentiate(self, batch):
        """The mean loss of a batch. Its gradients are left with the weights."""
        point, target = batch
        values = self._values()
        difference = self._network.forward(values, point) - target  # (N, 1)
        slope = 2 * difference / len(difference)  # of the mean loss by the prediction
        for name, gradient in self._network.gradients(values, point, slope).items():
            self._params[name].gradient = gradient
        return np.mean(difference**2)


class PlainAdapter:
    def set_up(self, setting):
        if setting.device != "cpu" or setting.precision not in ("float32", "float64"):
            raise UnsupportedError(f"plain numpy has no {setting.precision} on {setting.device}")

    def versions(self, device):
        return {"numpy": version("numpy")}

    def debugging_aids(self):
        return ()

    def open(self, task, *, mode, setting, seed):
        return PlainSession(task, mode=mode, setting=setting)

    def matmul(self, a, b, device):
        product = np.empty_like(a)
        return lambda: np.matmul(a, b, out=product)

    def accumulate(self, total, addend, device):
        return lambda: np.add(total, addend, out=total)


ADAPTER = PlainAdapter()
