"""Principal components of a set of images, on which a metric projects others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.core.arrays import Array
from bench.datasets.common.content import Content

COUNT = 64
# Images whose products are added up at a time, to limit memory.
_BLOCK = 2000


def with_components(content: Content) -> Content:
    """The content with `components` of its training images `train_x`, uint8 (N, C, H, W).

    They are the orthonormal directions in which the images vary most, float64 (C*H*W, COUNT), from
    the one with the largest variance on.
    """
    pixels = content.arrays["train_x"].reshape(len(content.arrays["train_x"]), -1)
    return replace(content, arrays={**content.arrays, "components": principal(pixels)})


def principal(pixels: Array) -> Array:
    """The components of uint8 (N, P), as columns: (P, COUNT)."""
    products = np.zeros((pixels.shape[1], pixels.shape[1]))
    for start in range(0, len(pixels), _BLOCK):
        block = pixels[start : start + _BLOCK].astype(np.float64)
        products += block.T @ block  # sums of integers, which are exact
    mean = pixels.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(products / len(pixels) - np.outer(mean, mean))
    return vectors[:, : -COUNT - 1 : -1]  # eigh's are in ascending order
