"""Texts and pictures that trained networks make, alike in every framework."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.arrays import Array
from bench.core.errors import DataError
from bench.core.fields import Excerpt, Field, Label, NextCharacters, Pixels, Tokens
from bench.core.listener import SILENT
from bench.core.measurement import Passage
from bench.core.noise_field import STREAMS, Noise, standard_normal
from bench.core.pictures import Mark
from bench.core.record import Cell, Record
from bench.core.samples import Continuation, SampleSheet, Transcription, Translation, Written
from bench.core.setting import Setting
from bench.core.speech_fields import FrameCount, Frames, Letters
from bench.core.style import TrainedPicture
from bench.core.task import Budget
from bench.core.translation_fields import PreviousTokens
from bench.datasets import shakespeare
from bench.records import record_lines, run_folder
from bench.records.definition import definition
from bench.run import schedule
from bench.run.plan import Plan
from bench.run.request import Request
from tests.conftest import TINY, Framebench
from tests.test_core import some_record
from tests.test_schedule import PLANNED

FIELDS = {
    "characters": Excerpt(steps=4, vocabulary=5),
    "next": NextCharacters(steps=4, vocabulary=5),
}
ALPHABET = "abcde"
PARTS = ("weight", "bias")


class Canvas:
    """What a network of a style transfer outputs, for the first test example alone."""

    def __init__(self, pixels: Array) -> None:
        self._pixels = pixels

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        assert not inputs
        return {"canvas": self._pixels}


def test_a_canvas_is_shown_as_a_picture(tmp_path: Path) -> None:
    canvas = np.full((1, 3, 2, 4), -0.5)
    canvas[0, 0, 0, 1], canvas[0, 1, 1, 3] = 0.5, 9.0
    sample = TrainedPicture(mean=(0.5, 0.25, 0.1), std=(0.5, 0.5, 0.25))
    (picture,) = sample.write(Canvas(canvas).outputs, {}, tmp_path).pictures
    assert picture.pixels.shape == (2, 4, 3) and picture.pixels.dtype == np.uint8
    assert picture.pixels[0, 0].tolist() == [64, 0, 0]
    assert picture.pixels[0, 1].tolist() == [191, 0, 0]
    assert picture.pixels[1, 3].tolist() == [64, 255, 0]


class Summing:
    """A causal network: the next of five characters is the sum of all that it sees."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        (characters,) = inputs.values()  # (1, T)
        self.read.append(characters[0].tolist())
        return {"logits": np.eye(5)[characters.cumsum(axis=1) % 5]}  # (1, T, K)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    np.save(tmp_path / "test_text.npy", np.array([1, 2, 0, 4, 4, 4], np.uint8))
    np.save(tmp_path / "alphabet.npy", np.frombuffer(ALPHABET.encode(), np.uint8))
    return tmp_path


def test_a_text_is_continued_by_the_likeliest_character(prepared: Path) -> None:
    network = Summing()
    written = Continuation(prompt=2, characters=5).write(network.outputs, FIELDS, prepared)
    # 1 2 | 1 + 2 = 3, 1 + 2 + 3 = 1, 1 + 2 + 3 + 1 = 2, then of four alone: 2 + 3 + 1 + 2 = 3, ...
    assert written == Written(passages=(Passage(given="bc", written="dbcde"),))
    assert network.read == [
        [1, 2, 0, 0],
        [1, 2, 3, 0],
        [1, 2, 3, 1],
        [2, 3, 1, 2],
        [3, 1, 2, 3],
    ]


def test_a_prompt_may_be_longer_than_what_the_network_reads(prepared: Path) -> None:
    network = Summing()
    sample = Continuation(prompt=6, characters=1)
    (passage,) = sample.write(network.outputs, FIELDS, prepared).passages
    assert (passage.given, passage.written) == ("bcaeee", ALPHABET[(0 + 4 + 4 + 4) % 5])
    assert network.read == [[0, 4, 4, 4]]


SENTENCES = {
    "source": Tokens(array="en", offsets="en_offsets", steps=4, vocabulary=9),
    "previous": PreviousTokens(array="fr", offsets="fr_offsets", steps=3, vocabulary=9),
}


class Swapping:
    """A translator that writes the source from its end, each word as the one after it."""

    def __init__(self) -> None:
        self.read: list[list[list[int]]] = []

    def outputs(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        source, previous = inputs["source"], inputs["previous"]
        self.read.append(previous.tolist())
        following = np.where(source[:, ::-1] > 3, source[:, ::-1] + 1, 3)[:, : previous.shape[1]]
        return {"logits": np.eye(9)[following]}  # (N, T, K)


def test_sentences_are_translated_word_by_word(tmp_path: Path) -> None:
    np.save(tmp_path / "test_en.npy", np.array([4, 5, 6, 4, 1, 4, 5, 6, 7], np.int32))
    np.save(tmp_path / "test_en_offsets.npy", np.array([0, 2, 5, 9]))
    (tmp_path / "vocabulary_en.txt").write_text("a\nb\nc\nd\n", encoding="utf-8")
    (tmp_path / "vocabulary_fr.txt").write_text("un\ndeux\ntrois\nquatre\n", encoding="utf-8")
    people = ["deux un", "un mot inconnu", "quatre trois deux un ."]
    (tmp_path / "test_fr.txt").write_text("\n".join(people), encoding="utf-8")
    network = Swapping()
    sample = Translation(sentences=1000, together=2, languages=("en", "fr"))
    wrote = [
        ("a b", "trois deux"),  # 5 4, and then the end
        ("c a ?", ""),  # begins with a word outside the vocabulary
        ("a b c d", "? quatre trois"),  # until there is no more room
    ]
    expected = tuple(
        Passage(given=given, written=written, expected=person)
        for (given, written), person in zip(wrote, people, strict=True)
    )
    assert sample.write(network.outputs, SENTENCES, tmp_path).passages == expected
    # It reads what it has written so far, in batches of one size.
    assert network.read == [
        [[2, 0, 0]] * 2,
        [[2, 6, 0], [2, 3, 0]],
        [[2, 6, 5], [2, 3, 5]],
        [[2, 0, 0]] * 2,
        [[2, 8, 0], [2, 6, 0]],
        [[2, 8, 7], [2, 6, 5]],
    ]
    fewer = replace(sample, sentences=1)
    assert fewer.write(network.outputs, SENTENCES, tmp_path).passages == expected[:1]


def test_a_recording_is_spelt_as_it_is_read(tmp_path: Path) -> None:
    arrays = {
        "test_frames": np.array([[1], [1], [0], [1], [2], [0], [3]], np.int16) * 1000,
        "test_frame_offsets": np.array([0, 5, 7]),
        "test_peaks": np.array(
            [[0, 0], [-9, 0], [0, 4], [-1, 9], [3, 5], [0, 0], [0, 0]], np.int16
        ),
        "test_letters": np.array([1, 1, 2, 3], np.uint8),
        "test_letter_offsets": np.array([0, 3, 4]),
        "alphabet": np.frombuffer(b"\0abc", np.uint8),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    fields: dict[str, Field] = {
        "frames": Frames(steps=6, features=1),
        "letters": Letters(letters=3, symbols=3),
        "count": FrameCount(steps=6),
    }

    def outputs(batch: Mapping[str, Array]) -> dict[str, Array]:
        (frames,) = batch.values()
        return {"logits": np.eye(4)[frames[..., 0].astype(int)]}  # the feature is the letter

    written = Transcription(recordings=5).write(outputs, fields, tmp_path)
    assert [(each.given, each.written) for each in written.passages] == [
        ("somebody says: aab", "aab"),
        ("somebody says: c", "c"),
    ]
    (wave,) = written.pictures
    # Each letter stands below its first frame, of five.
    assert wave.marks == tuple(
        Mark(text=text, place=place) for text, place in (("a", 0.1), ("a", 0.7), ("b", 0.9))
    )
    height, width = wave.pixels.shape
    frames = wave.pixels.reshape(height, 5, width // 5)
    assert (frames == frames[:, :, :1]).all()
    inked = [np.flatnonzero(frames[:, number, 0] < 128) for number in range(5)]
    # A frame is drawn from its lowest to its highest sample; the loudest fills the picture.
    middle, bottom = (height - 1) / 2, height - 1
    assert [abs(rows - middle).max() for rows in inked[:1]] == [0.5]
    assert (inked[1].min(), inked[1].max()) == (math.ceil(middle - 0.5), bottom)
    assert (inked[3].min(), inked[3].max()) == (0, round(middle + middle / 9))
    assert inked[2].min() == round(middle - middle * 4 / 9)
    assert inked[4].max() == round(middle - middle * 3 / 9)


NOISY: dict[str, Field] = {
    "image": Pixels(size=(4,), mean=(0.0,), std=(1.0,)),
    "noise": Noise(size=2, layer="decoder"),
    "label": Label(classes=2),
}


def test_a_sheet_shows_what_a_network_makes_of_noise(tmp_path: Path) -> None:
    np.save(tmp_path / "test_x.npy", np.zeros((3, 1, 2, 2), np.uint8))
    sample = SampleSheet(images=9, columns=2, size=(1, 2), output="sample", black=-1)
    read: list[Mapping[str, Array]] = []

    def outputs(batch: Mapping[str, Array]) -> dict[str, Array]:
        read.append(batch)
        return {"sample": np.array([[-1, 1], [0, 2], [-0.5, -3]])}

    (picture,) = sample.write(outputs, NOISY, tmp_path).pictures
    # Three images of 1 x 2 pixels: two above, and one below, whose neighbour is white.
    gap = [255, 255]
    assert picture.pixels.tolist() == [
        [0, 255, *gap, 128, 255],
        [255] * 6,
        [255] * 6,
        [64, 0, *gap, 255, 255],
    ]
    (batch,) = read
    assert list(batch) == ["image", "noise"]
    assert (batch["noise"] == standard_normal(np.arange(3), 2, stream=STREAMS["test"])).all()


def test_a_sheet_of_logits_shows_probabilities(tmp_path: Path) -> None:
    np.save(tmp_path / "test_x.npy", np.zeros((1, 1, 2, 2), np.uint8))
    sample = SampleSheet(images=1, columns=1, size=(2, 2), output="logits", are_logits=True)
    logits = np.array([[0.0, np.log(3), -np.log(3), -1e9]])
    (picture,) = sample.write(lambda batch: {"logits": logits}, NOISY, tmp_path).pictures
    assert picture.pixels.tolist() == [[128, 191], [64, 0]]


def test_an_autoencoder_makes_images_of_noise_alone() -> None:
    """Without the layers of the code's distribution, the code is the noise."""
    sample = tasks.load("mnist-vae").sample
    assert sample
    trained = {p.name: np.ones(p.shape) for p in tasks.load("mnist-vae").parameters}
    used = sample.weights(trained)
    silent = {name for name, weight in used.items() if not weight.any()}
    assert silent == {f"{layer}.{part}" for layer in ("mean", "log_variance") for part in PARTS}
    assert all((used[name] == trained[name]).all() for name in trained if name not in silent)
    assert trained["mean.bias"].all()


def test_an_adversarial_network_s_images_are_its_samples(tmp_path: Path) -> None:
    task = tasks.load("mnist-gan")
    assert task.sample
    np.save(tmp_path / "test_x.npy", np.zeros((1, 1, 28, 28), np.uint8))
    sample = np.linspace(-1, 1, 784)[None]  # tanh is black at -1
    written = task.sample.write(lambda batch: {"sample": sample}, task.fields, tmp_path)
    (picture,) = written.pictures
    assert (picture.pixels[0, 0], picture.pixels[27, 27]) == (0, 255)


def test_the_definition_says_what_is_given_and_written() -> None:
    task = tasks.load("shakespeare-gpt")
    assert definition(task)["sample"] == str(task.sample)
    assert "first 55 characters of the test text, continued by 300" in str(task.sample)
    assert "sample" not in definition(tasks.load("mnist-mlp"))


def test_characters_are_kept_with_the_text(tmp_path: Path) -> None:
    text = "".join(map(chr, range(33, 33 + shakespeare.CHARACTERS))) * 80
    file = tmp_path / "input.txt"
    file.write_text(text, encoding="ascii")
    arrays = shakespeare.parse({"input.txt": file}, SILENT).arrays
    ids = np.concatenate([arrays["train_text"], arrays["test_text"]])
    assert arrays["alphabet"][ids].tobytes().decode() == text
    file.write_text(text + "z", encoding="ascii")
    with pytest.raises(DataError, match="66 different characters"):
        shakespeare.parse({"input.txt": file}, SILENT)
    alphabet = shakespeare.twin(size=20_000).arrays["alphabet"].tobytes().decode()
    assert len(set(alphabet)) == shakespeare.CHARACTERS
    assert alphabet.isprintable() and alphabet.startswith(" ")


@pytest.mark.parametrize("preset", ["quick", "standard", "full"])
def test_the_first_process_of_each_cell_writes_in_the_full_preset(preset: str) -> None:
    cell = Cell(framework="a", task="shakespeare-gpt", mode="eager", setting=Setting())
    plan = Plan(
        request=Request(preset=preset),
        whole=[cell],
        cells=[cell],
        refused={},
        budgets={cell.task: Budget(epochs=1)},
        stopping=PLANNED,
        name="name",
        folder=Path("folder"),
    )
    blocks = [schedule.block(plan, {cell.task: Path("data")}, number) for number in range(3)]
    asked = [job.sample for block in blocks for (job,) in block]
    assert asked == [preset == "full", False, False]


def writing(record: Record, *passages: Passage) -> Record:
    """The record with such a sample."""
    assert record.measurement
    return replace(record, measurement=replace(record.measurement, sample=passages))


def test_a_sample_survives_its_record() -> None:
    texts = Passage(given="é\n", written='"<b>\x1b\u2028', expected="'")
    record = writing(some_record(), texts, replace(texts, expected=None))
    line = record.to_json()
    assert "\n" not in line
    assert record_lines.record(line.encode()) == record


@pytest.mark.parametrize(
    "passages",
    [
        [Passage(given="a", written="b")] * 3000,
        [Passage(given="a", written="b" * 1_000_000)],
        [Passage(given="a" * 1_000_001, written="")],
        [Passage(given="", written="", expected="a" * 1_000_001)],
    ],
    ids=["many", "long", "long given", "long expected"],
)
def test_a_record_with_a_sample_that_nobody_can_read_is_refused(passages: list[Passage]) -> None:
    line = writing(some_record(), *passages).to_json()
    with pytest.raises(ValueError, match="its sample is too long"):
        record_lines.record(line.encode())


@pytest.mark.frameworks
def test_a_trained_network_writes_outside_of_every_clock(
    framebench: Framebench, tmp_path: Path
) -> None:
    gpt = ["shakespeare-gpt" if part == "mnist-softmax" else part for part in TINY]
    options = ("-p", "full", "--train-examples", "24", "-n", "2", "--data", "synthetic")
    framebench(*gpt, *options)
    first, second = run_folder.read(tmp_path / "results" / "r").records
    assert first.measurement and second.measurement
    (passage,) = first.measurement.sample
    assert (len(passage.given), len(passage.written)) == (55, 300)
    assert second.measurement.sample == ()
    # Both clocks have it, and neither counts it as something else.
    assert first.measurement.other_seconds["sample"] > 0 and first.phases["sample"] > 0
    assert "sample" not in second.measurement.other_seconds and "sample" not in second.phases
    page = (tmp_path / "results" / "r" / "report.html").read_text(encoding="utf-8")
    assert "What the networks write" in page
    assert "The first 55 characters of the test text, continued by 300" in page
