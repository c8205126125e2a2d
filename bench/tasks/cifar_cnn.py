"""A small convolutional network on CIFAR-10."""

from bench.core.fields import Label, Pixels
from bench.core.layers import Conv, Dense
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="cifar-cnn",
    title="Convolutional network on CIFAR-10",
    dataset="cifar10",
    network="cnn",
    fields={
        "image": Pixels(
            size=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
        ),
        "label": Label(classes=10),
    },
    # 32 -> conv3 30 -> pool2 15 -> conv3 13 -> pool2 6
    layers=(
        Conv(name="conv1", inputs=3, outputs=32, kernel=3, output=(30, 30)),
        Conv(name="conv2", inputs=32, outputs=64, kernel=3, output=(13, 13)),
        Dense(name="hidden", inputs=64 * 6 * 6, outputs=64, flattened=(64, 6, 6)),
        Dense(name="output", inputs=64, outputs=10),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=Accuracy(target=0.55),
    batch=64,
    headline=True,
    loss_tolerance=0.05,
    presets={
        "quick": Budget(epochs=1, train_examples=6_400, test_examples=1_000),
        "standard": Budget(epochs=2, train_examples=9_600, test_examples=2_000),
        "full": Budget(epochs=10),
    },
)
