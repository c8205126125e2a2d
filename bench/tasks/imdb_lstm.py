"""An LSTM that classifies film reviews as good or bad."""

from bench.core.fields import Target, Tokens
from bench.core.layers import Dense, Embedding
from bench.core.losses import SigmoidCrossEntropy
from bench.core.metrics import BinaryAccuracy
from bench.core.optimizers import Adam
from bench.core.recurrent import LSTM
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="imdb-lstm",
    title="LSTM on IMDB reviews",
    dataset="imdb",
    network="lstm",
    fields={
        "tokens": Tokens(steps=200, vocabulary=25_000),
        "label": Target(about="1 for a good review, 0 for a bad one"),
    },
    layers=(
        Embedding(name="embedding", rows=25_000, features=100),
        LSTM(name="lstm", inputs=100, hidden=256),
        Dense(name="output", inputs=256, outputs=1),
    ),
    updates=(Update(loss=SigmoidCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=BinaryAccuracy(target=0.75),
    batch=64,
    headline=True,
    presets={
        "quick": Budget(epochs=1, train_examples=2_560, test_examples=1_000, length=50),
        "standard": Budget(epochs=1, train_examples=9_600, test_examples=2_000, length=80),
        "full": Budget(epochs=5),
    },
)
