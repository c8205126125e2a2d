"""The layers of a GPT: pre-norm blocks of causal attention, without biases, and a tied output."""

from __future__ import annotations

from bench.core.attention import Attention, LayerNorm, Position, Tied
from bench.core.layers import Dense, Embedding, Layer


def _norm(name: str, features: int) -> LayerNorm:
    """A layer normalization without a shift."""
    return LayerNorm(name=name, features=features, epsilon=2**-17, bias=False)


def _block(number: int, *, features: int, heads: int) -> tuple[Layer, ...]:
    """Attention, and two dense layers with a GELU between them, each behind a normalization."""
    name, wide = f"blocks.{number}", 4 * features
    return (
        _norm(f"{name}.attention_norm", features),
        Attention(name=f"{name}.attention", features=features, heads=heads, causal=True),
        _norm(f"{name}.feed_norm", features),
        Dense(name=f"{name}.expand", inputs=features, outputs=wide, bias=False, each_step=True),
        Dense(
            name=f"{name}.contract",
            inputs=wide,
            outputs=features,
            bias=False,
            each_step=True,
            summed=True,
        ),
    )


def gpt(
    *, vocabulary: int, steps: int, blocks: int, features: int, heads: int
) -> tuple[Layer, ...]:
    """All layers of a GPT on up to so many `steps`."""
    return (
        Embedding(name="token", rows=vocabulary, features=features),
        Position(name="position", rows=steps, features=features),
        *(
            layer
            for number in range(blocks)
            for layer in _block(number, features=features, heads=heads)
        ),
        _norm("norm", features),
        Tied(name="output", embedding="token", features=features, rows=vocabulary),
    )
