"""The product of a user's and an item's factors as a formula."""

from frameworks.reference.layers import Dropout, Params, Value, dot, embedding


def forward(params: Params, user: Value, item: Value, dropout: Dropout) -> Value:
    user = embedding(params, "user", user)  # (N,) -> (N, 50)
    item = embedding(params, "item", item)  # (N,) -> (N, 50)
    return dot(user, item)  # (N, 1)
