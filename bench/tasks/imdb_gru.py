"""A GRU that classifies film reviews as good or bad, from ilkarman/DeepLearningFrameworks."""

from bench.core.optimizers import Adam
from bench.core.parameters import dense, embedding, gru
from bench.core.task import Budget, Task, TokenInput

TASK = Task(
    name="imdb-gru",
    title="GRU on IMDB reviews",
    dataset="imdb",
    network="gru",
    input=TokenInput(length=150, vocabulary=30_000),
    classes=2,
    parameters=embedding("embedding", 30_000, 125) + gru("gru", 125, 100) + dense("output", 100, 2),
    loss="softmax_cross_entropy",
    optimizer=Adam(learning_rate=1e-3),
    batch=64,
    target_accuracy=0.75,
    heavy=True,
    presets={
        "quick": Budget(epochs=1, train_examples=2_560, test_examples=1_000),
        "standard": Budget(epochs=2, test_examples=5_000),
        "full": Budget(epochs=3),
    },
)
