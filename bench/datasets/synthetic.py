"""Synthetic twins: data with the shapes, types and counts of the real data sets, from a seed.

With them every cell can run where nothing can be downloaded. Networks learn them about as fast as
the real data: a linear model learns the images nearly, but not fully, and texts can only be learned
from the order of words. No operation is used whose last digit depends on the machine (exponentials,
floating-point sums), so that every machine generates the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.core.dataset_info import SplitName
from bench.core.weights import Array
from bench.datasets.content import SPLITS, Content
from bench.datasets.imdb import encode

NOTE = "synthetic twin"
_SEED = 20240229
_CLASSES = 10
_BLOCK = 2000  # images generated at a time, to limit memory


def _generator(*words: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([_SEED, *words]))


def _below(rng: np.random.Generator, stop: int, size: int) -> Array:
    """Integers 0 to stop - 1, by `random`, whose stream is the same in every release of numpy."""
    return (rng.random(size) * stop).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """How the twin of an image set is generated.

    A prototype is a smooth random field: `grid` x `grid` values, interpolated bilinearly to the
    image's size, minus `threshold`, times `contrast`. An image is a prototype of its class, shifted
    by up to `shift` pixels, plus a weaker prototype of any class (at most `distractor` / 128), plus
    `background`, plus uniform noise of up to `noise`.
    """

    stream: int
    shape: tuple[int, int, int]
    train: int
    test: int
    prototypes: int
    grid: int
    threshold: int
    contrast: int
    ink: bool  # whether prototypes are nowhere below the background, like pen strokes
    background: int
    shift: int
    distractor: int
    noise: int


MNIST = Pictures(
    stream=1, shape=(1, 28, 28), train=60_000, test=10_000,
    prototypes=4, grid=6, threshold=165, contrast=8, ink=True, background=-16,
    shift=2, distractor=64, noise=40,
)  # fmt: skip
CIFAR10 = Pictures(
    stream=2, shape=(3, 32, 32), train=50_000, test=10_000,
    prototypes=10, grid=7, threshold=128, contrast=1, ink=False, background=120,
    shift=5, distractor=112, noise=64,
)  # fmt: skip


def _bilinear(grid: int, side: int) -> Array:
    """Integer weights (side, grid), each row summing to side - 1."""
    positions = np.arange(side) * (grid - 1)
    left = np.minimum(positions // (side - 1), grid - 2)
    rest = positions - left * (side - 1)
    weights = np.zeros((side, grid), np.int64)
    weights[np.arange(side), left] = side - 1 - rest
    weights[np.arange(side), left + 1] = rest
    return weights


def _prototypes(kind: Pictures) -> Array:
    """Every prototype at every shift: int16 (classes * prototypes, shifts, C, H, W)."""
    channels, side, _ = kind.shape
    rng = _generator(kind.stream, 0)
    count = _CLASSES * kind.prototypes
    size = (count, channels, kind.grid, kind.grid)
    coarse = rng.integers(0, 256, size, dtype=np.uint8).astype(np.int64)
    weights = _bilinear(kind.grid, side)
    fine = (weights @ coarse @ weights.T) // (side - 1) ** 2  # (count, C, H, W), 0 to 255
    fine = (fine - kind.threshold) * kind.contrast
    fine = np.clip(fine, 0 if kind.ink else -255, 255).astype(np.int16)
    steps = range(-kind.shift, kind.shift + 1)
    return np.stack([np.roll(fine, by, axis=(2, 3)) for by in product(steps, steps)], axis=1)


def _draw(kind: Pictures, labels: Array, table: Array, rng: np.random.Generator) -> Array:
    """Images uint8 (N, C, H, W) of the given classes."""
    count = len(labels)
    prototype = labels * kind.prototypes + _below(rng, kind.prototypes, count)
    other = _below(rng, len(table), count)
    shifts = table.shape[1]
    strength = 96 + _below(rng, 33, count)
    weaker = _below(rng, kind.distractor + 1, count)
    per_image = (count, 1, 1, 1)
    x = table[prototype, _below(rng, shifts, count)].astype(np.int32) * strength.reshape(per_image)
    x += table[other, _below(rng, shifts, count)].astype(np.int32) * weaker.reshape(per_image)
    x >>= 7
    grain = rng.integers(0, 256, x.shape, dtype=np.uint8).view(np.int8).astype(np.int32)
    x += (grain * kind.noise) >> 7
    image: Array = np.clip(x + kind.background, 0, 255).astype(np.uint8)
    return image


def images(kind: Pictures, *, train: int | None = None, test: int | None = None) -> Content:
    """The twin of an image set; `train` and `test` override its numbers of examples."""
    table = _prototypes(kind)
    counts = {"train": train or kind.train, "test": test or kind.test}
    arrays: dict[str, Array] = {}
    for number, split in enumerate(SPLITS, start=1):
        rng = _generator(kind.stream, number)
        x = np.empty((counts[split], *kind.shape), np.uint8)
        labels = _below(rng, _CLASSES, counts[split])
        for start in range(0, counts[split], _BLOCK):
            block = slice(start, start + _BLOCK)
            x[block] = _draw(kind, labels[block], table, rng)
        arrays |= {f"{split}_x": x, f"{split}_y": labels.astype(np.uint8)}
    return Content(arrays=arrays, official={"train": False, "test": False}, note=NOTE)


_TEXT_STREAM = 3
_OCTAVES = 15
_FILLERS = 2**_OCTAVES - 1
_MARKERS = 64  # words in each of the two groups
_SHORTEST = 45  # no marker word is further from the end


def _lengths(rng: np.random.Generator, count: int) -> Array:
    """Lengths in words, skewed like those of reviews: the median is 175, the mean near 240."""
    u = rng.random(count)
    return (_SHORTEST + 195 * u / (1.25 - u)).astype(np.int64)


def _texts(rng: np.random.Generator, count: int) -> tuple[list[Array], Array]:
    """Word indices of `count` texts, and their labels (N,).

    Every text has one word of each of two marker groups: one among its last 8 words, the other 9 to
    40 words from its end. The label is the group of the later marker, so that word counts carry no
    information, and the last 50 words carry all of it.
    """
    lengths = _lengths(rng, count)
    ends = np.cumsum(lengths)
    # Zipf: the n-th word's frequency is about 1 / n, so all octaves of ranks are equally likely.
    octaves = 1 << _below(rng, _OCTAVES, int(ends[-1]))
    ranks = octaves + (rng.random(len(octaves)) * octaves).astype(np.int64)  # 1 to _FILLERS
    flat = (ranks - 1 + 2 * _MARKERS).astype(np.int32)
    labels = np.arange(count) * 2 // count  # negative first, then positive, as in the real set
    flat[ends - 1 - _below(rng, 8, count)] = labels * _MARKERS + _below(rng, _MARKERS, count)
    earlier = (1 - labels) * _MARKERS + _below(rng, _MARKERS, count)
    flat[ends - 9 - _below(rng, 32, count)] = earlier
    return np.split(flat, ends[:-1]), labels


def reviews(*, train: int = 25_000, test: int = 25_000) -> Content:
    """The twin of IMDB, with `train` and `test` texts."""
    texts: dict[SplitName, list[Array]] = {}
    labels: dict[SplitName, Array] = {}
    for number, (split, count) in enumerate(zip(SPLITS, (train, test), strict=True)):
        texts[split], labels[split] = _texts(_generator(_TEXT_STREAM, number), count)
    words = [f"{group}{number}" for group in ("bad", "good") for number in range(_MARKERS)]
    words += [f"word{number}" for number in range(_FILLERS)]
    arrays, vocabulary = encode(texts, words)
    arrays |= {f"{split}_y": labels[split].astype(np.uint8) for split in SPLITS}
    return Content(
        arrays=arrays,
        official={"train": False, "test": False},
        note=NOTE,
        texts={"vocabulary.txt": "".join(f"{word}\n" for word in vocabulary)},
    )


def make(name: str) -> Content:
    """The full-size twin of the data set of that name."""
    if name == "imdb":
        return reviews()
    return images({"mnist": MNIST, "cifar10": CIFAR10}[name])
