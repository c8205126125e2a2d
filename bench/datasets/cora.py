"""Cora: 2,708 papers on machine learning, which of 1,433 words each uses, and which cites which.

Sen et al. (2008), "Collective Classification in Network Data", https://linqs.org/datasets/#cora.
`cora.content` has a line for each paper: its number, a 0 or 1 for each word, and its class, by
tabs; `cora.cites` has the numbers of a cited and a citing paper on each line. The split is that of
pygcn (Kipf and Welling, 2017), by line: 0 to 139 train, 500 to 1499 test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.graph import UNLABELLED
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, read_members
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

PAPERS, WORDS, CLASSES = 2708, 1433, 7
# A step sees the whole graph, so an epoch is a number of steps: as long as a proof's curve.
STEPS = 25
_LABELLED: dict[SplitName, slice] = {"train": slice(0, 140), "test": slice(500, 1500)}

_FOLDER = "cora"
_CONTENT, _CITES = "cora.content", "cora.cites"
_OFFICIAL_SHA256 = {
    _CONTENT: "b8ebed0fd45e53995abafd1b70cf6a9fcc8f86abc5826d69b97fe6ca46e9c8ee",
    _CITES: "ec1a372391b7f0f60a6aff0084e8abd8f19f0faa7e1f2441a41c492042d5945e",
}
# Bytes; the two files have 8 million.
_MOST_UNPACKED = 1 << 25
_EXPECTED = (
    f"{PAPERS} lines of a paper, {WORDS} words (0 or 1) and one of {CLASSES} classes in "
    f"{_CONTENT}, and lines of two of these papers in {_CITES}, separated by tabs"
)


def _read(path: Path) -> dict[str, bytes]:
    wanted = {f"{_FOLDER}/{name}" for name in _OFFICIAL_SHA256}
    contents = {
        name.rpartition("/")[2]: content
        for name, content in read_members(
            path, wanted.__contains__, expected=_EXPECTED, most=_MOST_UNPACKED
        )
    }
    missing = [name for name in _OFFICIAL_SHA256 if name not in contents]
    if missing:
        raise damaged(path, why=f"{', '.join(missing)} is missing", expected=_EXPECTED)
    return contents


def _papers(path: Path, content: bytes) -> tuple[list[bytes], Array, Array]:
    """The numbers of the papers, which words they use, bool (PAPERS, WORDS), and their classes."""
    rows = [line.split(b"\t") for line in content.splitlines()]
    if len(rows) != PAPERS or any(len(row) != 1 + WORDS + 1 for row in rows):
        widths = sorted({len(row) for row in rows})
        why = f"its {_CONTENT} has {len(rows)} lines of {widths} fields"
        raise damaged(path, why=why, expected=_EXPECTED)
    flags = np.array([row[1:-1] for row in rows])
    words = flags == b"1"
    if not (words | (flags == b"0")).all() or not words.any(axis=1).all():
        why = f"its {_CONTENT} has a paper without words, or values that are not 0 or 1"
        raise damaged(path, why=why, expected=_EXPECTED)
    numbers, names = [row[0] for row in rows], sorted({row[-1] for row in rows})
    if len(set(numbers)) != PAPERS or len(names) != CLASSES:
        why = f"its {_CONTENT} has {len(set(numbers))} papers of {len(names)} classes"
        raise damaged(path, why=why, expected=_EXPECTED)
    return numbers, words, np.array([names.index(row[-1]) for row in rows])


def _citations(path: Path, content: bytes, numbers: list[bytes]) -> Array:
    """The places of the two papers of each citation, (citations, 2)."""
    places = {number: place for place, number in enumerate(numbers)}
    rows = [line.split(b"\t") for line in content.splitlines()]
    if not rows or any(len(row) != 2 or not places.keys() >= set(row) for row in rows):
        why = f"its {_CITES} is empty, or has a line that is not two papers"
        raise damaged(path, why=why, expected=_EXPECTED)
    return np.array([[places[number] for number in row] for row in rows])


def linked(citations: Array, nodes: int) -> tuple[Array, Array]:
    """D^-1/2 (L + I) D^-1/2, where L has a 1 for each link, both ways: Kipf and Welling (2017).

    From pairs of `nodes`, (N, 2). Returns the rows and columns of the entries, (entries, 2), and
    their values, float32 (entries,).
    """
    links = np.eye(nodes, dtype=bool)
    links[citations[:, 0], citations[:, 1]] = links[citations[:, 1], citations[:, 0]] = True
    pairs, degrees = np.argwhere(links), links.sum(axis=1)
    products = degrees[pairs[:, 0]] * degrees[pairs[:, 1]]
    return pairs, (1 / np.sqrt(products)).astype(np.float32)


def used(words: Array) -> tuple[Array, Array]:
    """Which words each paper uses, every row divided by its sum, as `linked`: of (N, words)."""
    pairs, counts = np.argwhere(words), words.sum(axis=1)
    return pairs, (1 / counts[pairs[:, 0]]).astype(np.float32)


def _arrays(words: Array, citations: Array, labels: Array) -> dict[str, Array]:
    """The arrays of both splits, which differ in the papers that they label."""
    word_pairs, word_values = used(words)
    link_pairs, link_values = linked(citations, len(words))
    arrays: dict[str, Array] = {}
    for split in SPLITS:
        y = np.full(len(labels), UNLABELLED, np.int8)
        y[_LABELLED[split]] = labels[_LABELLED[split]]
        arrays |= {
            f"{split}_words": word_pairs.astype(np.uint16),
            f"{split}_word_values": word_values,
            f"{split}_links": link_pairs.astype(np.uint16),
            f"{split}_link_values": link_values,
            f"{split}_y": np.tile(y, (STEPS if split == "train" else 1, 1)),
        }
    return arrays


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The archive, or its folder, as two sparse matrices and the labels of some papers.

    `{train,test}_words` and `_links` are uint16 (entries, 2), `_word_values` and `_link_values`
    float32 (entries,), and `_y` int8: (STEPS, papers), all rows alike, and (1, papers). Raises
    DataError for a damaged archive. Files that differ from the published ones, but have their
    shapes, are read, and marked as not official.
    """
    (path,) = files.values()
    listener.phase("cora", f"reading {path.name}")
    contents = _read(path)
    numbers, words, labels = _papers(path, contents[_CONTENT])
    citations = _citations(path, contents[_CITES], numbers)
    differing = [
        name
        for name, sha256 in _OFFICIAL_SHA256.items()
        if hashlib.sha256(contents[name]).hexdigest() != sha256
    ]
    return Content(
        arrays=_arrays(words, citations, labels),
        official=dict.fromkeys(SPLITS, not differing),
        note=f"not the official file: {', '.join(differing)}" if differing else "",
    )


_STREAM = 9
_USED, _LINKS = 49_216, 5_278  # as many as in Cora, of the words used and of links
# One of so many pairs is kept whatever its classes: a quarter of a paper's words are those of its
# class, and four of five links are within a class, as in Cora.
_STRAY_WORD, _STRAY_LINK = 2, 28


def _distinct(rng: np.random.Generator, labels: Array, owners: Array, stray: int) -> Array:
    """Pairs of a paper and of something that one class owns, each pair once, as they are drawn.

    `owners` has the class of each such thing. Of `stray` pairs, one is kept whatever its classes.
    """
    count = 4 * _USED
    papers, things = below(rng, len(labels), count), below(rng, len(owners), count)
    suits = (labels[papers] == owners[things]) | (below(rng, stray, count) == 0)
    pairs = np.stack([papers, things], axis=1)[suits]
    _, first = np.unique(pairs[:, 0] * len(owners) + pairs[:, 1], return_index=True)
    found: Array = pairs[np.sort(first)]
    return found


def twin() -> Content:
    """The twin: papers cite their own class most of the time, and use its words.

    It has as many papers, words, words used and links as Cora.
    """
    rng = generator(_STREAM, 0)
    labels, owners = below(rng, CLASSES, PAPERS), below(rng, CLASSES, WORDS)
    words = np.zeros((PAPERS, WORDS), bool)
    words[np.arange(PAPERS), below(rng, WORDS, PAPERS)] = True  # no paper is without words
    pairs = _distinct(rng, labels, owners, _STRAY_WORD)
    pairs = pairs[~words[pairs[:, 0], pairs[:, 1]]][: _USED - PAPERS]
    words[pairs[:, 0], pairs[:, 1]] = True
    citations = _distinct(rng, labels, labels, _STRAY_LINK)
    citations = citations[citations[:, 0] < citations[:, 1]][:_LINKS]
    return Content(
        arrays=_arrays(words, citations, labels),
        official=dict.fromkeys(SPLITS, False),
        note=NOTE,
    )


DATASET = Dataset(
    name="cora",
    folders=(_FOLDER,),
    files=(
        OfficialFile(
            name="cora.tgz",
            urls=("https://linqs-data.soe.ucsc.edu/public/lbc/cora.tgz",),
            # None is published, so what it packs decides.
            md5=None,
            size=1 << 20,
            accepts=("cora.tgz", "cora.tar.gz", "cora.zip"),
            unpacked=_FOLDER,
        ),
    ),
    parse=parse,
    twin=twin,
)
