"""A residual network for small pictures as a formula."""

from autograd import numpy as np

from frameworks.reference.layers import (
    Dropout,
    Params,
    Running,
    Value,
    batch_norm,
    conv,
    dense,
    relu,
)


def shortcut(x: Value, stride: int) -> Value:
    if stride == 1:
        return x
    x = x[:, :, ::stride, ::stride]  # (N, C, H, W) -> (N, C, H/2, W/2)
    return np.concatenate([x, np.zeros(x.shape)], axis=1)  # (N, 2*C, H/2, W/2): zeros behind


def block(params: Params, name: str, x: Value, stride: int, running: Running) -> Value:
    y = conv(params, f"{name}.conv1", x, stride=stride, padding=1)
    y = relu(batch_norm(params, f"{name}.norm1", y, running))  # (N, 2*C, H/2, W/2) in stride 2
    y = conv(params, f"{name}.conv2", y, padding=1)
    y = batch_norm(params, f"{name}.norm2", y, running)
    return relu(y + shortcut(x, stride))


def stage(params: Params, name: str, x: Value, stride: int, running: Running) -> Value:
    x = block(params, f"{name}.0", x, stride, running)
    x = block(params, f"{name}.1", x, 1, running)
    return block(params, f"{name}.2", x, 1, running)


def forward(params: Params, x: Value, dropout: Dropout, running: Running) -> Value:
    x = conv(params, "conv1", x, padding=1)
    x = relu(batch_norm(params, "norm1", x, running))  # (N, 3, 32, 32) -> (N, 16, 32, 32)
    x = stage(params, "stage1", x, 1, running)  # (N, 16, 32, 32)
    x = stage(params, "stage2", x, 2, running)  # (N, 32, 16, 16)
    x = stage(params, "stage3", x, 2, running)  # (N, 64, 8, 8)
    x = np.mean(x, axis=(2, 3))  # (N, 64, 8, 8) -> (N, 64)
    return dense(params, "output", x)  # (N, 10)
