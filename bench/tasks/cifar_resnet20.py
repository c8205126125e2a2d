"""ResNet-20 on CIFAR-10: He et al. (2015, "Deep residual learning"), section 4.2, with n = 3.

Shortcuts are of their option A, without parameters. Unlike theirs, and as in every task here, this
recipe has no data augmentation, no weight decay, and a constant learning rate.
"""

from bench.core.fields import Label, Pixels
from bench.core.layers import BatchNorm, Conv, Dense, Layer
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import SGD
from bench.core.task import Budget, Task, Update

BLOCKS = 3


def conv_norm(name: str, norm: str, inputs: int, outputs: int, size: int) -> tuple[Layer, Layer]:
    """A 3x3 convolution without a bias, and the batch normalization after it; size x size maps."""
    conv = Conv(
        name=name,
        inputs=inputs,
        outputs=outputs,
        kernel=3,
        output=(size, size),
        bias=False,
        rectified=True,
    )
    return conv, BatchNorm(name=norm, channels=outputs, output=(size, size))


def stage(number: int, inputs: int, channels: int, size: int) -> tuple[Layer, ...]:
    """Blocks of two convolutions each; after the first stride, maps are size x size."""
    layers: tuple[Layer, ...] = ()
    for block in range(BLOCKS):
        for place in (1, 2):
            conv, norm = (f"stage{number}.{block}.{kind}{place}" for kind in ("conv", "norm"))
            layers += conv_norm(conv, norm, inputs, channels, size)
            inputs = channels
    return layers


TASK = Task(
    name="cifar-resnet20",
    title="ResNet-20 on CIFAR-10",
    dataset="cifar10",
    network="resnet",
    fields={
        "image": Pixels(
            size=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
        ),
        "label": Label(classes=10),
    },
    layers=(
        *conv_norm("conv1", "norm1", 3, 16, 32),
        *stage(1, 16, 16, 32),
        *stage(2, 16, 32, 16),
        *stage(3, 32, 64, 8),
        Dense(name="output", inputs=64, outputs=10),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=SGD(learning_rate=0.1, momentum=0.9)),),
    metric=Accuracy(target=0.60),
    batch=128,
    heavy=True,
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=500),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=10),
    },
)
