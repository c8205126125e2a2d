"""ResNet-20 on CIFAR-10: He et al. (2015, "Deep residual learning"), section 4.2, with n = 3.

Shortcuts are of their option A, without parameters. Unlike theirs, and as in every task here, this
recipe has no data augmentation, no weight decay, and a constant learning rate.
"""

from bench.core.optimizers import SGD
from bench.core.parameters import Parameter, conv_norm, dense
from bench.core.task import Budget, ImageInput, Task

BLOCKS = 3


def stage(number: int, inputs: int, channels: int, size: int) -> tuple[Parameter, ...]:
    """Blocks of two convolutions each; after the first stride, maps are size x size."""
    parameters: tuple[Parameter, ...] = ()
    for block in range(BLOCKS):
        for place in (1, 2):
            conv, norm = (f"stage{number}.{block}.{kind}{place}" for kind in ("conv", "norm"))
            parameters += conv_norm(conv, norm, inputs, channels, 3, output=(size, size))
            inputs = channels
    return parameters


TASK = Task(
    name="cifar-resnet20",
    title="ResNet-20 on CIFAR-10",
    dataset="cifar10",
    network="resnet",
    input=ImageInput(
        shape=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
    ),
    classes=10,
    parameters=conv_norm("conv1", "norm1", 3, 16, 3, output=(32, 32))
    + stage(1, 16, 16, 32)
    + stage(2, 16, 32, 16)
    + stage(3, 32, 64, 8)
    + dense("output", 64, 10),
    loss="softmax_cross_entropy",
    optimizer=SGD(learning_rate=0.1, momentum=0.9),
    batch=128,
    target_accuracy=0.60,
    heavy=True,
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=500),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=10),
    },
)
