"""LeNet-5 with rectifiers on CIFAR-10: the network of PyTorch's beginners' tutorial."""

from bench.core.optimizers import SGD
from bench.core.parameters import conv, dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="cifar-lenet",
    title="LeNet on CIFAR-10",
    dataset="cifar10",
    network="lenet",
    input=ImageInput(
        shape=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
    ),
    classes=10,
    # 32 -> conv5 28 -> pool2 14 -> conv5 10 -> pool2 5
    parameters=conv("conv1", 3, 6, 5, output=(28, 28))
    + conv("conv2", 6, 16, 5, output=(10, 10))
    + dense("dense1", 16 * 5 * 5, 120, flattened=(16, 5, 5))
    + dense("dense2", 120, 84)
    + dense("output", 84, 10),
    loss="softmax_cross_entropy",
    optimizer=SGD(learning_rate=0.001, momentum=0.9),
    batch=64,
    target_accuracy=0.40,
    presets={
        "quick": Budget(epochs=1, train_examples=12_800, test_examples=1_000),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=5),
    },
)
