"""Tasks, weights, layouts and records."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

from bench import tasks
from bench.core.adapter import losses, named_outputs, network_module, require_mode
from bench.core.arrays import digest
from bench.core.errors import UnsupportedError, UsageError, WrongError
from bench.core.fields import Excerpt, Field
from bench.core.graph import (
    UNLABELLED,
    GraphConvolution,
    NodeAccuracy,
    NodeCrossEntropy,
    NodeLabels,
    SparseMatrix,
)
from bench.core.layout import Layout, NetworkWeights
from bench.core.losses import CTC, NegativeELBO, negative_elbo, unlikelihood
from bench.core.measurement import Evaluation, Measurement, Window, Windows
from bench.core.metrics import CharacterErrorRate, EvidenceBound, read_letters
from bench.core.noise_field import Noise, standard_normal
from bench.core.parameters import Parameter
from bench.core.readers import BatchFormat
from bench.core.record import Cell, Feed, Job, Record, Workload
from bench.core.recurrent import recurrent_names
from bench.core.setting import Device, Precision, Setting, Tuning
from bench.core.speech_fields import FrameCount, Frames, Letters
from bench.core.starts import Zeros
from bench.core.style import FeatureConv, StyleDistance, StyleLoss
from bench.core.task import Budget, Task, Update
from bench.core.weights import initial_weights
from bench.records import record_lines
from bench.records.snapshot import ACCURACY, MetricSnapshot
from bench.worker.evaluation import evaluation_batch

# The parameters of each recipe, counted by hand.
PARAMETERS = {
    "mnist-softmax": 784 * 10 + 10,
    "mnist-mlp": 784 * 128 + 128 + 128 * 10 + 10,
    "mnist-mlp-sgd": 784 * 128 + 128 + 128 * 10 + 10,
    "mnist-mlp-dropout": 784 * 128 + 128 + 128 * 10 + 10,
    "cifar-cnn": 27 * 32 + 32 + 9 * 32 * 64 + 64 + 2304 * 64 + 64 + 64 * 10 + 10,
    "cifar-lenet": 75 * 6 + 6 + 150 * 16 + 16 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10,
    "cifar-resnet20": (
        9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
        + 2 * (16 + 6 * (16 + 32 + 64))
        + 64 * 10
        + 10
    ),
    "cifar-vgg": (27 * 50 + 50 + 450 * 50 + 50 + 450 * 100 + 100 + 900 * 100 + 100)
    + (6400 * 512 + 512 + 512 * 10 + 10),
    "xray-cnn": 9 * 32 + 32 + 9 * 32 * 64 + 64 + 64 * 62 * 62 * 64 + 64 + 64 + 1,
    "imdb-lstm": 25_000 * 100 + 4 * 256 * (100 + 256 + 1) + 256 + 1,
    "imdb-gru": 30_000 * 125 + 3 * 100 * (125 + 100 + 2) + 100 * 2 + 2,
    "imdb-bilstm": 20_000 * 128 + 2 * 2 * 4 * 64 * (128 + 64 + 1) + 128 + 1,
    "movielens-ncf": (943 + 1682) * 50,
    # two tables; four products of attention, two normalizations, and two dense layers; two more
    "imdb-transformer": (
        (20_000 + 200) * 32
        + 4 * 32**2
        + 2 * 2 * 32
        + 2 * (32**2 + 32)
        + (32 * 20 + 20)
        + (20 * 2 + 2)
    ),
    # two tables, two LSTMs, the layer over attention and state, and the words
    "multi30k-seq2seq": (
        2 * 8_000 * 128 + 2 * 4 * 256 * (128 + 256 + 1) + 512 * 256 + 256 * 8_000 + 8_000
    ),
    "digits-ctc": 3 * 128 * (40 + 128 + 2) + 3 * 128 * (128 + 128 + 2) + 128 * 28 + 28,
    "cora-gcn": 1433 * 16 + 16 + 16 * 7 + 7,
    "style-transfer": 3 * 128 * 128,  # the picture alone
    "mnist-vae": 784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784,
    "mnist-gan": 2 * (256 * 512 + 512 * 784) + 100 * 256 + 256 + 2 * (256 + 512) + 784 + 1,
    # two tables, four blocks of two scales, four products of attention, two dense layers; a scale
    "shakespeare-gpt": (65 + 64) * 128 + 4 * (2 * 128 + 4 * 128**2 + 2 * 128 * 512) + 128,
    "shakespeare-gpt-large": ((65 + 256) * 384 + 6 * (2 * 384 + 4 * 384**2 + 2 * 384 * 1536) + 384),
}


KNOWN_NOISE = [-1.8839084, 0.22760794, -0.22143789]


def test_every_task_has_the_parameters_of_its_recipe() -> None:
    assert {name: tasks.load(name).parameter_count for name in PARAMETERS} == PARAMETERS


def test_the_headline_tasks() -> None:
    assert [name for name in tasks.names() if tasks.load(name).headline] == [
        "cifar-cnn",
        "imdb-lstm",
        "mnist-mlp",
        "shakespeare-gpt",
    ]


def test_the_error_about_an_unknown_task_lists_the_tasks() -> None:
    with pytest.raises(UsageError, match=r"'mnist'.*mnist-mlp"):
        tasks.load("mnist")


@pytest.mark.parametrize("name", tasks.names())
def test_every_task_has_every_preset(name: str) -> None:
    task = tasks.load(name)
    assert set(task.presets) == {"quick", "standard", "full"}
    full = task.presets["full"]
    assert (full.test_examples, full.length) == (None, None)
    # An excerpt begins anywhere in its text, so a recipe says how many it takes.
    takes_all = not any(isinstance(field, Excerpt) for field in task.fields.values())
    assert (full.train_examples is None) == takes_all


def test_initial_weights_are_the_same_everywhere() -> None:
    """Pinned, because every worker draws them itself, with the numpy of its environment."""
    drawn = digest(initial_weights(tasks.load("mnist-mlp"), 0))
    assert drawn == "67bb220f945f97554e09632070048d891e7dfea347c621e0557830929091baf6"


def test_initial_weights_follow_the_seed_and_open_the_forget_gate() -> None:
    task = tasks.load("imdb-lstm")
    first, second = initial_weights(task, 0), initial_weights(task, 1)
    assert digest(first) != digest(second)
    bias = first["lstm.bias"]
    assert bias[256:512].tolist() == [1.0] * 256
    assert not bias[:256].any() and not bias[512:].any()


def test_a_gru_s_update_gate_starts_open_too() -> None:
    weights = initial_weights(tasks.load("imdb-gru"), 0)
    assert weights["gru.bias"].tolist() == [0.0] * 100 + [1.0] * 100 + [0.0] * 100
    assert not weights["gru.recurrent_bias"].any()


def test_convolutions_are_initialized_by_he_and_normalizations_as_identities() -> None:
    weights = initial_weights(tasks.load("cifar-resnet20"), 0)
    kernel = weights["stage3.2.conv2.weight"]
    bound = np.sqrt(6 / (64 * 9))
    assert 0.999 * bound < np.abs(kernel).max() <= bound
    assert kernel.std() == pytest.approx(np.sqrt(2 / (64 * 9)), rel=0.01)
    assert (weights["norm1.weight"] == 1).all() and not weights["norm1.bias"].any()


def test_digest_sees_names_types_shapes_and_values() -> None:
    base = {"a": np.zeros((2, 3), np.float32)}
    others = [
        {"b": base["a"]},
        {"a": base["a"].astype(np.float64)},
        {"a": base["a"].reshape(3, 2)},
        {"a": base["a"] + 1},
    ]
    assert len({digest(arrays) for arrays in [base, *others]}) == 5


KERNEL = Parameter(name="k", shape=(5, 3, 2, 4), kind="conv", axes="", start=Zeros())
BEHIND_FLATTEN = Parameter(
    name="d", shape=(7, 24), kind="dense", axes="", start=Zeros(), flattened=(2, 3, 4)
)


@pytest.mark.parametrize("parameter", [KERNEL, BEHIND_FLATTEN])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_layout_is_undone_exactly(parameter: Parameter, channels_last: bool) -> None:
    axes = {"conv": (2, 3, 1, 0), "dense": (1, 0)}
    layout = Layout(axes=axes, channels_last=channels_last)
    array = np.arange(parameter.size, dtype=np.float32).reshape(parameter.shape)
    shape = [parameter.shape[axis] for axis in axes[parameter.kind]]
    back = layout.to_canonical(parameter, layout.to_native(parameter, array, shape))
    np.testing.assert_array_equal(back, array)


def test_a_dense_weight_behind_a_flatten_follows_the_channels() -> None:
    """x flattened as HWC times the native weight equals x flattened as CHW times the canonical."""
    layout = Layout(axes={"dense": (1, 0)}, channels_last=True)
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(6, 2, 3, 4)), rng.normal(size=(7, 24))
    native = layout.to_native(BEHIND_FLATTEN, weight, (24, 7))
    last = x.transpose(0, 2, 3, 1).reshape(6, -1)
    np.testing.assert_allclose(last @ native, x.reshape(6, -1) @ weight.T)


def test_a_layout_reorders_gates() -> None:
    recurrent = Parameter(name="r", shape=(6, 2), kind="gru_recurrent", axes="", start=Zeros())
    layout = Layout(axes={"gru_recurrent": (1, 0)}, gates={"gru_recurrent": (1, 2, 0)})
    array = np.arange(12.0).reshape(6, 2)
    native = layout.to_native(recurrent, array, (2, 6))
    assert native[0].tolist() == [4, 6, 8, 10, 0, 2]  # the second gate, the third, the first
    np.testing.assert_array_equal(layout.to_canonical(recurrent, native), array)


def test_a_layout_copies() -> None:
    array = np.zeros(KERNEL.shape, np.float32)
    Layout().to_canonical(KERNEL, array)[:] = 1
    assert not array.any()


def test_a_wrong_shape_is_refused() -> None:
    other = (5, 3, 4, 2)
    with pytest.raises(WrongError, match=r"k is \(5, 3, 4, 2\) in the network"):
        Layout().to_native(KERNEL, np.zeros(KERNEL.shape), other)
    with pytest.raises(WrongError, match=r"k came back as \(5, 3, 4, 2\)"):
        Layout().to_canonical(KERNEL, np.zeros(other))


def test_a_parameter_that_the_network_lacks_is_refused() -> None:
    task = tasks.load("mnist-softmax")
    first, second = task.parameters
    tensors = {first.name: np.zeros(first.shape), second.name: np.zeros(second.shape)}

    def weights(tensors: Mapping[str, Any]) -> NetworkWeights[Any]:
        return NetworkWeights(
            task, Layout(), "float32", lambda parameter: tensors[parameter.name], names=tensors
        )

    assert weights(tensors).tensors == [*tensors.values()]
    with pytest.raises(
        WrongError, match=f"the network has no {second.name}; it has output.weight$"
    ):
        weights({first.name: tensors[first.name]})
    with pytest.raises(WrongError, match=f"the network has no {first.name}"):
        weights({**tensors, first.name: None})


def test_weights_are_converted_to_the_network_s_layout_and_type_and_back() -> None:
    task = tasks.load("mnist-softmax")
    layout = Layout(axes={"dense": (1, 0)})
    tensors = {
        parameter.name: np.zeros(parameter.shape[::-1], np.float64) for parameter in task.parameters
    }
    weights = NetworkWeights(task, layout, "float64", lambda parameter: tensors[parameter.name])
    initial = initial_weights(task, 0)
    for tensor, native in weights.to_load(initial):
        assert native.dtype == np.float64
        tensor[:] = native
    back = weights.canonical(lambda tensor: tensor.astype(np.float32))
    assert digest(back) == digest(initial)


def test_a_framework_names_a_parameter_by_its_layer_and_its_own_attribute() -> None:
    layout_names = recurrent_names(
        inputs="weight_ih_l0", recurrent="weight_hh_l0", bias="bias_ih_l0", recurrent_bias="b"
    )
    layout = Layout(names=layout_names)
    (*_, cells, _, gates, weight, _) = tasks.load("imdb-lstm").parameters
    names = [layout.native_name(parameter) for parameter in (cells, gates, weight)]
    assert names == ["lstm.weight_ih_l0", "lstm.bias_ih_l0", "output.weight"]


def test_a_stack_of_both_directions_is_found_where_a_framework_keeps_it() -> None:
    names = recurrent_names(
        inputs="w_l{depth}{side}", recurrent="h_l{depth}{side}", bias="b", recurrent_bias="c"
    )
    fused = Layout(names=names, sides=("", "_reverse"))
    layered = Layout(
        names={"lstm_input": "cell.kernel"},
        sides=("forward", "backward"),
        stacked=("{stack}.{depth}", "{side}.{attribute}"),
    )
    parameters = {p.name: p for p in tasks.load("imdb-bilstm").parameters}
    for name, in_fused, in_layered in (
        ("lstm.0.forward.input_weight", "w_l0", "forward.cell.kernel"),
        ("lstm.1.backward.input_weight", "w_l1_reverse", "backward.cell.kernel"),
    ):
        assert fused.native_place(parameters[name]) == ("lstm", in_fused)
        depth = name.split(".")[1]
        assert layered.native_place(parameters[name]) == (f"lstm.{depth}", in_layered)
    above = parameters["lstm.1.forward.input_weight"]
    assert above.shape == (4 * 64, 2 * 64)


def two_updates(*layers: tuple[str, ...], names: tuple[str, ...] = ("first", "second")) -> Task:
    task = tasks.load("mnist-mlp")
    (update,) = task.updates
    updates = [
        replace(update, layers=part, name=name) for part, name in zip(layers, names, strict=True)
    ]
    return replace(task, updates=tuple(updates))


def test_each_update_of_a_step_moves_its_own_layers() -> None:
    task = two_updates(("hidden",), ("output",))
    moved = [[p.name for p in task.parameters if update.moves(p)] for update in task.updates]
    assert moved == [["hidden.weight", "hidden.bias"], ["output.weight", "output.bias"]]
    whole = Update(loss=task.updates[0].loss, optimizer=task.updates[0].optimizer)
    assert all(whole.moves(parameter) for parameter in task.parameters)
    (stack,) = {p.place.stack for p in tasks.load("imdb-bilstm").parameters if p.place}
    assert replace(whole, layers=(stack,)).moves(tasks.load("imdb-bilstm").parameters[1])


def test_updates_that_would_overwrite_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="several updates of hidden"):
        two_updates(("hidden",), ("hidden", "output"))
    with pytest.raises(ValueError, match="several updates called loss"):
        two_updates(("hidden",), ("output",), names=("loss", "loss"))


def test_a_network_s_own_losses_come_before_the_framework_s() -> None:
    task = two_updates(("hidden",), ("output",))
    named = {"softmax_cross_entropy": lambda output, target: output - target}
    plain = ModuleType("plain")
    for loss in losses(plain, task, named):
        assert loss(lambda image: 2 * image, 5, 3) == 7
    own = ModuleType("own")
    own.LOSSES = {  # type: ignore[attr-defined]
        "first": lambda network, batch: network(batch["image"]),
        "second": lambda network, batch: batch["label"],
    }
    assert [loss(lambda image: 2 * image, 5, 3) for loss in losses(own, task, named)] == [10, 3]
    del own.LOSSES["first"]
    assert [loss(lambda image: 2 * image, 5, 3) for loss in losses(own, task, named)] == [7, 3]
    with pytest.raises(UnsupportedError, match="no loss softmax_cross_entropy for mnist-mlp"):
        losses(plain, task, {})


def test_a_network_s_own_losses_are_given_what_the_batch_has() -> None:
    task = tasks.load("mnist-vae")
    own = ModuleType("own")
    own.LOSSES = {"loss": lambda network, batch: batch}  # type: ignore[attr-defined]
    (loss,) = losses(own, task, {})
    assert loss(None, 1, 2) == {"image": 1, "noise": 2}
    assert loss(None, 1) == {"image": 1}
    with pytest.raises(
        UnsupportedError, match="mnist-vae has noise, and plain no losses of its own"
    ):
        losses(ModuleType("plain"), task, {"negative_elbo": lambda *tensors: 0})


def test_a_loss_finds_its_output_among_several() -> None:
    (update,) = tasks.load("mnist-mlp").updates
    second = replace(update, loss=replace(update.loss, output="second"))
    task = replace(tasks.load("mnist-mlp"), outputs=("first", "second"), updates=(second,))
    (loss,) = losses(ModuleType("m"), task, {update.loss.kind: lambda output, target: output})
    assert loss(lambda image: (image, -image), 5, 3) == -5
    assert named_outputs(task, (1, 2)) == {"first": 1, "second": 2}


def test_a_mode_or_a_network_that_a_framework_lacks_is_unsupported() -> None:
    require_mode("eager", ("eager", "compiled"))
    with pytest.raises(UnsupportedError, match=r"no mode 'xla'.*it has: eager, compiled"):
        require_mode("xla", ("eager", "compiled"))
    task = replace(tasks.load("mnist-mlp"), network="perceptron")
    with pytest.raises(
        UnsupportedError, match=r"no module frameworks\.pytorch\.models\.perceptron"
    ):
        network_module("frameworks.pytorch", task)


def test_a_text_task_can_be_shortened() -> None:
    assert tasks.load("imdb-lstm").with_length(50).length == 50
    assert tasks.load("mnist-mlp").with_length(50) == tasks.load("mnist-mlp")
    assert tasks.load("mnist-mlp").length is None


def test_dropout_can_be_restricted_to_one_layer() -> None:
    task = tasks.load("cifar-vgg")
    assert task.dropout == {"conv2": 0.25, "conv4": 0.25, "hidden": 0.5}
    assert task.with_dropout("conv4").dropout == {"conv2": 0, "conv4": 0.25, "hidden": 0}
    assert not any(task.with_dropout().dropout.values())
    assert tasks.load("mnist-mlp").with_dropout().dropout == {}


WINDOWS = (
    Window(epoch=0, steps=5, wall=0.5, cpu=0.9, involuntary=1, loss=2.25),
    Window(epoch=1, steps=5, wall=0.25, cpu=0.5, involuntary=0, loss=1.5),
)


def accuracy_of(task: str) -> MetricSnapshot:
    return ACCURACY


def some_record() -> Record:
    job = Job(
        cell=Cell(framework="pytorch", task="mnist-mlp", mode="eager", setting=Setting(threads=2)),
        block=1,
        seed=3,
        budget=Budget(epochs=2, train_examples=640),
        data="mnist-x",
    )
    measurement = Measurement(
        import_seconds=1.5,
        build_seconds=0.1,
        first_step_seconds=0.2,
        warmup_steps=7,
        warmup_seconds=0.3,
        steady=True,
        windows=Windows.of(WINDOWS),
        evaluations=(
            Evaluation(step=5, metric=0.5, loss=1.0, examples=100, wall=0.1),
            Evaluation(step=10, metric=0.75, loss=0.5, examples=100, wall=0.1),
        ),
        first_losses=(2.5, 2.0),
        peak_resident_bytes=10**8,
        peak_device_bytes=None,
        weights_digest="abc",
        parameter_count=10,
    )
    official = {"train": True, "test": True}
    dataset = {"name": "mnist", "source": "real", "official": official, "note": ""}
    return Record(job=job, batch=64, status="ok", measurement=measurement, dataset=dataset)


def test_a_record_survives_its_json() -> None:
    some = some_record()
    assert some.measurement
    window = WINDOWS[0]._replace(read=0.01, first_read=0.002, turn=3)
    measurement = replace(
        some.measurement, windows=Windows.of([window]), other_seconds={"fence": 0.25}
    )
    record = replace(some, measurement=measurement, phases={"train": 1.5}, companions=2, node="n")
    line = record.to_json()
    assert "\n" not in line
    assert record_lines.record(line.encode()) == record


@pytest.mark.parametrize("schema", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_a_record_of_an_older_schema_is_upgraded(schema: int) -> None:
    record = some_record()
    fields = json.loads(record.to_json())
    fields["schema"] = schema
    del fields["job"]["sample"], fields["measurement"]["sample"]
    del fields["node"], fields["job"]["weights"], fields["job"]["weights_file"]
    if schema < 8:
        fields["job"]["cell"]["variant"] = ""
    if schema < 6:
        for name in ("phases", "companions"):
            del fields[name]
        del fields["measurement"]["other_seconds"]
        for column in ("read", "first_read", "turn"):
            del fields["measurement"]["windows"][column]
    if schema < 5:
        for evaluation in fields["measurement"]["evaluations"]:
            evaluation["accuracy"] = evaluation.pop("metric")
        for part in ("workload", "batch"):
            del fields["job"]["cell"][part]
    if schema < 4:
        fields["job"]["cell"] |= fields["job"]["cell"].pop("setting")
    if schema == 1:
        del fields["job"]["cell"]["tuning"]
        for column in ("others", "stolen"):
            del fields["measurement"]["windows"][column]
    tuning = "untold" if schema == 1 else "expert"
    cell = record.job.cell.with_setting(tuning=tuning)
    expected = replace(record, job=replace(record.job, cell=cell), schema=schema)
    assert record_lines.record(json.dumps(fields).encode()) == expected


def test_different_cells_have_different_names() -> None:
    choices = {
        "framework": ("pytorch", "pytorch==2.12.1", "keras[jax]"),
        "task": ("mnist-mlp", "imdb-lstm"),
        "mode": ("eager", "compiled"),
        "device": get_args(Device),
        "precision": get_args(Precision)[:3],
        "threads": (1, 12),
        "feed": get_args(Feed),
        "workload": get_args(Workload),
        "batch": (0, 256),
        "tuning": get_args(Tuning),
    }
    assert set(choices) == set(some_record().job.cell.to_columns())
    cells = [
        Cell.from_columns(dict(zip(choices, values, strict=True)))
        for values in itertools.product(*choices.values())
    ]
    assert len({str(cell) for cell in cells}) == len(cells)
    assert all(Cell.from_columns(cell.to_columns()) == cell for cell in cells)


def test_a_record_of_another_schema_is_refused() -> None:
    line = replace(some_record(), schema=99).to_json()
    with pytest.raises(ValueError, match="schema 99"):
        record_lines.record(line.encode())


def paths(frames: int, symbols: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(symbols), repeat=frames))


def read(path: tuple[int, ...]) -> list[int]:
    """What a path of one symbol a frame spells: repeats once, blanks not at all."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol]


def test_ctc_is_the_probability_of_all_paths_that_spell_the_letters() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 5, 3))
    letters = np.array([[1, 2, 1], [2, 2, 0], [1, 0, 0], [1, 1, 2]])
    counts = np.array([5, 4, 2, 5])
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [
        sum(
            np.prod([own[frame, symbol] for frame, symbol in enumerate(path)])
            for path in paths(count, 3)
            if read(path) == [letter for letter in text if letter]
        )
        for own, text, count in zip(p, letters.tolist(), counts.tolist(), strict=True)
    ]
    np.testing.assert_allclose(np.exp(-unlikelihood(logits, letters, counts)), expected)
    batch = {"letters": letters, "count": counts}
    total, count = CTC().of({"logits": logits}, batch)
    assert (total, count) == (pytest.approx(-np.log(expected).sum()), 4)


def test_a_text_that_does_not_fit_into_its_frames_has_no_probability() -> None:
    logits = np.zeros((1, 3, 2))
    assert unlikelihood(logits, np.array([[1, 1]]), np.array([3])) == pytest.approx(np.log(8))
    assert unlikelihood(logits, np.array([[1, 1]]), np.array([2])) == np.inf


def test_a_character_error_rate_counts_changes() -> None:
    spelt = [[1, 1, 0, 1, 2, 2], [0, 3, 0, 0, 0, 0], [2, 0, 2, 1, 1, 3], [0, 0, 0, 0, 0, 0]]
    logits = np.eye(4)[spelt]
    counts = np.array([6, 6, 5, 6])
    assert read_letters(logits, counts) == [[1, 1, 2], [3], [2, 2, 1], []]
    letters = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [2, 1, 2, 3], [1, 2, 3, 0]])
    batch = {"letters": letters, "count": counts}
    # one too many; none; 2 2 1 for 2 1 2 3 is two away; three are missing
    found = CharacterErrorRate(target=0.1).of({"logits": logits}, batch)
    assert found.tolist() == [1 + 0 + 2 + 3, 10]


def test_only_labelled_nodes_count_in_a_loss_and_an_accuracy() -> None:
    logits = np.array([[[2.0, 0.0], [0.0, 3.0], [1.0, 0.0], [0.0, 0.0]]])
    batch = {"label": np.array([[0, 0, UNLABELLED, 1]], np.int32)}
    outputs = {"logits": logits, "penalty": np.array([[0.25]])}
    loss = NodeCrossEntropy(decay=2**-11, decayed="first.weight")
    assert loss.outputs == ("logits", "penalty")
    total, count = loss.of(outputs, batch)
    expected = np.mean([np.log1p(np.exp(-2)), np.log1p(np.exp(3)), np.log(2)]) + 0.25
    assert (total / count, count) == (pytest.approx(expected), 3)
    # Of equal logits the first is the largest.
    assert NodeAccuracy(target=0.5).of(outputs, batch).tolist() == [1, 3]
    assert "0.00048828125 times the sum of squares of first.weight" in str(loss)


def small_graph(size: tuple[int, int]) -> SparseMatrix:
    return SparseMatrix(array="links", values_of="values", size=size, entries=4, about="links")


def test_a_graph_is_read_as_entries_and_labels(tmp_path: Path) -> None:
    arrays = {
        "links": np.array([[0, 0], [0, 1], [1, 0], [2, 2]], np.uint16),
        "values": np.array([0.5, 0.25, 0.25, 1], np.float32),
        "y": np.array([[1, UNLABELLED, 0]] * 5, np.int8),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"train_{name}.npy", array)
    layout = BatchFormat(floats="float64", labels="int32", tokens="int32")
    field, labels = small_graph((3, 3)), NodeLabels(nodes=3, classes=2)
    reader = field.reader(tmp_path, "train", layout)
    assert len(reader) == len(labels.reader(tmp_path, "train", layout)) == 5
    (found,) = rows = reader.rows(np.array([3]))
    assert rows.shape == (1, *field.shape) and field.values == 12
    assert found["row"].tolist() == [0, 0, 1, 2] and found["column"].tolist() == [0, 1, 0, 2]
    assert found["value"].tolist() == [0.5, 0.25, 0.25, 1]
    assert found["value"].dtype == np.float64 and found["row"].dtype == np.int32
    read = labels.reader(tmp_path, "train", layout).rows(np.array([4]))
    assert read.tolist() == [[1, UNLABELLED, 0]] and read.dtype == np.int32


def test_the_proof_of_dropout_takes_a_graph_of_single_nodes() -> None:
    kind = [("row", "int32"), ("column", "int32"), ("value", "float32")]
    entries = np.array([[(0, 0, 0.5), (0, 1, 0.25), (1, 0, 0.25), (1, 1, 0.5)]], kind)
    assert small_graph((2, 2)).of_each_class(entries, 2)["value"].tolist() == [[1, 0, 0, 1]]
    assert small_graph((2, 9)).of_each_class(entries, 2) is entries  # no links
    assert entries["value"][0, 1] == 0.25
    labels = NodeLabels(nodes=5, classes=3).of_each_class(np.zeros((1, 5), np.int8), 3)
    assert labels.tolist() == [[0, UNLABELLED, 1, UNLABELLED, 2]]


def test_a_whole_graph_is_one_batch() -> None:
    task = tasks.load("cora-gcn")
    assert task.whole and not tasks.load("mnist-mlp").whole
    assert evaluation_batch(task) == task.batch == 1
    assert task.matrices == {"words": (2708, 1433), "links": (2708, 2708)}
    assert not tasks.load("mnist-mlp").matrices
    first, second = task.layers
    assert isinstance(first, GraphConvolution) and (first.width, second.width) == (16, 7)
    assert second.output_values(1) == 2708 * 7


def test_only_the_canvas_of_a_style_transfer_is_trained() -> None:
    task = tasks.load("style-transfer")
    assert [parameter.name for parameter in task.trained] == ["canvas.pixels"]
    assert len(task.parameters) == 1 + 2 * 13
    assert tasks.load("mnist-mlp").trained == tasks.load("mnist-mlp").parameters
    assert task.whole and evaluation_batch(task) == task.batch == 1
    canvas, *convs, style = task.layers
    given = {conv.name: conv.given for conv in convs if isinstance(conv, FeatureConv)}
    assert [name for name, pictures in given.items() if pictures == 1] == [
        *("conv4_3", "conv4_4", "conv5_1"),
    ]
    assert canvas.width == 3 and style.width == 5
    small = task.proved_as
    assert small and [p.shape for p in small.trained] == [(1, 3, 32, 32)]
    assert [p.shape for p in small.parameters[1:]] == [p.shape for p in task.parameters[1:]]


def test_distances_of_a_canvas_are_weighted() -> None:
    outputs = {
        "content": np.array([[0.5]], np.float32),
        "style": np.array([[1, 0, 0.25, 0.25, 0]], np.float32),
    }
    assert StyleLoss(weight=2).of(outputs, {}) == (3.5, 1)
    assert StyleDistance(weight=2, target=0.1).of(outputs, {}).tolist() == [3.5 / 11, 1]
    nothing = {name: np.ones_like(output) for name, output in outputs.items()}
    assert StyleDistance(weight=2, target=0.1).of(nothing, {}).tolist() == [1, 1]


def test_a_recording_is_read_with_zeros_behind_it(tmp_path: Path) -> None:
    arrays = {
        "frames": np.arange(1, 11, dtype=np.int16).reshape(5, 2) * 1000,
        "frame_offsets": np.array([0, 3, 5]),
        "letters": np.array([7, 8, 9], np.uint8),
        "letter_offsets": np.array([0, 1, 3]),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"train_{name}.npy", array)
    layout = BatchFormat(floats="float64", labels="int32")
    rows = np.array([1, 0])

    def rows_of(field: Field) -> Any:
        reader = field.reader(tmp_path, "train", layout)
        assert len(reader) == 2
        return reader.rows(rows)

    frames = Frames(steps=4, features=2)
    assert rows_of(frames)[0].tolist() == [[7, 8], [9, 10], [0, 0], [0, 0]]
    assert rows_of(frames.with_length(2))[1].tolist() == [[1, 2], [3, 4]]
    counts = FrameCount(steps=4)
    assert rows_of(counts).tolist() == [2, 3]
    assert rows_of(counts.with_length(2)).tolist() == [2, 2]
    assert rows_of(counts).dtype == np.int32
    letters = Letters(letters=3, symbols=27)
    assert rows_of(letters).tolist() == [[8, 9, 0], [7, 0, 0]]
    assert letters.with_length(3).shape == (1,)


def test_an_evidence_bound_adds_what_pixels_and_the_code_take() -> None:
    outputs = {
        "logits": np.array([[0.0, np.log(3)], [-np.log(3), 800.0]]),
        "mean": np.array([[0.0], [2.0]]),
        "log_variance": np.array([[0.0], [np.log(4)]]),
    }
    batch = {"image": np.array([[0.7, 1.0], [0.25, 1.0]])}
    # Probabilities of 1/2, 3/4, 1/4 and 1; then N(0, 1), and N(2, 4).
    expected = [
        -np.log(1 / 2) - np.log(3 / 4),
        -(np.log(1 / 4) + 3 * np.log(3 / 4)) / 4 + (2**2 + 4 - 1 - np.log(4)) / 2,
    ]
    found = negative_elbo(
        outputs["logits"],
        batch["image"],
        mean=outputs["mean"],
        log_variance=outputs["log_variance"],
    )
    np.testing.assert_allclose(found, expected)
    total = pytest.approx(sum(expected))
    assert NegativeELBO().of(outputs, batch) == (total, 2)
    assert EvidenceBound(target=105).of(outputs, batch) == pytest.approx([sum(expected), 2])


def test_noise_is_standard_normal_and_independent() -> None:
    values = standard_normal(np.arange(50_000), 20, stream=0).astype(np.float64)
    error = 5 / np.sqrt(values.size)
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((values**power).mean() - moment) < error * np.sqrt(spread)
    for one, other in (
        (values[1:], values[:-1]),
        (values[:, 1:], values[:, :-1]),
        (values, standard_normal(np.arange(50_000), 20, stream=1)),
    ):
        assert abs((one * other).mean()) < 5 / np.sqrt(one.size)
        assert abs((one**2 * other**2).mean() - 1) < 5 * np.sqrt(8 / one.size)


def test_noise_depends_on_the_example_alone(tmp_path: Path) -> None:
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_x.npy", np.zeros((9, 1), np.uint8))
    field, layout = Noise(size=3, layer="decoder"), BatchFormat(floats="float64")
    train, test = (field.reader(tmp_path, split, layout) for split in ("train", "test"))
    assert len(train) == len(test) == 9
    rows = train.rows(np.array([4, 0, 4]))
    assert rows.shape == (3, 3) and rows.dtype == np.float64
    assert (rows[0] == rows[2]).all() and (rows == rows.astype(np.float32)).all()
    assert (train.rows(np.arange(9))[[4, 0, 4]] == rows).all()
    assert not np.isin(test.rows(np.arange(9)), train.rows(np.arange(9))).any()
    # By no generator of numpy, whose numbers may change with its version.
    np.testing.assert_allclose(train.rows(np.arange(1))[0], KNOWN_NOISE, rtol=1e-6)
