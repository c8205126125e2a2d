"""Style transfer through VGG-19 in MXNet Gluon.

S is the pictures' side.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mxnet.gluon import HybridBlock, nn

from bench.core.task import Task


def gram(F: Any, x: Any, places: int) -> Any:  # noqa: N803
    x = F.reshape(x, (0, 0, -1))  # (1, C, H, W) -> (1, C, H*W)
    return F.batch_dot(x, x, transpose_b=True) / places  # (1, C, C)


def distance(actual: Any, wanted: Any) -> Any:
    return (actual - wanted).square().sum() / wanted.square().sum()


class Canvas(HybridBlock):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.pixels = self.params.get("pixels", shape=(1, 3, side, side))

    def hybrid_forward(self, F: Any, given: Any, pixels: Any) -> Any:  # noqa: N803
        return pixels


class StyleTransfer(HybridBlock):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2D(64, 3, padding=1, in_channels=3, activation="relu")
        self.conv1_2 = nn.Conv2D(64, 3, padding=1, in_channels=64, activation="relu")
        self.conv2_1 = nn.Conv2D(128, 3, padding=1, in_channels=64, activation="relu")
        self.conv2_2 = nn.Conv2D(128, 3, padding=1, in_channels=128, activation="relu")
        self.conv3_1 = nn.Conv2D(256, 3, padding=1, in_channels=128, activation="relu")
        self.conv3_2 = nn.Conv2D(256, 3, padding=1, in_channels=256, activation="relu")
        self.conv3_3 = nn.Conv2D(256, 3, padding=1, in_channels=256, activation="relu")
        self.conv3_4 = nn.Conv2D(256, 3, padding=1, in_channels=256, activation="relu")
        self.conv4_1 = nn.Conv2D(512, 3, padding=1, in_channels=256, activation="relu")
        self.conv4_2 = nn.Conv2D(512, 3, padding=1, in_channels=512, activation="relu")
        self.conv4_3 = nn.Conv2D(512, 3, padding=1, in_channels=512, activation="relu")
        self.conv4_4 = nn.Conv2D(512, 3, padding=1, in_channels=512, activation="relu")
        self.conv5_1 = nn.Conv2D(512, 3, padding=1, in_channels=512, activation="relu")
        self.pool = nn.AvgPool2D(2)
        self.places = [(side >> block) ** 2 for block in range(5)]
        self.collect_params().setattr("grad_req", "null")
        self.canvas = Canvas(side)  # all that is trained

    def features(self, x: Any) -> list[Any]:
        x = first = self.conv1_1(x)  # (1, 3, S, S) -> (1, 64, S, S)
        x = self.conv1_2(x)  # (1, 64, S, S)
        x = self.pool(x)  # (1, 64, S/2, S/2)
        x = second = self.conv2_1(x)  # (1, 128, S/2, S/2)
        x = self.conv2_2(x)  # (1, 128, S/2, S/2)
        x = self.pool(x)  # (1, 128, S/4, S/4)
        x = third = self.conv3_1(x)  # (1, 256, S/4, S/4)
        x = self.conv3_2(x)  # (1, 256, S/4, S/4)
        x = self.conv3_3(x)  # (1, 256, S/4, S/4)
        x = self.conv3_4(x)  # (1, 256, S/4, S/4)
        x = self.pool(x)  # (1, 256, S/8, S/8)
        x = fourth = self.conv4_1(x)  # (1, 512, S/8, S/8)
        x = self.conv4_2(x)  # (1, 512, S/8, S/8)
        return [first, second, third, fourth, x]

    def grams(self, F: Any, layers: list[Any], x: Any) -> list[Any]:  # noqa: N803
        x = self.conv4_3(x)  # (1, 512, S/8, S/8)
        x = self.conv4_4(x)  # (1, 512, S/8, S/8)
        x = self.pool(x)  # (1, 512, S/16, S/16)
        x = self.conv5_1(x)  # (1, 512, S/16, S/16)
        return [gram(F, *pair) for pair in zip((*layers, x), self.places, strict=True)]

    def hybrid_forward(self, F: Any, content: Any, style: Any) -> tuple[Any, Any, Any]:  # noqa: N803
        canvas = self.canvas(content)  # (1, 3, S, S)
        *_, wanted = self.features(content)
        *layers, top = self.features(style)
        wanted_grams = self.grams(F, layers, top)
        *layers, top = self.features(canvas)
        of_style = F.concat(*map(distance, self.grams(F, layers, top), wanted_grams), dim=0)
        # (1, 1), (1, 5), (1, 3, S, S)
        return distance(top, wanted).reshape((1, 1)), of_style.reshape((1, 5)), canvas


def build(task: Task) -> HybridBlock:
    _, side, _ = task.fields["content"].shape
    return StyleTransfer(side)


def distance_sum(network: Callable[..., Any], batch: Mapping[str, Any]) -> Any:
    content, style, _ = network(*batch.values())
    return content.sum(axis=1) + 2**-4 * style.sum(axis=1)


LOSSES = {"loss": distance_sum}
