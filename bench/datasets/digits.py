"""Spoken digits: the Free Spoken Digit Dataset 1.0.10, Jackson and others (2020),
https://github.com/Jakobovski/free-spoken-digit-dataset.

Recordings of one digit each, mono, 8 kHz, 16 bits, are called `DIGIT_SPEAKER_INDEX.wav`; of each
digit and speaker those with an index below 5 are the test set. An example is two to four recordings
of one speaker, one after the other, and what is said in them, in letters.
"""

from __future__ import annotations

import hashlib
import io
import re
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, read_members
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# A letter's number; 0 is no letter, the blank of CTC.
SYMBOLS = {symbol: number for number, symbol in enumerate("abcdefghijklmnopqrstuvwxyz ", start=1)}
# Frames and letters that an example has at most.
FRAMES, LETTERS = 200, 24
FEATURES = 40
# Features are kept as integers: so many times what they are.
SCALE = 1000

_RATE = 8000  # samples a second
_WINDOW, _HOP = 200, 80  # 25 ms, every 10 ms
_FOURIER = 512  # samples with the zeros behind a window: enough that no band has no frequency
_SILENCE = 1e-6  # added to each band's energy

_WANTED = re.compile(r"(?:^|/)recordings/(\d)_([a-z]+)_(\d+)\.wav$")
_TEST_INDICES = 5
# sha256 over names and contents of the recordings of the tag v1.0.10, in the order of their names.
_OFFICIAL_SHA256 = "6b1a8e30f4df78a933fe25cf1ca0140c8c6f169c0a83649a15b70a5ae7407014"
# Bytes; the recordings have some 21 million.
_MOST_UNPACKED = 1 << 28
_EXPECTED = "recordings/DIGIT_SPEAKER_INDEX.wav, mono, 8 kHz, 16 bits"

_STREAM = 8  # of random numbers
_SPEAKERS = 6  # of the twin

# How often each recording is used, in different company.
_TIMES: dict[SplitName, int] = {"train": 8, "test": 3}


@dataclass(frozen=True, kw_only=True)
class _Recording:
    """What one speaker says once.

    `frames` are (T, FEATURES); `peaks`, int16 (T, 2), the lowest and the highest sample of each.
    """

    digit: int
    speaker: str
    index: int
    frames: Array
    peaks: Array

    @property
    def split(self) -> SplitName:
        return "test" if self.index < _TEST_INDICES else "train"


def _mel(frequency: Array) -> Array:
    """Frequencies in Hz as their pitch in mel, by O'Shaughnessy (1987)."""
    pitch: Array = 2595 * np.log10(1 + frequency / 700)
    return pitch


def _bands() -> Array:
    """The weight of each frequency in each band, (FEATURES, frequencies).

    Bands are triangles, equally wide in mel, of which each begins in the middle of the last.
    """
    edges = np.linspace(0, _mel(np.array(_RATE / 2)), FEATURES + 2)
    frequencies = _mel(np.fft.rfftfreq(_FOURIER, 1 / _RATE))
    width = edges[1] - edges[0]
    weights: Array = np.maximum(0, 1 - np.abs(frequencies - edges[1:-1, None]) / width)
    return weights


def windows_of(samples: Array) -> Array:
    """The stretch of a recording that each frame is about: (S,) -> (T, _WINDOW).

    A recording shorter than a window is filled up with silence.
    """
    samples = np.pad(samples, (0, max(0, _WINDOW - len(samples))))
    found: Array = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    return found


def log_mel(windows: Array) -> Array:
    """The logarithm of the energy of int16 samples in each band: (T, _WINDOW) -> (T, FEATURES)."""
    spectrum = np.abs(np.fft.rfft(windows / 2.0**15 * np.hanning(_WINDOW), _FOURIER)) ** 2
    found: Array = np.log(spectrum @ _bands().T + _SILENCE)
    return found


def _samples(path: Path, name: str, content: bytes) -> Array:
    """A recording's samples, int16 (S,)."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            kind = (sound.getnchannels(), sound.getframerate(), sound.getsampwidth())
            samples = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:
        raise damaged(path, why=f"its {name}: {error}", expected=_EXPECTED) from error
    if kind != (1, _RATE, 2) or not samples or len(samples) % 2:
        why = f"its {name} has {len(samples)} bytes of {kind[0]} x {kind[1]} Hz x {kind[2]} bytes"
        raise damaged(path, why=why, expected=_EXPECTED)
    return np.frombuffer(samples, "<i2")


def _examples(
    recordings: Sequence[_Recording], times: int, rng: np.random.Generator
) -> list[list[_Recording]]:
    """Two to four recordings of one speaker each. Too long ones are left out."""
    speakers = sorted({recording.speaker for recording in recordings})
    found = []
    for _ in range(times):
        for speaker in speakers:
            own = [recording for recording in recordings if recording.speaker == speaker]
            # By sorting, as the stream of numpy's own permutation may change.
            order = np.argsort(rng.random(len(own)), kind="stable").tolist()
            while len(order) >= 2:
                count = 2 + int(below(rng, 3, 1)[0])
                taken, order = order[:count], order[count:]
                found.append([own[place] for place in taken])
    return [example for example in found if _fits(example)]


def _fits(example: Sequence[_Recording]) -> bool:
    frames = sum(len(recording.frames) for recording in example)
    text = _text(example)
    pairs = sum(one == other for one, other in pairwise(text))
    return len(text) + pairs <= frames <= FRAMES


def _text(example: Sequence[_Recording]) -> str:
    return " ".join(DIGITS[recording.digit] for recording in example)


def _laid_out(split: SplitName, examples: Sequence[Sequence[_Recording]]) -> dict[str, Array]:
    """Examples as the fields of `bench.core.speech_fields` read them, and the letters' codes."""
    frames = [np.concatenate([recording.frames for recording in each]) for each in examples]
    letters = [[SYMBOLS[symbol] for symbol in _text(each)] for each in examples]
    return {
        "alphabet": np.frombuffer(("\0" + "".join(SYMBOLS)).encode(), np.uint8),
        f"{split}_frames": np.concatenate(frames),
        f"{split}_peaks": np.concatenate([one.peaks for each in examples for one in each]),
        f"{split}_frame_offsets": np.cumsum([0, *map(len, frames)]),
        f"{split}_letters": np.concatenate(letters).astype(np.uint8),
        f"{split}_letter_offsets": np.cumsum([0, *map(len, letters)]),
    }


def _as_integers(recordings: Sequence[_Recording]) -> list[_Recording]:
    """Features less their mean over the training set, by their standard deviation, times SCALE."""
    known = np.concatenate([each.frames for each in recordings if each.split == "train"])
    mean, deviation = known.mean(axis=0), known.std(axis=0) + _SILENCE
    limits = np.iinfo(np.int16)

    def integers(frames: Array) -> Array:
        scaled = np.rint((frames - mean) / deviation * SCALE)
        kept: Array = np.clip(scaled, limits.min, limits.max).astype(np.int16)
        return kept

    return [replace(each, frames=integers(each.frames)) for each in recordings]


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive, or its folder, as `{train,test}_frames` int16 (T, 40), and `_letters` uint8.

    With `_peaks`, int16 (T, 2), `_frame_offsets` and `_letter_offsets`, int64 (N + 1,), and the
    `alphabet`, uint8. Raises DataError for a damaged archive. Recordings that are not the published
    ones are read, and marked as not official.
    """
    (path,) = files.values()
    listener.phase("digits", f"reading {path.name}")
    contents: dict[str, bytes] = {}
    for name, content in read_members(
        path, lambda name: bool(_WANTED.search(name)), expected=_EXPECTED, most=_MOST_UNPACKED
    ):
        contents[name.rpartition("/")[2]] = content
    sha = hashlib.sha256()
    recordings = []
    for name in sorted(contents):
        sha.update(name.encode() + b"\0" + contents[name])
        digit, speaker, index = _parts(name)
        windows = windows_of(_samples(path, name, contents[name]))
        recordings.append(
            _Recording(
                digit=digit,
                speaker=speaker,
                index=index,
                frames=log_mel(windows),
                peaks=np.stack([windows.min(axis=1), windows.max(axis=1)], axis=1),
            )
        )
    if {each.split for each in recordings} != set(SPLITS):
        why = f"it has {len(recordings)} recordings, without those of a test or a training set"
        raise damaged(path, why=why, expected=_EXPECTED)
    recordings = _as_integers(recordings)
    arrays: dict[str, Array] = {}
    for number, split in enumerate(SPLITS, start=1):
        own = [each for each in recordings if each.split == split]
        examples = _examples(own, _TIMES[split], generator(_STREAM, 0, number))
        if not examples:
            why = f"no two recordings of a speaker of its {split} set fit into {FRAMES} frames"
            raise damaged(path, why=why, expected=_EXPECTED)
        arrays |= _laid_out(split, examples)
    is_official = sha.hexdigest() == _OFFICIAL_SHA256
    official: dict[SplitName, bool] = dict.fromkeys(SPLITS, is_official)
    note = "" if is_official else f"{len(recordings)} recordings are not those of v1.0.10"
    return Content(arrays=arrays, official=official, note=note)


def _parts(name: str) -> tuple[int, str, int]:
    digit, speaker, index = name.removesuffix(".wav").split("_")
    return int(digit), speaker, int(index)


def _spoken(digit: int, speaker: int, shapes: Array, rng: np.random.Generator) -> Array:
    """Frames of a digit's letters, int16 (T, FEATURES): three to eight of each, with noise."""
    frames = []
    for symbol in DIGITS[digit]:
        length = 3 + int(below(rng, 6, 1)[0])
        frames.append(np.repeat(shapes[SYMBOLS[symbol]][None], length, axis=0))
    sound = np.concatenate(frames) + shapes[-1 - speaker] // 4
    noise = below(rng, 2 * SCALE + 1, sound.size).reshape(sound.shape) - SCALE
    found: Array = (sound + noise).astype(np.int16)
    return found


def _made_up(digit: int, speaker: int, index: int, frames: Array) -> _Recording:
    """A recording of the twin, which has no sound: its peaks are where its features are extreme."""
    peaks = np.stack([frames.min(axis=1), frames.max(axis=1)], axis=1)
    return _Recording(digit=digit, speaker=str(speaker), index=index, frames=frames, peaks=peaks)


def twin(*, each: Mapping[SplitName, int] | None = None) -> Content:
    """The twin, in which every letter sounds the same wherever it stands, but for a speaker's tone.

    `each` says how many recordings of a digit a speaker has.
    """
    counts = each or {"train": 45, "test": _TEST_INDICES}
    rng = generator(_STREAM, 0)
    shapes = below(rng, 4 * SCALE, (len(SYMBOLS) + 1 + _SPEAKERS) * FEATURES) - 2 * SCALE
    shapes = shapes.reshape(-1, FEATURES)
    arrays: dict[str, Array] = {}
    for number, split in enumerate(SPLITS, start=1):
        rng = generator(_STREAM, number)
        recordings = [
            _made_up(digit, speaker, index, _spoken(digit, speaker, shapes, rng))
            for digit in range(10)
            for speaker in range(_SPEAKERS)
            for index in range(counts[split])
        ]
        arrays |= _laid_out(split, _examples(recordings, _TIMES[split], rng))
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, False), note=NOTE)


DATASET = Dataset(
    name="digits",
    folders=("digits", "fsdd", "free-spoken-digit-dataset*"),
    files=(
        OfficialFile(
            name="free-spoken-digit-dataset-1.0.10.tar.gz",
            urls=(
                "https://github.com/Jakobovski/free-spoken-digit-dataset"
                "/archive/refs/tags/v1.0.10.tar.gz",
            ),
            # Packed by the site anew, so what it packs decides.
            md5=None,
            size=1 << 25,
            accepts=("free-spoken-digit-dataset*.*", "fsdd*.*"),
            unpacked="free-spoken-digit-dataset-1.0.10",
        ),
    ),
    parse=parse,
    twin=twin,
)
