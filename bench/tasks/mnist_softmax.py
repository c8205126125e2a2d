"""Softmax regression on MNIST: the first example of most tutorials."""

from bench.core.fields import Label, Pixels
from bench.core.layers import Dense
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import SGD
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="mnist-softmax",
    title="Softmax regression on MNIST",
    dataset="mnist",
    network="softmax",
    fields={
        "image": Pixels(size=(784,), mean=(0.1307,), std=(0.3081,)),
        "label": Label(classes=10),
    },
    layers=(Dense(name="output", inputs=784, outputs=10),),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=SGD(learning_rate=0.01)),),
    metric=Accuracy(target=0.90),
    batch=64,
    loss_tolerance=0.01,
    presets={
        "quick": Budget(epochs=1, train_examples=30_000, test_examples=5_000),
        "standard": Budget(epochs=2),
        "full": Budget(epochs=5),
    },
)
