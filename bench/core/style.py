"""The vocabulary of style transfer: a picture that is trained, to resemble two others.

Gatys, Ecker and Bethge (2016), "Image style transfer using convolutional neural networks". A
network that is not trained says what the pictures have in common. An example is the two pictures
that are given, so a batch is one example, and each step of an epoch sees the same one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.fields import Field, Pixels
from bench.core.layers import Conv, Layer, Product
from bench.core.losses import Loss
from bench.core.metrics import Metric, total_and_count
from bench.core.parameters import Parameter
from bench.core.pictures import Picture, as_bytes
from bench.core.samples import Outputs, Sample, Written
from bench.core.starts import Uniform


@dataclass(frozen=True, kw_only=True)
class WholePixels(Pixels):
    """A picture that is the same in every example."""

    whole = True


@dataclass(frozen=True, kw_only=True)
class Canvas(Layer):
    """The picture that is trained, of (channels, height, width) `size`. It starts as faint noise.

    Of the white noise of Gatys et al., more is left in the end.
    """

    size: tuple[int, int, int]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                name=f"{self.name}.pixels",
                shape=(1, *self.size),
                kind="canvas",
                axes="(1, channels, height, width)",
                start=Uniform(bound=2**-4),
            ),
        )

    @property
    def width(self) -> int:
        return self.size[0]

    def products(self, length: int) -> tuple[Product, ...]:
        return ()

    def output_values(self, length: int) -> int:
        return math.prod(self.size)


@dataclass(frozen=True, kw_only=True)
class FeatureConv(Conv):
    """A convolution of the canvas, and of as many of the pictures that are `given`.

    What it makes of these has no gradient.
    """

    given: int

    def products(self, length: int) -> tuple[Product, ...]:
        (product,) = super().products(length)
        return (
            replace(product, flops=self.given * product.flops, weights=0, of_data=True),
            product,
        )


@dataclass(frozen=True, kw_only=True)
class GramDistances(Layer):
    """The distance of the canvas from the style in the Gram matrix of each of several maps.

    `maps` are the (channels, places) of each.
    """

    maps: tuple[tuple[int, int], ...]

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "Gram matrices",
            "F F^T / places of the features F, (channels, places), behind the rectifier",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    @property
    def width(self) -> int:
        return len(self.maps)

    def products(self, length: int) -> tuple[Product, ...]:
        """The matrices of the style, which have no gradient, and those of the canvas."""
        flops = sum(2 * channels**2 * places for channels, places in self.maps)
        return (Product(flops=flops, of_data=True), Product(flops=flops, inner=True))

    def output_values(self, length: int) -> int:
        return sum(channels**2 for channels, _ in self.maps)


@dataclass(frozen=True, kw_only=True)
class StyleLoss(Loss):
    """The content's distance, (1, 1), plus `weight` times the sum of the style's, (1, layers).

    A distance is the sum of squared differences over the sum of squares of what is to be reached:
    of features, or of Gram matrices. So it is 1 for a canvas in which no feature is found, whatever
    the size of the weights. Gatys et al. weigh sums that depend on it.
    """

    output: str = "style"
    content: str = "content"
    weight: float

    kind = "style_transfer"

    def __str__(self) -> str:
        return (
            f"the distance of the content, plus {self.weight:g} times the sum of those of the "
            "style; a distance is the sum of squared differences over the sum of squares of what "
            "is to be reached"
        )

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.content, self.output)

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        losses = _distances(outputs[self.content], outputs[self.output], self.weight)
        return float(losses.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, a distance for each Gram matrix"


def _distances(content: Array, style: Array, weight: float) -> Array:
    """The weighted sum of the distances in float64: (N, 1) and (N, layers) -> (N,)."""
    of_style = np.asarray(style, np.float64).sum(axis=1)
    found: Array = np.asarray(content, np.float64)[:, 0] + weight * of_style
    return found


@dataclass(frozen=True, kw_only=True)
class StyleDistance(Metric):
    """The mean of the distances of content and style, weighted as in `StyleLoss`.

    A canvas in which no feature is found has 1.
    """

    output: str = "style"
    content: str = "content"
    weight: float

    name = "distance"
    unit = ""
    better = "less"

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        style = outputs[self.output]
        distances = _distances(outputs[self.content], style, self.weight)
        total = distances.sum() / (1 + self.weight * style.shape[1])
        return total_and_count(total, len(distances))

    def goal(self) -> str:
        return f"a distance of {self.target:g} or less"


@dataclass(frozen=True, kw_only=True)
class TrainedPicture(Sample):
    """The canvas as a picture: its pixels are (value / 255 - `mean`) / `std` of each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    output: str = "canvas"

    def write(self, outputs: Outputs, fields: Mapping[str, Field], folder: Path) -> Written:
        (canvas,) = np.asarray(outputs({})[self.output], np.float64)  # (1, C, H, W)
        pixels = canvas.transpose(1, 2, 0) * self.std + self.mean  # (H, W, C)
        return Written(pictures=(Picture(title="The trained picture", pixels=as_bytes(pixels)),))

    def __str__(self) -> str:
        return "the picture that is trained; what is beyond black and white is cut off"
