"""Style transfer through VGG-19 in PyTorch.

S is the pictures' side.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


def gram(x: Tensor) -> Tensor:
    x = x.flatten(2)[0]  # (1, C, H, W) -> (C, H*W)
    return x @ x.T / x.shape[1]  # (C, C)


def distance(actual: Tensor, wanted: Tensor) -> Tensor:
    return (actual - wanted).square().sum() / wanted.square().sum()


class Canvas(nn.Module):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.pixels = nn.Parameter(torch.empty(1, 3, side, side))

    def forward(self) -> Tensor:
        return self.pixels


class StyleTransfer(nn.Module):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv1_1 = nn.Conv2d(3, 64, 3, padding=1)
        self.conv1_2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv2_1 = nn.Conv2d(64, 128, 3, padding=1)
        self.conv2_2 = nn.Conv2d(128, 128, 3, padding=1)
        self.conv3_1 = nn.Conv2d(128, 256, 3, padding=1)
        self.conv3_2 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv3_3 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv3_4 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv4_1 = nn.Conv2d(256, 512, 3, padding=1)
        self.conv4_2 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv4_3 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv4_4 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv5_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.requires_grad_(False)
        self.canvas = Canvas(side)  # all that is trained

    def features(self, x: Tensor) -> list[Tensor]:
        x = first = F.relu(self.conv1_1(x))  # (1, 3, S, S) -> (1, 64, S, S)
        x = F.relu(self.conv1_2(x))  # (1, 64, S, S)
        x = F.avg_pool2d(x, 2)  # (1, 64, S/2, S/2)
        x = second = F.relu(self.conv2_1(x))  # (1, 128, S/2, S/2)
        x = F.relu(self.conv2_2(x))  # (1, 128, S/2, S/2)
        x = F.avg_pool2d(x, 2)  # (1, 128, S/4, S/4)
        x = third = F.relu(self.conv3_1(x))  # (1, 256, S/4, S/4)
        x = F.relu(self.conv3_2(x))  # (1, 256, S/4, S/4)
        x = F.relu(self.conv3_3(x))  # (1, 256, S/4, S/4)
        x = F.relu(self.conv3_4(x))  # (1, 256, S/4, S/4)
        x = F.avg_pool2d(x, 2)  # (1, 256, S/8, S/8)
        x = fourth = F.relu(self.conv4_1(x))  # (1, 512, S/8, S/8)
        x = F.relu(self.conv4_2(x))  # (1, 512, S/8, S/8)
        return [first, second, third, fourth, x]

    def grams(self, layers: list[Tensor], x: Tensor) -> list[Tensor]:
        x = F.relu(self.conv4_3(x))  # (1, 512, S/8, S/8)
        x = F.relu(self.conv4_4(x))  # (1, 512, S/8, S/8)
        x = F.avg_pool2d(x, 2)  # (1, 512, S/16, S/16)
        x = F.relu(self.conv5_1(x))  # (1, 512, S/16, S/16)
        return [gram(layer) for layer in (*layers, x)]

    def forward(self, content: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        canvas = self.canvas()  # (1, 3, S, S)
        *_, wanted = self.features(content)
        *layers, top = self.features(style)
        wanted_grams = self.grams(layers, top)
        *layers, top = self.features(canvas)
        of_style = torch.stack(list(map(distance, self.grams(layers, top), wanted_grams)))
        of_content = distance(top, wanted)
        # (1, 1), (1, 5), (1, 3, S, S): a copy, as the canvas is trained in place
        return of_content.reshape(1, 1), of_style.reshape(1, 5), canvas.clone()


def build(task: Task) -> nn.Module:
    _, side, _ = task.fields["content"].shape
    return StyleTransfer(side)


def distance_sum(
    network: Callable[..., tuple[Tensor, Tensor, Tensor]], batch: Mapping[str, Tensor]
) -> Tensor:
    content, style, _ = network(*batch.values())
    return content.sum() + 2**-4 * style.sum()


LOSSES = {"loss": distance_sum}
