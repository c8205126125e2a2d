"""A GPT as a formula."""

from frameworks.reference.attention import attention, gelu, layer_norm, position, tied
from frameworks.reference.layers import Dropout, Params, Value, dense, embedding


def block(params: Params, name: str, x: Value, dropout: Dropout, *, heads: int) -> Value:
    y = layer_norm(params, f"{name}.attention_norm", x, epsilon=2**-17)
    y = attention(params, f"{name}.attention", y, heads=heads, causal=True)
    x = x + dropout(f"{name}.attention", y)
    y = layer_norm(params, f"{name}.feed_norm", x, epsilon=2**-17)
    y = gelu(dense(params, f"{name}.expand", y))  # (N, T, 4 * features)
    y = dense(params, f"{name}.contract", y)
    return x + dropout(f"{name}.contract", y)


def gpt(params: Params, x: Value, dropout: Dropout, *, blocks: int, heads: int) -> Value:
    x = embedding(params, "token", x)  # (N, T) -> (N, T, features)
    x = dropout("position", position(params, "position", x))
    for number in range(blocks):
        x = block(params, f"blocks.{number}", x, dropout, heads=heads)
    x = layer_norm(params, "norm", x, epsilon=2**-17)
    return tied(params, "token", x)  # (N, T, 65)


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    return gpt(params, x, dropout, blocks=4, heads=8)
