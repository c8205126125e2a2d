"""The GPT with six blocks, and heads of 64, as a formula."""

from frameworks.reference.layers import Dropout, Params, Value
from frameworks.reference.models.gpt import gpt


def forward(params: Params, x: Value, dropout: Dropout) -> Value:
    return gpt(params, x, dropout, blocks=6, heads=6)
