"""A GPT as a formula."""

from frameworks.reference.attention import attention, gelu, layer_norm, position, tied
from frameworks.reference.layers import Dropout, Params, Value, dense, embedding


def block(params: Params, name: str, x: Value) -> Value:
    y = layer_norm(params, f"{name}.attention_norm", x, epsilon=2**-17)
    x = x + attention(params, f"{name}.attention", y, heads=8, causal=True)
    y = layer_norm(params, f"{name}.feed_norm", x, epsilon=2**-17)
    y = gelu(dense(params, f"{name}.expand", y))  # (N, T, 128) -> (N, T, 512)
    return x + dense(params, f"{name}.contract", y)


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    x = embedding(params, "token", x)  # (N, T) -> (N, T, 128)
    x = position(params, "position", x)
    for number in range(4):
        x = block(params, f"blocks.{number}", x)
    x = layer_norm(params, "norm", x, epsilon=2**-17)
    return tied(params, "token", x)  # (N, T, 65)
