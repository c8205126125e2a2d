"""A multilayer perceptron on MNIST, trained with Adam."""

from bench.core.fields import Label, Pixels
from bench.core.layers import Dense
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="mnist-mlp",
    title="Multilayer perceptron on MNIST, Adam",
    dataset="mnist",
    network="mlp",
    fields={
        "image": Pixels(size=(784,), mean=(0.1307,), std=(0.3081,)),
        "label": Label(classes=10),
    },
    layers=(
        Dense(name="hidden", inputs=784, outputs=128),
        Dense(name="output", inputs=128, outputs=10),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=Accuracy(target=0.96),
    batch=64,
    headline=True,
    loss_tolerance=0.02,
    presets={
        "quick": Budget(epochs=1, train_examples=30_000, test_examples=5_000),
        "standard": Budget(epochs=3),
        "full": Budget(epochs=5),
    },
)
