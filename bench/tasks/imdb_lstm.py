"""An LSTM that classifies film reviews as good or bad."""

from bench.core.optimizers import Adam
from bench.core.parameters import dense, embedding, lstm
from bench.core.task import Budget, Task, TokenInput

TASK = Task(
    name="imdb-lstm",
    title="LSTM on IMDB reviews",
    dataset="imdb",
    network="lstm",
    input=TokenInput(length=200, vocabulary=25_000),
    classes=2,
    parameters=embedding("embedding", 25_000, 100)
    + lstm("lstm", 100, 256)
    + dense("output", 256, 1),
    loss="sigmoid_cross_entropy",
    optimizer=Adam(learning_rate=1e-3),
    batch=64,
    target_accuracy=0.75,
    headline=True,
    presets={
        "quick": Budget(epochs=1, train_examples=2_560, test_examples=1_000, length=50),
        "standard": Budget(epochs=2, train_examples=12_800, test_examples=2_000, length=80),
        "full": Budget(epochs=5),
    },
)
