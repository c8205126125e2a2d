"""A multilayer perceptron with dropout as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, dense, relu


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = relu(dense(params, "hidden", x))  # (N, 784) -> (N, 128)
    x = dropout("hidden", x)
    return dense(params, "output", x)  # (N, 10)
