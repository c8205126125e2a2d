"""Style transfer through VGG-19 in Keras.

S is the pictures' side.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers, ops

from bench.core.task import Task


def gram(x: Any) -> Any:
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, channels))  # (1, H, W, C) -> (H*W, C)
    return ops.matmul(ops.transpose(x), x) / (height * width)  # (C, C)


def distance(actual: Any, wanted: Any) -> Any:
    return ops.sum(ops.square(actual - wanted)) / ops.sum(ops.square(wanted))


class Canvas(layers.Layer):
    def __init__(self, side: int) -> None:
        super().__init__(name="canvas")
        self.pixels = self.add_weight(shape=(1, side, side, 3), name="pixels")

    def call(self, given: Any) -> Any:
        return self.pixels.value


class StyleTransfer(keras.Model):
    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv1_1 = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv1_1")
        self.conv1_2 = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv1_2")
        self.conv2_1 = layers.Conv2D(128, 3, padding="same", activation="relu", name="conv2_1")
        self.conv2_2 = layers.Conv2D(128, 3, padding="same", activation="relu", name="conv2_2")
        self.conv3_1 = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv3_1")
        self.conv3_2 = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv3_2")
        self.conv3_3 = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv3_3")
        self.conv3_4 = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv3_4")
        self.conv4_1 = layers.Conv2D(512, 3, padding="same", activation="relu", name="conv4_1")
        self.conv4_2 = layers.Conv2D(512, 3, padding="same", activation="relu", name="conv4_2")
        self.conv4_3 = layers.Conv2D(512, 3, padding="same", activation="relu", name="conv4_3")
        self.conv4_4 = layers.Conv2D(512, 3, padding="same", activation="relu", name="conv4_4")
        self.conv5_1 = layers.Conv2D(512, 3, padding="same", activation="relu", name="conv5_1")
        self.pool = layers.AveragePooling2D(2)
        for layer in self.layers:
            layer.trainable = False
        self.canvas = Canvas(side)  # all that is trained

    def features(self, x: Any) -> list[Any]:
        x = first = self.conv1_1(x)  # (1, S, S, 3) -> (1, S, S, 64)
        x = self.conv1_2(x)  # (1, S, S, 64)
        x = self.pool(x)  # (1, S/2, S/2, 64)
        x = second = self.conv2_1(x)  # (1, S/2, S/2, 128)
        x = self.conv2_2(x)  # (1, S/2, S/2, 128)
        x = self.pool(x)  # (1, S/4, S/4, 128)
        x = third = self.conv3_1(x)  # (1, S/4, S/4, 256)
        x = self.conv3_2(x)  # (1, S/4, S/4, 256)
        x = self.conv3_3(x)  # (1, S/4, S/4, 256)
        x = self.conv3_4(x)  # (1, S/4, S/4, 256)
        x = self.pool(x)  # (1, S/8, S/8, 256)
        x = fourth = self.conv4_1(x)  # (1, S/8, S/8, 512)
        x = self.conv4_2(x)  # (1, S/8, S/8, 512)
        return [first, second, third, fourth, x]

    def grams(self, below: list[Any], x: Any) -> list[Any]:
        x = self.conv4_3(x)  # (1, S/8, S/8, 512)
        x = self.conv4_4(x)  # (1, S/8, S/8, 512)
        x = self.pool(x)  # (1, S/16, S/16, 512)
        x = self.conv5_1(x)  # (1, S/16, S/16, 512)
        return [gram(layer) for layer in (*below, x)]

    def call(self, inputs: tuple[Any, Any]) -> tuple[Any, Any, Any]:
        content, style = inputs
        canvas = self.canvas(content)  # (1, S, S, 3)
        *_, wanted = self.features(content)
        *below, top = self.features(style)
        wanted_grams = self.grams(below, top)
        *below, top = self.features(canvas)
        of_style = ops.stack(list(map(distance, self.grams(below, top), wanted_grams)))
        canvas = ops.transpose(canvas, (0, 3, 1, 2))  # (1, S, S, 3) -> (1, 3, S, S)
        of_content = distance(top, wanted)
        # (1, 1), (1, 5), (1, 3, S, S)
        return ops.reshape(of_content, (1, 1)), ops.reshape(of_style, (1, 5)), canvas


def build(task: Task) -> keras.Model:
    _, side, _ = task.fields["content"].shape
    model = StyleTransfer(side)
    given = keras.Input((side, side, 3), batch_size=1)
    model([given, given])  # so that its weights are there
    return model


def distance_sum(network: Callable[..., Any], batch: Mapping[str, Any]) -> Any:
    content, style, _ = network(*batch.values())
    return ops.sum(content) + 2**-4 * ops.sum(style)


LOSSES = {"loss": distance_sum}
