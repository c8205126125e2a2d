"""The Large Movie Review Dataset v1.0: Maas et al. (2011), ai.stanford.edu/~amaas/data/sentiment/.

Each review is a file, `aclImdb/{train,test}/{pos,neg}/<id>_<rating>.txt`. A word is a run of ASCII
letters, digits and apostrophes, after lower-casing ASCII and replacing the markup `<br />` by a
space; any other byte separates words. Working on bytes makes tokens independent of the version of
Unicode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, read_members
from bench.datasets.common.content import SPLITS, Content, split_digest
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

_MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_(\d+)\.txt")
_WORD = re.compile(rb"[a-z0-9']+")
_UNKNOWN = 1
_FIRST_WORD = 2  # 0 pads short texts
# Bytes; the published archive has some 290 million.
_MOST_UNPACKED = 1 << 29
_LARGEST = 1 << 20  # of one text; the published ones have 14,000 and fewer

# No checksum of the texts is published. These are the digests of the arrays that this module makes
# from the 25000 + 25000 labelled reviews of version 1.0, whose texts are the same in independent
# copies of the data set. A change of the tokenizer changes them.
_OFFICIAL_DIGEST: dict[SplitName, str] = {
    "train": "86c4ec35ad886b640114244a9681c0545858e16c8f169ee25f06e69e575b61d7",
    "test": "47df48fbef4b72f1886aacad99a6e52b939988c95768afd3e87503524aa1180b",
}


def words_of(text: bytes) -> list[bytes]:
    """The words of one review, in order."""
    return _WORD.findall(text.lower().replace(b"<br />", b" "))


def encode(
    texts: Mapping[SplitName, list[Array]], words: list[str]
) -> tuple[dict[str, Array], list[str]]:
    """Arrays of `{train,test}_tokens` int32 (T,) and `_offsets` int64 (N + 1,), and the vocabulary.

    `texts` are int32 arrays of indices into `words`. The vocabulary holds the words of the training
    texts, most frequent first, ties in alphabetical order. A token is its word's index in the
    vocabulary plus 2, or 1 if the word is in no training text.
    """
    flat = {split: np.concatenate([np.empty(0, np.int32), *texts[split]]) for split in SPLITS}
    counts = np.bincount(flat["train"], minlength=len(words)).tolist()
    ranked = sorted(range(len(words)), key=lambda index: (-counts[index], words[index]))
    vocabulary = [index for index in ranked if counts[index]]
    tokens = np.full(len(words), _UNKNOWN, np.int32)
    tokens[vocabulary] = np.arange(_FIRST_WORD, _FIRST_WORD + len(vocabulary), dtype=np.int32)
    arrays: dict[str, Array] = {}
    for split in SPLITS:
        arrays[f"{split}_tokens"] = tokens[flat[split]]
        lengths = [0, *(len(text) for text in texts[split])]
        arrays[f"{split}_offsets"] = np.cumsum(lengths, dtype=np.int64)
    return arrays, [words[index] for index in vocabulary]


class _Reader:
    """Collects reviews in any order; words are numbered in order of first occurrence."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._index: dict[bytes, int] = {}
        # (label, id, rating, tokens); the first three are the sort key
        self._reviews: dict[SplitName, list[tuple[int, int, int, Array]]] = {
            "train": [],
            "test": [],
        }
        self._count = 0

    def add(self, name: str, text: bytes) -> None:
        match = _MEMBER.fullmatch(name)
        assert match is not None  # other members are not read
        split: SplitName = "train" if match[1] == "train" else "test"
        index = self._index
        numbers = [index.setdefault(word, len(index)) for word in words_of(text)]
        review = (int(match[2] == "pos"), int(match[3]), int(match[4]), np.array(numbers, np.int32))
        self._reviews[split].append(review)
        self._count += 1
        if self._count % 10_000 == 0:
            self._listener.phase("imdb", f"{self._count:,} reviews read")

    def finish(self, path: Path) -> Content:
        labels: dict[SplitName, list[int]] = {}
        texts: dict[SplitName, list[Array]] = {}
        for split, reviews in self._reviews.items():
            # The order of the archive differs between copies of the data set.
            reviews.sort(key=lambda review: review[:3])
            labels[split] = [review[0] for review in reviews]
            texts[split] = [review[3] for review in reviews]
            if set(labels[split]) != {0, 1}:
                why = f"{len(reviews)} {split} reviews with labels {sorted(set(labels[split]))}"
                raise damaged(path, why=why, expected=f"reviews in {split}/pos and {split}/neg")
        arrays, vocabulary = encode(texts, [word.decode("ascii") for word in self._index])
        for split in SPLITS:
            arrays[f"{split}_y"] = np.array(labels[split], np.uint8)
        digests = {split: split_digest(arrays, split) for split in SPLITS}
        official = {split: digests[split] == _OFFICIAL_DIGEST[split] for split in SPLITS}
        return Content(
            arrays=arrays,
            official=official,
            note="; ".join(
                f"the {split} reviews are not the official ones"
                for split in SPLITS
                if not official[split]
            ),
            texts={"vocabulary.txt": "".join(f"{word}\n" for word in vocabulary)},
        )


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive, or its folder, as `{train,test}_tokens`, `_offsets` and `_y` (1: a good review).

    Reviews are sorted by label and id; the unlabelled ones are left out. `vocabulary.txt` has one
    word per line; line n, counted from 0, is token n + 2. Raises DataError for a damaged archive.
    Reviews that differ from the published ones are read, and marked as not official.
    """
    (path,) = files.values()
    listener.phase("imdb", f"reading {path.name}")
    reader = _Reader(listener)
    expected = "texts named aclImdb/{train,test}/{pos,neg}/<id>_<rating>.txt"
    members = read_members(
        path,
        lambda name: bool(_MEMBER.fullmatch(name)),
        expected=expected,
        most=_MOST_UNPACKED,
        largest=_LARGEST,
    )
    for name, text in members:
        reader.add(name, text)
    listener.phase("imdb", "numbering the words")
    return reader.finish(path)


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
    octaves = 1 << below(rng, _OCTAVES, int(ends[-1]))
    ranks = octaves + (rng.random(len(octaves)) * octaves).astype(np.int64)  # 1 to _FILLERS
    flat = (ranks - 1 + 2 * _MARKERS).astype(np.int32)
    labels = np.arange(count) * 2 // count  # negative first, then positive, as in the real set
    flat[ends - 1 - below(rng, 8, count)] = labels * _MARKERS + below(rng, _MARKERS, count)
    earlier = (1 - labels) * _MARKERS + below(rng, _MARKERS, count)
    flat[ends - 9 - below(rng, 32, count)] = earlier
    return np.split(flat, ends[:-1]), labels


def twin(*, train: int = 25_000, test: int = 25_000) -> Content:
    """The twin of IMDB, with `train` and `test` texts."""
    texts: dict[SplitName, list[Array]] = {}
    labels: dict[SplitName, Array] = {}
    for number, (split, count) in enumerate(zip(SPLITS, (train, test), strict=True)):
        texts[split], labels[split] = _texts(generator(_TEXT_STREAM, number), count)
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


DATASET = Dataset(
    name="imdb",
    folders=("imdb",),
    files=(
        OfficialFile(
            name="aclImdb_v1.tar.gz",
            urls=(
                "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                "https://dataset.bj.bcebos.com/imdb%2FaclImdb_v1.tar.gz",
            ),
            md5="7c2ac02c03563afcf9b574c7e56c153a",
            size=84125825,
            accepts=("aclImdb*.tar*",),
            unpacked="aclImdb",
        ),
    ),
    parse=parse,
    twin=twin,
)
