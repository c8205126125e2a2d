"""A GRU that classifies film reviews as good or bad, from ilkarman/DeepLearningFrameworks."""

from bench.core.fields import Label, Tokens
from bench.core.layers import Dense, Embedding
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import Adam
from bench.core.recurrent import GRU
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="imdb-gru",
    title="GRU on IMDB reviews",
    dataset="imdb",
    network="gru",
    fields={
        "tokens": Tokens(steps=150, vocabulary=30_000),
        "label": Label(classes=2),
    },
    layers=(
        Embedding(name="embedding", rows=30_000, features=125),
        GRU(name="gru", inputs=125, hidden=100),
        Dense(name="output", inputs=100, outputs=2),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=Accuracy(target=0.75),
    batch=64,
    heavy=True,
    presets={
        "quick": Budget(epochs=1, train_examples=2_560, test_examples=1_000),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=3),
    },
)
