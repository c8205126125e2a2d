"""A multilayer perceptron with dropout on MNIST, in small batches: TensorFlow's first tutorial."""

from bench.core.optimizers import Adam
from bench.core.parameters import dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="mnist-mlp-dropout",
    title="Multilayer perceptron with dropout on MNIST, Adam",
    dataset="mnist",
    network="mlp_dropout",
    input=ImageInput(shape=(784,), mean=(0.1307,), std=(0.3081,)),
    classes=10,
    parameters=dense("hidden", 784, 128) + dense("output", 128, 10),
    loss="softmax_cross_entropy",
    optimizer=Adam(learning_rate=1e-3),
    batch=32,
    target_accuracy=0.96,
    dropout={"hidden": 0.2},
    presets={
        "quick": Budget(epochs=1, train_examples=16_000, test_examples=5_000),
        "standard": Budget(epochs=2),
        "full": Budget(epochs=5),
    },
)
