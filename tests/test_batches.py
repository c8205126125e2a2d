"""Batches: the same examples in the same order for every framework, in the layout of each."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.dataset_info import DatasetInfo
from bench.core.errors import DataError
from bench.core.fields import Ids, Pixels, Target, Tokens
from bench.core.losses import RealTokenCrossEntropy, TokenCrossEntropy
from bench.core.noise_field import Noise
from bench.core.readers import BatchFormat
from bench.core.split import Split, unlabelled
from bench.core.task import Task
from bench.worker.evaluation import evaluation_batch

FORMAT = BatchFormat()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, count in (("train", 200), ("test", 30)):
        np.save(tmp_path / f"{split}_x.npy", rng.integers(0, 256, (count, 3, 4, 5), np.uint8))
        np.save(tmp_path / f"{split}_y.npy", rng.integers(0, 10, count, np.uint8))
    return tmp_path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    lengths = [3, 0, 8, 1]
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_tokens.npy", np.arange(1, sum(lengths) + 1, dtype=np.int32))
        np.save(tmp_path / f"{split}_offsets.npy", np.cumsum([0, *lengths]))
        np.save(tmp_path / f"{split}_y.npy", np.array([0, 1, 1, 0], np.uint8))
    return tmp_path


@pytest.fixture
def image_task() -> Task:
    task = tasks.load("cifar-cnn")
    image = Pixels(size=(3, 4, 5), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    return replace(task, fields={**task.fields, "image": image}, batch=64)


def test_pixels_are_scaled_channel_by_channel(images: Path, image_task: Task) -> None:
    x, y = Split(images, "test", image_task, FORMAT, None).batch(np.array([4, 2])).values()
    raw = np.load(images / "test_x.npy", allow_pickle=False)[[4, 2]] / 255
    mean, std = np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.7])
    expected = (raw - mean[:, None, None]) / std[:, None, None]
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, atol=1e-6)
    assert y.tolist() == np.load(images / "test_y.npy", allow_pickle=False)[[4, 2]].tolist()


@pytest.mark.parametrize(
    "name",
    [
        "mnist-mlp",
        "mnist-vae",
        "mnist-gan",
        "imdb-lstm",
        "movielens-ncf",
        "multi30k-seq2seq",
        "shakespeare-gpt",
    ],
)
def test_evaluation_is_staged_without_its_targets(name: str) -> None:
    task = tasks.load(name)
    batch = {field: np.full((4, *part.shape), 7) for field, part in task.fields.items()}
    staged = unlabelled(task, batch)
    assert list(staged) == list(batch)  # a session takes them by their places
    for field, array in staged.items():
        assert (array.dtype, array.shape) == (batch[field].dtype, batch[field].shape)
        assert (array == (0 if task.fields[field].target else 7)).all()
    targets = [update.loss.target for update in task.updates]
    assert all((batch[target] == 7).all() for target in targets)  # the metric's own are kept


def test_noise_is_left_out_of_the_same_buffers(images: Path, image_task: Task) -> None:
    noise = Noise(size=6, layer="conv1")
    image, label = image_task.fields.values()
    task = replace(image_task, fields={"image": image, "noise": noise, "label": label}, batch=4)
    assert (task.noise, task.data) == ({"noise": "conv1"}, ("image", "label"))
    whole = Split(images, "train", task, FORMAT, None)
    bare = whole.without_noise()
    rows = np.arange(8).reshape(2, 4)
    first = bare.window(rows)
    assert [list(batch) for batch in first] == [["image", "label"]] * 2
    second = whole.window(rows)
    assert [list(batch) for batch in second] == [["image", "noise", "label"]] * 2
    assert second[1]["noise"].shape == (4, 6)
    for one, other in zip(first, second, strict=True):
        assert np.shares_memory(one["image"], other["image"])
        assert (one["label"] == other["label"]).all()


def test_channels_last_holds_the_same_pixels(images: Path, image_task: Task) -> None:
    rows = np.arange(7)
    first = Split(images, "train", image_task, FORMAT, None).batch(rows)["image"]
    layout = BatchFormat(channels_last=True, labels="int32")
    last, labels = Split(images, "train", image_task, layout, None).batch(rows).values()
    np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), first)
    assert last.flags.c_contiguous and labels.dtype == np.int32


def test_pixels_are_the_same_numbers_in_either_type(images: Path, image_task: Task) -> None:
    double = BatchFormat(floats="float64")
    rows = np.arange(4)
    for format_, dtype in ((FORMAT, np.float32), (double, np.float64)):
        split = Split(images, "train", image_task, format_, None)
        x = split.batch(rows)["image"]
        assert x.dtype == dtype
        np.testing.assert_array_equal(
            x, Split(images, "train", image_task, FORMAT, None).batch(rows)["image"]
        )
        np.testing.assert_array_equal(x, split.window(rows[None])[0]["image"])


@pytest.mark.parametrize("channels_last", [False, True])
def test_windows_hold_the_same_pixels_and_lie_in_the_same_memory(
    channels_last: bool, images: Path, image_task: Task
) -> None:
    split = Split(images, "train", image_task, BatchFormat(channels_last=channels_last), None)
    order = np.random.default_rng(0).permutation(192).reshape(12, 16)
    first: list[np.ndarray] = []
    for chosen in np.array_split(np.arange(12), 5):  # windows of three batches and of two
        window = split.window(order[chosen])
        for positions, batch in zip(order[chosen], window, strict=True):
            fresh = split.batch(positions)
            np.testing.assert_array_equal(batch["image"], fresh["image"])
            np.testing.assert_array_equal(batch["label"], fresh["label"])
        pixels = [batch["image"] for batch in window]
        first = first or pixels
        assert all(np.shares_memory(x, old) for x, old in zip(pixels, first, strict=False))
        assert not any(np.shares_memory(a, b) for a, b in itertools.pairwise(pixels))


def test_an_epoch_is_a_shuffle_without_repeats(images: Path, image_task: Task) -> None:
    split = Split(images, "train", image_task, FORMAT, None)
    order = split.epoch(0, 0)
    assert order.shape == (3, 64)  # 200 examples: 8 fill no batch
    assert len(set(order.ravel().tolist())) == 192
    np.testing.assert_array_equal(order, split.epoch(0, 0))
    assert (order != split.epoch(0, 1)).any()
    assert (order != split.epoch(1, 0)).any()


def test_a_limit_keeps_the_same_examples_whatever_the_seed(images: Path, image_task: Task) -> None:
    splits = [Split(images, "train", image_task, FORMAT, 70) for _ in range(2)]
    rows = np.arange(70)
    np.testing.assert_array_equal(*(split.batch(rows)["image"] for split in splits))
    assert len(splits[0]) == 70
    everything = Split(images, "train", image_task, FORMAT, None).batch(rows)["image"]
    assert (splits[0].batch(rows)["image"] != everything).any()  # not just the first 70


def test_too_few_examples_for_a_batch_are_refused(images: Path, image_task: Task) -> None:
    with pytest.raises(DataError, match="63 training examples do not fill a batch of 64"):
        Split(images, "train", image_task, FORMAT, 63).epoch(0, 0)


def test_evaluation_sees_every_example_once(images: Path, image_task: Task) -> None:
    split = Split(images, "test", image_task, FORMAT, None)
    batches = list(split.in_order(8))
    assert [count for _, count in batches] == [8, 8, 8, 6]
    assert {len(array) for batch, _ in batches for array in batch.values()} == {8}
    labels = np.concatenate([batch["label"][:count] for batch, count in batches])
    assert labels.tolist() == np.load(images / "test_y.npy", allow_pickle=False).tolist()


def test_texts_are_padded_at_the_front_and_cut_at_the_front(texts: Path) -> None:
    task = tasks.load("imdb-lstm").with_length(5)
    task = replace(task, fields={**task.fields, "tokens": Tokens(steps=5, vocabulary=10)})
    split = Split(texts, "train", task, BatchFormat(tokens="int32"), None)
    x, y = split.batch(np.arange(4)).values()
    assert x.dtype == np.int32
    assert x.tolist() == [
        [0, 0, 1, 2, 3],
        [0, 0, 0, 0, 0],
        [7, 8, 9, 1, 1],  # 10 and 11 are outside the vocabulary
        [0, 0, 0, 0, 1],  # and so is 12
    ]
    assert y.dtype == np.float32 and y.tolist() == [[0], [1], [1], [0]]


def test_texts_under_a_softmax_have_class_labels(texts: Path) -> None:
    task = tasks.load("imdb-gru").with_length(5)
    split = Split(texts, "train", task, BatchFormat(labels="int32"), None)
    x, y = split.batch(np.arange(4)).values()
    assert x.shape == (4, 5) and y.dtype == np.int32 and y.tolist() == [0, 1, 1, 0]


def test_labels_under_a_sigmoid_are_floats(texts: Path) -> None:
    task = tasks.load("imdb-lstm").with_length(5)
    split = Split(texts, "train", task, BatchFormat(floats="float64"), None)
    y = split.batch(np.arange(4))["label"]
    assert y.dtype == np.float64 and y.shape == (4, 1)


def test_a_folder_without_a_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no prepared data set"):
        DatasetInfo.read(tmp_path)
    fields = {"name": "a", "source": "real", "digest": {}, "official": {}}
    (tmp_path / "dataset.json").write_text(json.dumps(fields), encoding="utf-8")
    assert DatasetInfo.read(tmp_path).name == "a"


def test_ids_and_targets_are_laid_out_by_their_fields(tmp_path: Path) -> None:
    for name, values in {"user": [3, 0, 1], "item": [7, 9, 8], "rating": [5, 1, 4]}.items():
        np.save(tmp_path / f"train_{name}.npy", np.array(values, np.uint8))
    layout = BatchFormat(tokens="int32", floats="float64")
    batch = Split(tmp_path, "train", tasks.load("movielens-ncf"), layout, None).batch(
        np.array([2, 0])
    )
    assert list(batch) == ["user", "item", "rating"]
    assert batch["user"].tolist() == [1, 3] and batch["user"].dtype == np.int32
    assert batch["rating"].tolist() == [[4.0], [5.0]] and batch["rating"].dtype == np.float64


def test_fields_of_different_lengths_are_refused(tmp_path: Path) -> None:
    for name, count in {"user": 3, "item": 3, "rating": 2}.items():
        np.save(tmp_path / f"train_{name}.npy", np.zeros(count, np.uint8))
    with pytest.raises(DataError, match=r"differ in length.*'rating': 2"):
        Split(tmp_path, "train", tasks.load("movielens-ncf"), FORMAT, None)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text of which each character is its place, and three excerpts of it."""
    for split in ("train", "test"):
        np.save(tmp_path / f"{split}_text.npy", np.arange(30, dtype=np.uint8))
        np.save(tmp_path / f"{split}_starts.npy", np.array([0, 7, 20]))
    return tmp_path


def test_an_excerpt_is_read_beside_the_characters_that_follow(text: Path) -> None:
    task = tasks.load("shakespeare-gpt").with_length(5)
    layout = BatchFormat(tokens="int32", labels="int64")
    batch = Split(text, "train", task, layout, None).batch(np.array([2, 0]))
    assert list(batch) == ["characters", "next"]
    assert batch["characters"].tolist() == [[20, 21, 22, 23, 24], [0, 1, 2, 3, 4]]
    assert batch["next"].tolist() == [[21, 22, 23, 24, 25], [1, 2, 3, 4, 5]]
    assert batch["characters"].dtype == np.int32 and batch["next"].dtype == np.int64
    assert not unlabelled(task, batch)["next"].any()


def test_the_loss_of_tokens_and_bits_a_character_by_hand() -> None:
    task = tasks.load("shakespeare-gpt")
    logits = np.zeros((2, 2, 4))  # each of four characters is as likely
    logits[1, 1] = [0.0, 0.0, 0.0, np.log(5.0)]  # 1/8, 1/8, 1/8, 5/8
    outputs, batch = {"logits": logits}, {"next": np.array([[0, 3], [1, 2]])}
    bits = task.metric.of(outputs, batch)
    assert bits == pytest.approx([2 + 2 + 2 + 3, 4])
    assert task.metric.value(bits) == pytest.approx(9 / 4)
    loss, count = task.updates[0].loss.of(outputs, batch)
    assert (loss, count) == (pytest.approx(9 * np.log(2)), 4)


def test_the_proof_pads_every_fourth_text_and_leaves_other_fields_alone() -> None:
    array = np.ones((8, 6), np.int64)
    assert Tokens(steps=6, vocabulary=10).shortened(array.copy()).sum(axis=1).tolist() == [
        *(3, 6, 6, 6),
        *(3, 6, 6, 6),
    ]
    for field in (Ids(array="user", count=9), Target(about="a number")):
        assert (field.shortened(array) == array).all()


def test_metrics_and_losses_by_hand() -> None:
    softmax, sigmoid = tasks.load("mnist-mlp"), tasks.load("imdb-lstm")
    outputs, batch = {"logits": np.array([[0.0, np.log(3.0)], [2.0, 0.0]])}, {}
    batch["label"] = np.array([1, 1])
    assert softmax.metric.of(outputs, batch).tolist() == [1, 2]
    expected = -np.log(0.75) - np.log(1 / (1 + np.exp(2.0)))
    assert softmax.updates[0].loss.of(outputs, batch) == (pytest.approx(expected), 2)
    outputs, batch = {"logits": np.array([[1.0], [-800.0], [-1.0]])}, {}
    batch["label"] = np.array([[1.0], [1.0], [0.0]])
    assert sigmoid.metric.of(outputs, batch).tolist() == [2, 3]
    expected = 2 * np.log1p(np.exp(-1.0)) + 800
    assert sigmoid.updates[0].loss.of(outputs, batch) == (pytest.approx(expected), 3)


def test_a_root_of_a_mean_adds_up_over_batches() -> None:
    task = tasks.load("movielens-ncf")
    predictions, ratings = np.array([[3.0], [4.5], [1.0]]), np.array([[5.0], [4.0], [1.0]])
    sums = np.zeros(2)
    for rows in (slice(0, 2), slice(2, 3)):
        sums += task.metric.of({"prediction": predictions[rows]}, {"rating": ratings[rows]})
    assert task.metric.value(sums) == pytest.approx(np.sqrt((4 + 0.25) / 3))
    loss = task.updates[0].loss.of({"prediction": predictions}, {"rating": ratings})
    assert loss == (pytest.approx(4.25), 3)


def test_padding_counts_in_no_loss_and_no_metric() -> None:
    """The mean over three tokens, not the mean of 0 (of one token) and log 2 (of two)."""
    task = tasks.load("multi30k-seq2seq")
    logits = np.zeros((2, 3, 4))
    logits[0] = [[0, 0, 0, 800], [7, 0, 0, 0], [7, 0, 0, 0]]
    logits[1] = [[-800, 1, 1, -800], [-800, 1, 1, -800], [0, 7, 0, 0]]
    outputs, batch = {"logits": logits}, {"next": np.array([[3, 0, 0], [1, 2, 0]])}
    loss, count = task.updates[0].loss.of(outputs, batch)
    assert (loss, count) == (pytest.approx(2 * np.log(2.0)), 3)
    assert task.metric.of(outputs, batch).tolist() == [2, 3]  # of two equal logits, the first


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loss_over_many_tokens_is_that_of_each(dtype: str) -> None:
    rng = np.random.default_rng(0)
    logits, tokens = rng.normal(size=(5, 4, 9)).astype(dtype), rng.integers(0, 9, (5, 4))
    probabilities = np.exp(logits.astype(np.float64))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    own = np.array(
        [
            [p[t] for p, t in zip(*each, strict=True)]
            for each in zip(probabilities, tokens, strict=True)
        ]
    )
    outputs, batch = {"logits": logits}, {"next": tokens}
    every = TokenCrossEntropy().of(outputs, batch)
    assert every == (pytest.approx(-np.log(own).sum()), 20)
    real = RealTokenCrossEntropy().of(outputs, batch)
    assert real == (pytest.approx(-np.log(own[tokens != 0]).sum()), np.count_nonzero(tokens))


def test_a_translation_is_read_from_its_start_and_predicted_to_its_end(tmp_path: Path) -> None:
    lengths = [2, 1, 3, 5]
    for language, first in (("en", 4), ("fr", 40)):
        words = np.arange(first, first + sum(lengths), dtype=np.int32)
        np.save(tmp_path / f"train_{language}.npy", words)
        np.save(tmp_path / f"train_{language}_offsets.npy", np.cumsum([0, *lengths]))
    task = tasks.load("multi30k-seq2seq")
    few = {name: replace(field, vocabulary=48) for name, field in task.fields.items()}
    task = replace(task, fields=few).with_length(4)
    split = Split(tmp_path, "train", task, BatchFormat(labels="int32"), None)
    batch = split.batch(np.array([0, 1, 2, 3]))
    assert list(batch) == ["source", "previous", "next"]
    assert batch["source"].tolist() == [[0, 0, 4, 5], [0, 0, 0, 6], [0, 7, 8, 9], [11, 12, 13, 14]]
    # 48 and more are outside the vocabulary; the last sentence is cut before its end
    assert batch["previous"].tolist() == [
        [2, 40, 41, 0],
        [2, 42, 0, 0],
        [2, 43, 44, 45],
        [2, 46, 47, 1],
    ]
    assert batch["next"].tolist() == [
        [40, 41, 3, 0],
        [42, 3, 0, 0],
        [43, 44, 45, 3],
        [46, 47, 1, 1],
    ]
    assert (batch["previous"].dtype, batch["next"].dtype) == (np.int64, np.int32)
    assert ((batch["previous"] == 0) == (batch["next"] == 0)).all()
    shortened = {name: few[name].shortened(array.copy()) for name, array in batch.items()}
    assert shortened["source"].tolist() == batch["source"].tolist()  # the first is short already
    assert all((array != 0).any(axis=1).all() for array in shortened.values())


def test_a_large_vocabulary_is_evaluated_in_small_batches() -> None:
    assert evaluation_batch(tasks.load("mnist-mlp")) == 500
    task = tasks.load("multi30k-seq2seq")
    assert evaluation_batch(task) == 2**23 // (20 * 8_000) == 52
    assert evaluation_batch(task.with_length(10)) == 104
