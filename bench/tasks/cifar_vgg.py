"""A VGG-style network with three dropouts on CIFAR-10, from a comparison of frameworks of 2018.

Network and recipe are those of https://github.com/ilkarman/DeepLearningFrameworks, which reports an
accuracy of 72 to 78 % after ten epochs in every framework. Pixels are scaled, but not normalized.
"""

from bench.core.optimizers import SGD
from bench.core.parameters import conv, dense
from bench.core.task import Budget, ImageInput, Task

TASK = Task(
    name="cifar-vgg",
    title="VGG-style network with dropout on CIFAR-10",
    dataset="cifar10",
    network="vgg",
    input=ImageInput(shape=(3, 32, 32), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    classes=10,
    # 32 -> conv3 same 32 -> conv3 same 32 -> pool2 16 -> conv3 same 16 -> conv3 same 16 -> pool2 8
    parameters=conv("conv1", 3, 50, 3, output=(32, 32))
    + conv("conv2", 50, 50, 3, output=(32, 32))
    + conv("conv3", 50, 100, 3, output=(16, 16))
    + conv("conv4", 100, 100, 3, output=(16, 16))
    + dense("hidden", 100 * 8 * 8, 512, flattened=(100, 8, 8))
    + dense("output", 512, 10),
    loss="softmax_cross_entropy",
    optimizer=SGD(learning_rate=0.01, momentum=0.9),
    batch=64,
    target_accuracy=0.70,
    heavy=True,
    dropout={"conv2": 0.25, "conv4": 0.25, "hidden": 0.5},
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=500),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=10),
    },
)
