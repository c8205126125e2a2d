"""A multilayer perceptron on MNIST, trained with Adam."""

from bench.core.optimizers import Adam
from bench.core.parameters import dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="mnist-mlp",
    title="Multilayer perceptron on MNIST, Adam",
    dataset="mnist",
    network="mlp",
    input=ImageInput(shape=(784,), mean=(0.1307,), std=(0.3081,)),
    classes=10,
    parameters=dense("hidden", 784, 128) + dense("output", 128, 10),
    loss="softmax_cross_entropy",
    optimizer=Adam(learning_rate=1e-3),
    batch=64,
    target_accuracy=0.96,
    headline=True,
    presets={
        "quick": Budget(epochs=1, train_examples=30_000, test_examples=5_000),
        "standard": Budget(epochs=3),
        "full": Budget(epochs=5),
    },
)
