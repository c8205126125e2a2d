"""Published training times of tasks, to show beside the times that are measured here.

These are facts as their source gives them. framebench measured none of them, and draws no verdict
from them. Network and recipe are the task's; machines, data feeding and versions are different.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Published:
    """Seconds that each library took for a recipe on each device, and the source.

    `examples` counts the training samples of the whole recipe, over all epochs. `length` is the
    number of tokens in its texts.
    """

    source: str
    year: int
    examples: int
    devices: tuple[str, ...]
    seconds: Mapping[str, tuple[int, ...]]
    accuracy: str
    length: int | None = None


_SOURCE = "https://github.com/ilkarman/DeepLearningFrameworks"
# Both with CUDA 8 and cuDNN 6.
_DEVICES = ("K80", "P100")

PUBLISHED: Mapping[str, Published] = {
    "cifar-vgg": Published(
        source=_SOURCE,
        year=2018,
        examples=10 * 50_000,
        devices=_DEVICES,
        seconds={
            "PyTorch": (169, 51),
            "TensorFlow": (173, 57),
            "Keras (TensorFlow)": (241, 76),
            "MXNet": (145, 52),
            "Gluon": (152, 57),
        },
        accuracy="77 to 78 %",
    ),
    "imdb-gru": Published(
        source=_SOURCE,
        year=2018,
        examples=3 * 25_000,
        devices=_DEVICES,
        seconds={
            "PyTorch": (31, 16),
            "TensorFlow": (30, 22),
            "Keras (TensorFlow)": (35, 26),
            "MXNet": (29, 24),
        },
        accuracy="85 to 86 %",
        length=150,
    ),
}
