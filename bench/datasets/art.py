"""A photograph and a painting for style transfer, both in the public domain.

The photograph is NASA's portrait of the astronaut Eileen Collins, as scikit-image has it; the
painting is van Gogh's "The Starry Night" (1889), as Wikimedia Commons has it, 1,280 pixels wide. Of
each the largest square in the middle is resized by Pillow, with the filter of Lanczos. Other
pictures are read in their place.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bench.core.arrays import Array
from bench.core.listener import Listener
from bench.datasets.common import synthetic
from bench.datasets.common.archive import damaged, read_bounded
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import Pictures

SIDE = 128
# A step sees both pictures, so an epoch is a number of steps: more than the curve of a proof has.
STEPS = 25

_CONTENT, _STYLE = "astronaut.png", "starry_night_google.jpg"
_OFFICIAL_SHA256 = {
    _CONTENT: "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    _STYLE: "c31741a09141c2e2d07fc7aa6bdf135c369b804f9433e43fa3ceac19386d1ee6",
}
# Bytes of a file, and pixels of its picture.
_MOST_BYTES = 1 << 25
_MOST_PIXELS = 1 << 26
_FORMATS = ("PNG", "JPEG")
_EXPECTED = (
    f"a picture in one of the formats {', '.join(_FORMATS)}, of at least {SIDE} x {SIDE} and at "
    f"most {_MOST_PIXELS:,} pixels"
)


def _square(path: Path, content: bytes) -> Array:
    """The middle of a picture, uint8 (3, SIDE, SIDE)."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            if min(width, height) < SIDE or width * height > _MOST_PIXELS:
                raise damaged(path, why=f"it has {width} x {height} pixels", expected=_EXPECTED)
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            square = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise damaged(path, why=error, expected=_EXPECTED) from error
    return np.asarray(square).transpose(2, 0, 1)  # (SIDE, SIDE, 3) -> (3, SIDE, SIDE)


def _arrays(content: Array, style: Array) -> dict[str, Array]:
    """The arrays of both splits, which have the same two pictures."""
    return {
        f"{split}_{name}": np.tile(picture, (steps, 1, 1, 1))
        for split, steps in zip(SPLITS, (STEPS, 1), strict=True)
        for name, picture in (("content", content), ("style", style))
    }


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The pictures as `{train,test}_content` and `_style`, uint8 (STEPS or 1, 3, SIDE, SIDE).

    Raises DataError for a damaged picture. One that is not the published one is read, and marked as
    not official.
    """
    pictures, differing = [], []
    for name, sha256 in _OFFICIAL_SHA256.items():
        listener.phase("art", f"reading {files[name].name}")
        content = read_bounded(files[name], most=_MOST_BYTES)
        pictures.append(_square(files[name], content))
        if hashlib.sha256(content).hexdigest() != sha256:
            differing.append(files[name].name)
    return Content(
        arrays=_arrays(*pictures),
        official=dict.fromkeys(SPLITS, not differing),
        note=f"not the official file: {', '.join(differing)}" if differing else "",
    )


# The two pictures, in the place of a training set.
TWIN = Pictures(
    stream=11, shape=(3, SIDE, SIDE), train=2, test=1, classes=2,
    prototypes=2, grid=9, threshold=128, contrast=2, ink=False, background=128,
    shift=0, distractor=64, noise=32,
)  # fmt: skip


def twin() -> Content:
    """The twin: two pictures of smooth spots, with some noise."""
    content, style = synthetic.images(TWIN).arrays["train_x"]
    return Content(
        arrays=_arrays(content, style),
        official=dict.fromkeys(SPLITS, False),
        note=synthetic.NOTE,
    )


DATASET = Dataset(
    name="art",
    folders=("art", "pictures"),
    files=(
        OfficialFile(
            name=_CONTENT,
            urls=(
                "https://raw.githubusercontent.com/scikit-image/scikit-image/v0.22.0/skimage/data/"
                "astronaut.png",
            ),
            md5="97066e0a8baf4cd0be9859f9825aa3a2",
            size=791_555,
            accepts=(_CONTENT, "content.png", "content.jpg"),
        ),
        OfficialFile(
            name=_STYLE,
            urls=(
                "https://upload.wikimedia.org/wikipedia/commons/thumb/e/ea/"
                "Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg/"
                "1280px-Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg",
            ),
            # Commons makes it anew from time to time.
            md5=None,
            size=1 << 22,
            accepts=(_STYLE, "*Starry_Night*.jpg", "style.png", "style.jpg"),
        ),
    ),
    parse=parse,
    twin=twin,
)
