"""LeNet as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, conv, dense, flatten, max_pool, relu


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = max_pool(relu(conv(params, "conv1", x)))  # (N, 3, 32, 32) -> (N, 6, 14, 14)
    x = max_pool(relu(conv(params, "conv2", x)))  # (N, 16, 5, 5)
    x = relu(dense(params, "dense1", flatten(x)))  # (N, 16*5*5) -> (N, 120)
    x = relu(dense(params, "dense2", x))  # (N, 84)
    return dense(params, "output", x)  # (N, 10)
