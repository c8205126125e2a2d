"""What others have published of a task, to be put beside what is measured here.

Facts, as their source gives them: nothing here is measured by framebench, and no verdict is drawn
from it. Their machines, data feeding and versions are others; network and recipe are the task's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Published:
    """Seconds that each library took for a recipe on each device, and where that is written.

    `examples` are those of the whole recipe, all epochs together; `length` is that of its texts.
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
            "MXNet": (145, 51),
            "Gluon": (152, 62),
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
