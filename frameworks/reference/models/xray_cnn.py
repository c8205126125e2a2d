"""A convolutional network for large grey pictures as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, conv, dense, flatten, max_pool, relu


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = max_pool(relu(conv(params, "conv1", x)))  # (N, 1, 256, 256) -> (N, 32, 127, 127)
    x = max_pool(relu(conv(params, "conv2", x)))  # (N, 64, 62, 62)
    x = relu(dense(params, "hidden", flatten(x)))  # (N, 64*62*62) -> (N, 64)
    return dense(params, "output", x)  # (N, 1)
