"""Softmax regression on MNIST: the first example of most tutorials."""

from bench.core.optimizers import SGD
from bench.core.parameters import dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="mnist-softmax",
    title="Softmax regression on MNIST",
    dataset="mnist",
    network="softmax",
    input=ImageInput(shape=(784,), mean=(0.1307,), std=(0.3081,)),
    classes=10,
    parameters=dense("output", 784, 10),
    loss="softmax_cross_entropy",
    optimizer=SGD(learning_rate=0.01),
    batch=64,
    target_accuracy=0.90,
    presets={
        "quick": Budget(epochs=1, train_examples=30_000, test_examples=5_000),
        "standard": Budget(epochs=2),
        "full": Budget(epochs=5),
    },
)
