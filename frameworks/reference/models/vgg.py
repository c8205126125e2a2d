"""A VGG-style convolutional network with dropout as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, conv, dense, flatten, max_pool, relu


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = relu(conv(params, "conv1", x, padding=1))  # (N, 3, 32, 32) -> (N, 50, 32, 32)
    x = max_pool(relu(conv(params, "conv2", x, padding=1)))  # (N, 50, 16, 16)
    x = dropout("conv2", x)
    x = relu(conv(params, "conv3", x, padding=1))  # (N, 100, 16, 16)
    x = max_pool(relu(conv(params, "conv4", x, padding=1)))  # (N, 100, 8, 8)
    x = dropout("conv4", x)
    x = relu(dense(params, "hidden", flatten(x)))  # (N, 100*8*8) -> (N, 512)
    x = dropout("hidden", x)
    return dense(params, "output", x)  # (N, 10)
