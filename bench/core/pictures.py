"""Pictures that a trained network makes, for people to look at."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.core.arrays import Array

# Pixels between the images of a sheet, which are white.
_GAP, _WHITE = 2, 255


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A short text below a picture, at a `place` from 0, its left edge, to 1."""

    text: str
    place: float


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as a worker makes it: uint8, (H, W) gray or (H, W, 3) red, green and blue.

    The title tells it from the network's other pictures; the pictures that other frameworks make of
    the same have the same.
    """

    title: str
    pixels: Array
    marks: tuple[Mark, ...] = ()


def picture_fields(picture: Picture) -> dict[str, Any]:
    """A picture as a JSON object: its pixels row by row, in base64."""
    height, width = picture.pixels.shape[:2]
    return {
        "title": picture.title,
        "width": width,
        "height": height,
        "pixels": base64.b64encode(picture.pixels.tobytes()).decode("ascii"),
        "marks": [asdict(mark) for mark in picture.marks],
    }


def as_bytes(values: Array) -> Array:
    """Values from 0 to 1 as pixels, uint8; what is beyond is cut off."""
    found: Array = np.rint(np.clip(np.asarray(values, np.float64), 0, 1) * 255).astype(np.uint8)
    return found


def sheet(images: Array, *, columns: int) -> Array:
    """Images of one size beside each other, in rows of `columns`: uint8 (N, H, W[, 3])."""
    rows = [images[first : first + columns] for first in range(0, len(images), columns)]
    return np.concatenate(list(_apart([_beside(row, columns) for row in rows], axis=0)), axis=0)


def _beside(images: Array, columns: int) -> Array:
    """A row of images, filled up with white ones."""
    missing = np.full((columns - len(images), *images.shape[1:]), _WHITE, np.uint8)
    return np.concatenate(list(_apart([*images, *missing], axis=1)), axis=1)


def _apart(images: list[Array], *, axis: int) -> Iterator[Array]:
    """The images, with white ones in between that are narrow along `axis`."""
    for number, image in enumerate(images):
        if number:
            shape = list(image.shape)
            shape[axis] = _GAP
            yield np.full(shape, _WHITE, np.uint8)
        yield image
