"""ResNet-20 on CIFAR-10: He et al. (2015, "Deep residual learning"), section 4.2, with n = 3.

Their shortcuts are of option A, without parameters. Not theirs: no picture is flipped or shifted,
no weight decays, and the learning rate stays as it is, as in every task here.
"""

from collections.abc import Iterator

from bench.core.task import SGD, Budget, ImageInput, Parameter, Task, conv_norm, dense

BLOCKS = 3


def parameters() -> Iterator[Parameter]:
    """A convolution, three stages of three blocks of two convolutions each, a dense layer."""
    # 32x32 in the first stage, 16x16 in the second, 8x8 in the third
    yield from conv_norm("conv1", "norm1", 3, 16, 3, output=(32, 32))
    inputs = 16
    for stage, channels, size in ((1, 16, 32), (2, 32, 16), (3, 64, 8)):
        for block in range(BLOCKS):
            name = f"stage{stage}.{block}"
            for number in (1, 2):
                conv, norm = f"{name}.conv{number}", f"{name}.norm{number}"
                yield from conv_norm(conv, norm, inputs, channels, 3, output=(size, size))
                inputs = channels
    yield from dense("output", 64, 10)


TASK = Task(
    name="cifar-resnet20",
    title="ResNet-20 on CIFAR-10",
    dataset="cifar10",
    network="resnet",
    input=ImageInput(
        shape=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
    ),
    classes=10,
    parameters=tuple(parameters()),
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
