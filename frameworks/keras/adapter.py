"""Keras's engine: `compile`, and training by `fit` or by `train_on_batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from bench.core.adapter import named_outputs, network_module, require_mode
from bench.core.arrays import Array
from bench.core.errors import UnsupportedError
from bench.core.readers import BatchFormat
from bench.core.setting import Device, Setting, storage_dtype
from bench.core.task import Task, Update
from frameworks.keras.engine import ENGINE
from frameworks.keras.losses import GRAPH_LOSSES, LOSSES
from frameworks.keras.on_graph import OnGraph
from frameworks.keras.optimizer_state import state_of
from frameworks.keras.optimizers import make_optimizer
from frameworks.keras.own_loss import OwnLoss, OwnStep, OwnUpdate
from frameworks.keras.precision import scaled, set_policy
from frameworks.keras.step_losses import StepLosses
from frameworks.keras.weights import Place, spared_by, weights_of

# What `compile` is told in each mode. `jit_compile` is "auto" unless something else is said.
COMPILE: Mapping[str, Mapping[str, Any]] = {
    "fit": {},
    "train_on_batch": {},
    "eager": {"run_eagerly": True},
    "xla": {"jit_compile": True},
    "compiled": {"jit_compile": True},
}


def side_by_side(targets: Sequence[Any]) -> Any:
    """A loss's targets as one, by columns, as Keras takes one for each output; None for none."""
    if len(targets) <= 1:
        return targets[0] if targets else None
    columns = [target if target.ndim > 1 else target[:, None] for target in targets]
    joining = np if isinstance(columns[0], np.ndarray) else ops
    return joining.concatenate(columns, 1)


class KerasModelSession:
    """A compiled model, which is trained batch by batch: by `train_on_batch`."""

    def __init__(self, task: Task, *, mode: str, setting: Setting) -> None:
        require_mode(mode, ENGINE.MODES)
        module = network_module(__package__, task)
        own = getattr(module, "LOSSES", {})
        for update in task.updates:
            named = GRAPH_LOSSES if task.matrices else LOSSES
            if update.name not in own and update.loss.kind not in named:
                raise UnsupportedError(f"this framework has no loss {update.loss.kind}")
            if update.name not in own and len(task.updates) > 1:
                raise UnsupportedError(
                    f"{task.name} needs a step of its own, which is not written yet"
                )
        floats = storage_dtype(setting.precision)
        self.format = BatchFormat(
            channels_last=True, floats=floats, labels=ENGINE.INTEGERS, tokens=ENGINE.INTEGERS
        )
        self._task = task
        self._setting = setting
        self._network: keras.Model = module.build(task)
        ENGINE.check(self._network, mode, updates=len(task.updates))
        ENGINE.choose_operators(self._network, setting)
        ENGINE.choose_products(self._network, mode)
        self._weights = weights_of(self._network, task, floats)
        # Of a batch, the model's input and its target: all of it, and none, if it has its own loss.
        is_all_input = bool(own or task.matrices)
        self._inputs = slice(None if is_all_input else len(task.inputs))
        target_names = () if is_all_input else task.updates[0].loss.fields
        self._targets = [list(task.fields).index(name) for name in target_names]
        self._optimizers = [
            make_optimizer(
                update.optimizer, clip=update.clip, spared=spared_by(self._weights, update)
            )
            for update in task.updates
        ]
        applied = [scaled(setting.precision, optimizer) for optimizer in self._optimizers]
        moved = [self._moved_by(update) for update in task.updates]
        for optimizer, variables in zip(applied, moved, strict=True):
            optimizer.build(variables)
        self._model = self._compiled(own, applied, moved, COMPILE[mode])
        self._optimizer_variables = [v for optimizer in applied for v in optimizer.variables]
        self._initial = [np.array(variable) for variable in self._optimizer_variables]

    def _moved_by(self, update: Update) -> list[keras.Variable]:
        """The variables that an update moves, in the order in which Keras's loop has them."""
        every: list[keras.Variable] = self._network.trainable_variables
        if update.layers is None:
            return every
        moved = {place.variable.path for place in self._weights.moved_by(update)}
        return [variable for variable in every if variable.path in moved]

    def _compiled(
        self,
        own: Mapping[str, Any],
        optimizers: Sequence[keras.optimizers.Optimizer],
        moved: Sequence[Sequence[keras.Variable]],
        settings: Mapping[str, Any],
    ) -> keras.Model:
        """The model that is trained: the network, or one around it where it has its `own` losses.

        `optimizers` and the variables that each has `moved` are by update.
        """
        task, network = self._task, self._network
        if len(task.updates) > 1:
            updates = [
                OwnUpdate(name=u.name, loss=own[u.name], optimizer=optimizer, variables=variables)
                for u, optimizer, variables in zip(task.updates, optimizers, moved, strict=True)
            ]
            model = OwnStep(task, network, updates, self._setting.precision)
            model.compile(optimizer=None, **settings)
            return model
        (update,), (optimizer,) = task.updates, optimizers
        model, loss = network, None
        if own:
            model = OwnLoss(task, network, own[update.name])
        elif task.matrices:
            model = OnGraph(task, network, GRAPH_LOSSES[update.loss.kind], self._setting)
        else:
            loss = LOSSES[update.loss.kind]()
        model.compile(optimizer=optimizer, loss=loss, **settings)
        return model

    def load(self, params: Mapping[str, Array]) -> None:
        # Copies, as a backend may train in the memory of an array that is assigned to a variable.
        for place, native in self._weights.to_load(params):
            whole = np.array(place.variable)
            whole[place.row] = native
            place.variable.assign(whole)
        for variable, initial in zip(self._optimizer_variables, self._initial, strict=True):
            variable.assign(initial.copy())
        for layer in self._network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.moving_mean.assign(ops.zeros_like(layer.moving_mean))
                layer.moving_variance.assign(ops.ones_like(layer.moving_variance))

    def dump(self) -> dict[str, Array]:
        return self._weights.canonical(lambda place: np.array(place.variable)[place.row])

    def parameter_count(self) -> int:
        return sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)

    def state(self) -> dict[str, Array]:
        def read(optimizer: keras.optimizers.Optimizer, name: str, place: Place) -> Array:
            array: Array = state_of(optimizer, name, place.variable)[place.row]
            return array

        return self._weights.state(self._optimizers, read)

    def stage(self, batch: Mapping[str, Array]) -> tuple[Any, ...]:
        """Its matrices as they are: a step has the model take them, if it holds others."""
        matrices = self._task.matrices
        return tuple(
            [
                array if name in matrices else ops.convert_to_tensor(array)
                for name, array in batch.items()
            ]
        )

    def step(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        inputs, target = self._split(batch)
        told = self._model.train_on_batch(inputs, target, return_dict=True)
        return tuple(told[name] for name in self._told_as)

    @property
    def _told_as(self) -> list[str]:
        """The names by which Keras tells the loss of each update."""
        updates = self._task.updates
        return [update.name for update in updates] if len(updates) > 1 else ["loss"]

    def _split(self, batch: Sequence[Any]) -> tuple[Any, Any]:
        """A batch as Keras takes it: one input, or a list of them, and the target.

        The model has the matrices of a graph itself, and is given the rest.
        """
        if isinstance(self._model, OnGraph):
            batch = self._model.take_matrices(batch)
        inputs = list(batch[self._inputs])
        target = side_by_side([batch[place] for place in self._targets])
        return inputs[0] if len(inputs) == 1 else inputs, target

    def outputs(self, batch: tuple[Any, ...]) -> dict[str, Any]:
        inputs, _ = self._split(batch)
        return named_outputs(self._task, self._model.predict_on_batch(inputs))

    def gradients(self, batch: tuple[Any, ...]) -> dict[str, Array]:
        inputs, target = self._split(batch)
        every: dict[str, Array] = {}
        for update, loss_of in zip(
            self._task.updates, self._losses_of(inputs, target), strict=True
        ):
            variables = self._moved_by(update)
            found = map(ops.convert_to_numpy, ENGINE.gradients(loss_of, variables))
            gradients = dict(zip((v.path for v in variables), found, strict=True))

            def read(place: Place, gradients: Mapping[str, Array] = gradients) -> Array:
                return gradients[place.variable.path][place.row]

            every |= self._weights.canonical(read, update=update)
        return every

    def _losses_of(self, inputs: Any, target: Any) -> list[Callable[[], Any]]:
        """What works out each update's loss of a batch, in training mode."""
        model = self._model
        if isinstance(model, OwnStep):
            return model.losses_of(inputs)

        def loss_of() -> Any:
            outputs = model(inputs, training=True)
            return model.compute_loss(x=inputs, y=target, y_pred=outputs, training=True)

        return [loss_of]

    def numpy(self, value: Any) -> Array:
        return np.asarray(ops.convert_to_numpy(value), self.format.floats)

    def sync(self) -> None:
        ENGINE.sync([*self._model.variables, *self._optimizer_variables])

    def peak_device_bytes(self) -> int | None:
        return None if self._setting.device == "cpu" else ENGINE.peak_device_bytes()

    def compiled_programs(self) -> int | None:
        return ENGINE.compiled_programs(self._model)

    def close(self) -> None:
        ENGINE.release()


class FittedModel(KerasModelSession):
    """A compiled model that is trained by `fit` and evaluated by `predict`."""

    def step(self, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        (losses,) = self._fit(batch, size=len(batch[-1]))
        return losses

    def train(self, examples: Mapping[str, Array], size: int) -> list[tuple[Any, ...]]:
        return self._fit(tuple(examples.values()), size=size)

    def _fit(self, examples: tuple[Any, ...], *, size: int) -> list[tuple[Any, ...]]:
        """Train on examples in their order. Returns what Keras tells of each step."""
        inputs, target = self._split(examples)
        losses = StepLosses(self._told_as)
        self._model.fit(
            inputs, target, batch_size=size, shuffle=False, verbose=0, callbacks=[losses]
        )
        return losses.each

    def predict(self, examples: Mapping[str, Array], size: int) -> dict[str, Any]:
        inputs, _ = self._split(tuple(examples.values()))
        outputs = self._model.predict(inputs, batch_size=size, verbose=0)
        return named_outputs(self._task, outputs)


class KerasModelAdapter:
    def set_up(self, setting: Setting) -> None:
        ENGINE.set_up(setting)
        set_policy(setting.precision)
        keras.config.set_image_data_format("channels_last")

    def versions(self, device: Device) -> dict[str, str]:
        own = {"keras": keras.__version__, "numpy": np.__version__}
        return own | ENGINE.versions(device)

    def debugging_aids(self) -> list[str]:
        limits = {
            "keras.config.set_max_epochs": keras.config.max_epochs(),
            "keras.config.set_max_steps_per_epoch": keras.config.max_steps_per_epoch(),
        }
        return [*ENGINE.debugging_aids(), *(name for name, limit in limits.items() if limit)]

    def open(self, task: Task, *, mode: str, setting: Setting, seed: int) -> KerasModelSession:
        keras.utils.set_random_seed(seed)
        kind = KerasModelSession if mode == "train_on_batch" else FittedModel
        return kind(task, mode=mode, setting=setting)

    def matmul(self, a: Array, b: Array, device: Device) -> Callable[[], None]:
        return ENGINE.matmul(a, b, device)

    def accumulate(self, total: Array, addend: Array, device: Device) -> Callable[[], None]:
        return ENGINE.accumulate(total, addend, device)


ADAPTER: Any = KerasModelAdapter()
