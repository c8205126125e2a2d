"""A small convolutional network on CIFAR-10."""

from bench.core.optimizers import Adam
from bench.core.parameters import conv, dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="cifar-cnn",
    title="Convolutional network on CIFAR-10",
    dataset="cifar10",
    network="cnn",
    input=ImageInput(
        shape=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
    ),
    classes=10,
    # 32 -> conv3 30 -> pool2 15 -> conv3 13 -> pool2 6
    parameters=conv("conv1", 3, 32, 3, output=(30, 30))
    + conv("conv2", 32, 64, 3, output=(13, 13))
    + dense("hidden", 64 * 6 * 6, 64, flattened=(64, 6, 6))
    + dense("output", 64, 10),
    loss="softmax_cross_entropy",
    optimizer=Adam(learning_rate=1e-3),
    batch=64,
    target_accuracy=0.55,
    headline=True,
    presets={
        "quick": Budget(epochs=1, train_examples=6_400, test_examples=1_000),
        "standard": Budget(epochs=2, train_examples=25_600, test_examples=5_000),
        "full": Budget(epochs=10),
    },
)
