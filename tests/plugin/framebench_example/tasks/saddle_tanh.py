"""A perceptron with tanh that learns the height of a saddle."""

from bench.core.fields import Target
from bench.core.layers import Dense
from bench.core.losses import MeanSquaredError
from bench.core.optimizers import SGD
from bench.core.task import Budget, Task, Update
from framebench_example.fields import Coordinates
from framebench_example.metrics import MeanAbsoluteError

TASK = Task(
    name="saddle-tanh",
    title="Perceptron with tanh on a saddle",
    dataset="saddle",
    network="tanh",
    fields={
        "point": Coordinates(),
        "height": Target(array="height", about="the height at the point, in metres"),
    },
    layers=(
        Dense(name="hidden", inputs=2, outputs=16),
        Dense(name="output", inputs=16, outputs=1),
    ),
    updates=(
        Update(
            loss=MeanSquaredError(target="height"), optimizer=SGD(learning_rate=0.1, momentum=0.9)
        ),
    ),
    metric=MeanAbsoluteError(target=0.1),
    batch=32,
    outputs=("prediction",),
    presets={
        "quick": Budget(epochs=1, train_examples=640, test_examples=128),
        "standard": Budget(epochs=2),
        "full": Budget(epochs=3),
    },
)
