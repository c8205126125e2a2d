"""Two bidirectional LSTM layers that classify film reviews: Keras's example of the same name."""

from bench.core.fields import Target, Tokens
from bench.core.layers import Dense, Embedding
from bench.core.losses import SigmoidCrossEntropy
from bench.core.metrics import BinaryAccuracy
from bench.core.optimizers import Adam
from bench.core.recurrent import LSTM, Bidirectional
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="imdb-bilstm",
    title="Bidirectional LSTM on IMDB reviews",
    dataset="imdb",
    network="bilstm",
    fields={
        "tokens": Tokens(steps=200, vocabulary=20_000),
        "label": Target(about="1 for a good review, 0 for a bad one"),
    },
    layers=(
        Embedding(name="embedding", rows=20_000, features=128),
        Bidirectional(name="lstm", layer=LSTM(name="lstm", inputs=128, hidden=64), depth=2),
        Dense(name="output", inputs=128, outputs=1),
    ),
    updates=(Update(loss=SigmoidCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=BinaryAccuracy(target=0.80),
    batch=32,
    presets={
        "quick": Budget(epochs=1, train_examples=2_560, test_examples=1_000, length=50),
        "standard": Budget(epochs=1, train_examples=4_800, test_examples=1_000, length=80),
        "full": Budget(epochs=2),
    },
)
