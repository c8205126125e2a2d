"""Ratings of films from a user's and an item's factors: the core of collaborative filtering.

Koren, Bell and Volinsky (2009, "Matrix factorization techniques for recommender systems"), without
biases and regularization. Every row of both tables is moved by Adam in each step.
"""

from bench.core.fields import Ids, Target
from bench.core.layers import Dot, Embedding
from bench.core.losses import MeanSquaredError
from bench.core.metrics import RMSE
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="movielens-ncf",
    title="Collaborative filtering on MovieLens 100K",
    dataset="movielens",
    network="ncf",
    fields={
        "user": Ids(array="user", count=943),
        "item": Ids(array="item", count=1682),
        "rating": Target(array="rating", about="the rating, 1 to 5 stars"),
    },
    layers=(
        Embedding(name="user", rows=943, features=50, sequence=False),
        Embedding(name="item", rows=1682, features=50, sequence=False),
        Dot(name="rating", features=50),
    ),
    updates=(Update(loss=MeanSquaredError(target="rating"), optimizer=Adam(learning_rate=1e-3)),),
    metric=RMSE(field="rating", target=0.98),
    batch=64,
    outputs=("prediction",),
    presets={
        "quick": Budget(epochs=1, train_examples=12_800, test_examples=2_000),
        "standard": Budget(epochs=3),
        "full": Budget(epochs=5),
    },
)
