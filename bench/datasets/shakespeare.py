"""Tiny Shakespeare: forty thousand lines of his plays in one file of 65 characters.

Karpathy (2015), https://github.com/karpathy/char-rnn. As in nanoGPT, the first nine tenths of the
characters are for training, and the rest for testing. Characters are numbered by their codes.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, read_bounded
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

_OFFICIAL_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
CHARACTERS = 65
# Characters of the text, of the longest excerpt of any task, and from one test excerpt to the next.
_SIZE = 1_115_394
LONGEST = 256
_STRIDE = 64
_EXPECTED = f"a text of {_SIZE:,} characters, of {CHARACTERS} different ones"


def _content(text: Array, alphabet: Array, *, official: bool, note: str) -> Content:
    """The text's splits. `text` has ids from 0, uint8 (T,), `alphabet` their codes, uint8 (K,).

    An example of the training set may begin anywhere; those of the test set follow each other, so
    that excerpts of 64 characters cover it once.
    """
    cut = len(text) * 9 // 10
    arrays: dict[str, Array] = {"alphabet": alphabet}
    for split, part, stride in zip(SPLITS, (text[:cut], text[cut:]), (1, _STRIDE), strict=True):
        arrays[f"{split}_text"] = part
        # The last excerpt still has a character behind it.
        arrays[f"{split}_starts"] = np.arange(0, len(part) - LONGEST, stride, dtype=np.int64)
    return Content(arrays=arrays, official=dict.fromkeys(SPLITS, official), note=note)


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The file as `{train,test}_text` uint8 (T,) and `_starts` int64 (N,), and its `alphabet`.

    Raises DataError for a damaged file. Another text of as many different characters is read, and
    marked as not official.
    """
    (path,) = files.values()
    listener.phase("shakespeare", f"reading {path.name}")
    raw = read_bounded(path, most=1 << 24)
    alphabet, text = np.unique(np.frombuffer(raw, np.uint8), return_inverse=True)
    if len(alphabet) != CHARACTERS:
        why = f"it has {len(alphabet)} different characters"
        raise damaged(path, why=why, expected=_EXPECTED)
    if len(raw) < 20 * LONGEST:
        raise damaged(path, why=f"it has {len(raw):,} characters", expected=_EXPECTED)
    official = hashlib.sha256(raw).hexdigest() == _OFFICIAL_SHA256
    note = "" if official else f"{path.name} is not the official file"
    return _content(text.astype(np.uint8), alphabet, official=official, note=note)


_STREAM = 5
_WORDS = 400
_LONGEST_WORD = 8
# For people to look at: the first, between words, is a space.
_ALPHABET = f" {string.ascii_letters}{string.digits},."


def twin(*, size: int = _SIZE) -> Content:
    """A text of made-up words with a grammar: which words follow a word depends on that word.

    So the next character depends on the order of many before it, and a network that sees them
    predicts it better than one that sees the last alone.
    """
    rng = generator(_STREAM, 0)
    lengths = 2 + below(rng, _LONGEST_WORD - 1, _WORDS)
    words = [below(rng, CHARACTERS - 1, length) + 1 for length in lengths.tolist()]
    following = below(rng, _WORDS, _WORDS * 4).reshape(_WORDS, 4)
    parts: list[Array] = []
    written, word = 0, 0
    choices = below(generator(_STREAM, 1), 4, size)
    space = np.zeros(1, np.int64)
    while written < size:
        parts += [words[word], space]
        written += len(words[word]) + 1
        word = int(following[word, choices[len(parts) // 2]])
    text = np.concatenate(parts)[:size].astype(np.uint8)
    alphabet = np.frombuffer(_ALPHABET.encode(), np.uint8)
    return _content(text, alphabet, official=False, note=NOTE)


DATASET = Dataset(
    name="shakespeare",
    folders=("shakespeare", "tinyshakespeare"),
    files=(
        OfficialFile(
            name="input.txt",
            urls=(
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/"
                "input.txt",
            ),
            md5="6fb458f1232090904fb40fe944165e91",
            size=_SIZE,
            accepts=("input.txt", "input.txt.*"),
        ),
    ),
    parse=parse,
    twin=twin,
)
