"""A residual network for small pictures in Keras."""

import keras
from keras import KerasTensor, layers, ops

from bench.core.task import Task


def conv(x: KerasTensor, channels: int, stride: int, name: str) -> KerasTensor:
    if stride == 1:
        return layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    x = layers.ZeroPadding2D(1)(x)  # (N, H+2, W+2, C): "same" would pad only the far sides
    return layers.Conv2D(channels, 3, stride, use_bias=False, name=name)(x)


def norm(x: KerasTensor, name: str) -> KerasTensor:
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def shortcut(x: KerasTensor, channels: int, stride: int) -> KerasTensor:
    if stride == 1:
        return x
    behind = (0, channels - x.shape[-1])
    x = x[:, ::stride, ::stride]  # (N, H, W, C) -> (N, H/2, W/2, C)
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), behind))  # (N, H/2, W/2, 2*C): zeros


def block(x: KerasTensor, channels: int, stride: int, name: str) -> KerasTensor:
    y = norm(conv(x, channels, stride, f"{name}-conv1"), f"{name}-norm1")
    y = layers.ReLU()(y)  # (N, H, W, C); in stride 2 (N, H/2, W/2, 2*C)
    y = norm(conv(y, channels, 1, f"{name}-conv2"), f"{name}-norm2")
    return layers.ReLU()(y + shortcut(x, channels, stride))


def stage(x: KerasTensor, channels: int, stride: int, name: str) -> KerasTensor:
    x = block(x, channels, stride, f"{name}-0")
    x = block(x, channels, 1, f"{name}-1")
    return block(x, channels, 1, f"{name}-2")


def build(task: Task) -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    x = norm(conv(inputs, 16, 1, "conv1"), "norm1")
    x = layers.ReLU()(x)  # (N, 32, 32, 16)
    x = stage(x, 16, 1, "stage1")  # (N, 32, 32, 16)
    x = stage(x, 32, 2, "stage2")  # (N, 16, 16, 32)
    x = stage(x, 64, 2, "stage3")  # (N, 8, 8, 64)
    x = layers.GlobalAveragePooling2D()(x)  # (N, 8, 8, 64) -> (N, 64)
    outputs = layers.Dense(10, name="output")(x)  # (N, 10)
    return keras.Model(inputs, outputs)
