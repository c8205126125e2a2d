"""A small convolutional network as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, conv, dense, flatten, max_pool, relu


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = max_pool(relu(conv(params, "conv1", x)))  # (N, 3, 32, 32) -> (N, 32, 15, 15)
    x = max_pool(relu(conv(params, "conv2", x)))  # (N, 64, 6, 6)
    x = relu(dense(params, "hidden", flatten(x)))  # (N, 64*6*6) -> (N, 64)
    return dense(params, "output", x)  # (N, 10)
