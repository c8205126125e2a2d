"""A VGG-style network with three dropouts on CIFAR-10, from a comparison of frameworks of 2018.

Network and recipe are those of https://github.com/ilkarman/DeepLearningFrameworks, which reports an
accuracy of 72 to 78 % after ten epochs in every framework. Pixels are scaled, but not normalized.
"""

from bench.core.fields import Label, Pixels
from bench.core.layers import Conv, Dense
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import SGD
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="cifar-vgg",
    title="VGG-style network with dropout on CIFAR-10",
    dataset="cifar10",
    network="vgg",
    fields={
        "image": Pixels(size=(3, 32, 32), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        "label": Label(classes=10),
    },
    # 32 -> conv3 same 32 -> conv3 same 32 -> pool2 16 -> conv3 same 16 -> conv3 same 16 -> pool2 8
    layers=(
        Conv(name="conv1", inputs=3, outputs=50, kernel=3, output=(32, 32)),
        Conv(name="conv2", inputs=50, outputs=50, kernel=3, output=(32, 32)),
        Conv(name="conv3", inputs=50, outputs=100, kernel=3, output=(16, 16)),
        Conv(name="conv4", inputs=100, outputs=100, kernel=3, output=(16, 16)),
        Dense(name="hidden", inputs=100 * 8 * 8, outputs=512, flattened=(100, 8, 8)),
        Dense(name="output", inputs=512, outputs=10),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=SGD(learning_rate=0.01, momentum=0.9)),),
    metric=Accuracy(target=0.70),
    batch=64,
    heavy=True,
    dropout={"conv2": 0.25, "conv4": 0.25, "hidden": 0.5},
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=500),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=10),
    },
)
