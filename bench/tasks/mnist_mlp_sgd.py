"""A multilayer perceptron on MNIST, trained with plain stochastic gradient descent."""

from bench.core.optimizers import SGD
from bench.core.parameters import dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="mnist-mlp-sgd",
    title="Multilayer perceptron on MNIST, SGD",
    dataset="mnist",
    network="mlp",
    input=ImageInput(shape=(784,), mean=(0.1307,), std=(0.3081,)),
    classes=10,
    parameters=dense("hidden", 784, 128) + dense("output", 128, 10),
    loss="softmax_cross_entropy",
    optimizer=SGD(learning_rate=0.01),
    batch=64,
    target_accuracy=0.93,
    presets={
        "quick": Budget(epochs=1, train_examples=30_000, test_examples=5_000),
        "standard": Budget(epochs=3),
        "full": Budget(epochs=5),
    },
)
