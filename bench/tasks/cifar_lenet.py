"""LeNet-5 with rectifiers on CIFAR-10: the network of PyTorch's beginners' tutorial."""

from bench.core.fields import Label, Pixels
from bench.core.layers import Conv, Dense
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import SGD
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="cifar-lenet",
    title="LeNet on CIFAR-10",
    dataset="cifar10",
    network="lenet",
    fields={
        "image": Pixels(
            size=(3, 32, 32), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)
        ),
        "label": Label(classes=10),
    },
    # 32 -> conv5 28 -> pool2 14 -> conv5 10 -> pool2 5
    layers=(
        Conv(name="conv1", inputs=3, outputs=6, kernel=5, output=(28, 28)),
        Conv(name="conv2", inputs=6, outputs=16, kernel=5, output=(10, 10)),
        Dense(name="dense1", inputs=16 * 5 * 5, outputs=120, flattened=(16, 5, 5)),
        Dense(name="dense2", inputs=120, outputs=84),
        Dense(name="output", inputs=84, outputs=10),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=SGD(learning_rate=0.001, momentum=0.9)),),
    metric=Accuracy(target=0.40),
    batch=64,
    loss_tolerance=0.03,
    presets={
        "quick": Budget(epochs=1, train_examples=12_800, test_examples=1_000),
        "standard": Budget(epochs=2, train_examples=12_800, test_examples=2_000),
        "full": Budget(epochs=5),
    },
)
