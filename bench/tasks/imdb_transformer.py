"""A Transformer block that classifies film reviews as good or bad: Keras's example, narrower heads.

Nandan (2020), "Text classification with Transformer", https://keras.io/examples. Here the two heads
have 16 features each, where it has 32, so that every framework's own attention can compute them;
attention has no biases; and epsilon is 2**-20, which every framework holds exactly, where it has
1e-6.
"""

from bench.core.attention import Attention, LayerNorm, Position
from bench.core.fields import Label, Tokens
from bench.core.layers import Dense, Embedding
from bench.core.losses import SoftmaxCrossEntropy
from bench.core.metrics import Accuracy
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="imdb-transformer",
    title="Transformer block on IMDB reviews",
    dataset="imdb",
    network="transformer",
    fields={
        "tokens": Tokens(steps=200, vocabulary=20_000),
        "label": Label(classes=2),
    },
    layers=(
        Embedding(name="token", rows=20_000, features=32),
        Position(name="position", rows=200, features=32),
        Attention(name="attention", features=32, heads=2),
        LayerNorm(name="attention_norm", features=32, epsilon=2**-20),
        Dense(name="expand", inputs=32, outputs=32, each_step=True),
        Dense(name="contract", inputs=32, outputs=32, each_step=True, summed=True),
        LayerNorm(name="feed_norm", features=32, epsilon=2**-20),
        Dense(name="hidden", inputs=32, outputs=20),
        Dense(name="output", inputs=20, outputs=2),
    ),
    updates=(Update(loss=SoftmaxCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=Accuracy(target=0.80),
    batch=32,
    dropout={"attention": 0.1, "contract": 0.1, "feed_norm": 0.1, "hidden": 0.1},
    presets={
        "quick": Budget(epochs=1, train_examples=3_200, test_examples=1_000),
        "standard": Budget(epochs=1, train_examples=12_800, test_examples=2_000),
        "full": Budget(epochs=2),
    },
)
