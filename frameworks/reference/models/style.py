"""Style transfer through VGG-19 as formulas.

S is the pictures' side.
"""

from collections.abc import Callable, Mapping

import autograd.numpy as np

from frameworks.reference.layers import Dropout, Params, Value, avg_pool, conv, relu


def gram(x: Value) -> Value:
    """F F^T / places of the features F, (channels, places): (1, C, H, W) -> (C, C)."""
    x = x.reshape(x.shape[1], -1)
    return x @ x.T / x.shape[1]


def distance(actual: Value, wanted: Value) -> Value:
    """The sum of squared differences over that of the squares of what is wanted, ()."""
    return np.sum((actual - wanted) ** 2) / np.sum(wanted**2)


def features(params: Params, x: Value) -> list[Value]:
    """What a picture has at conv1_1, conv2_1, conv3_1, conv4_1 and conv4_2."""
    x = first = relu(conv(params, "conv1_1", x, padding=1))  # (1, 3, S, S) -> (1, 64, S, S)
    x = relu(conv(params, "conv1_2", x, padding=1))  # (1, 64, S, S)
    x = avg_pool(x)  # (1, 64, S/2, S/2)
    x = second = relu(conv(params, "conv2_1", x, padding=1))  # (1, 128, S/2, S/2)
    x = relu(conv(params, "conv2_2", x, padding=1))  # (1, 128, S/2, S/2)
    x = avg_pool(x)  # (1, 128, S/4, S/4)
    x = third = relu(conv(params, "conv3_1", x, padding=1))  # (1, 256, S/4, S/4)
    x = relu(conv(params, "conv3_2", x, padding=1))  # (1, 256, S/4, S/4)
    x = relu(conv(params, "conv3_3", x, padding=1))  # (1, 256, S/4, S/4)
    x = relu(conv(params, "conv3_4", x, padding=1))  # (1, 256, S/4, S/4)
    x = avg_pool(x)  # (1, 256, S/8, S/8)
    x = fourth = relu(conv(params, "conv4_1", x, padding=1))  # (1, 512, S/8, S/8)
    x = relu(conv(params, "conv4_2", x, padding=1))  # (1, 512, S/8, S/8)
    return [first, second, third, fourth, x]


def grams(params: Params, layers: list[Value], x: Value) -> list[Value]:
    """The Gram matrices of the first layers of five blocks: of four, and of one above conv4_2."""
    x = relu(conv(params, "conv4_3", x, padding=1))  # (1, 512, S/8, S/8)
    x = relu(conv(params, "conv4_4", x, padding=1))  # (1, 512, S/8, S/8)
    x = avg_pool(x)  # (1, 512, S/16, S/16)
    x = relu(conv(params, "conv5_1", x, padding=1))  # (1, 512, S/16, S/16)
    return [gram(layer) for layer in (*layers, x)]


def forward(
    params: Params, content: Value, style: Value, dropout: Dropout
) -> tuple[Value, Value, Value]:
    canvas = params["canvas.pixels"]  # (1, 3, S, S)
    *_, wanted = features(params, content)
    *layers, top = features(params, style)
    wanted_grams = grams(params, layers, top)
    *layers, top = features(params, canvas)
    of_style = np.stack(list(map(distance, grams(params, layers, top), wanted_grams)))
    # (1, 1), (1, 5), (1, 3, S, S)
    return distance(top, wanted).reshape(1, 1), of_style.reshape(1, 5), canvas


def distance_sum(
    network: Callable[..., tuple[Value, Value, Value]], batch: Mapping[str, Value]
) -> Value:
    content, style, _ = network(*batch.values())
    return np.sum(content) + 2**-4 * np.sum(style)


LOSSES = {"loss": distance_sum}
