"""A GPT in PaddlePaddle."""

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task
from frameworks.paddlepaddle.layers import Attention


class Block(nn.Layer):
    def __init__(self, task: Task, name: str, *, features: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(features, epsilon=2**-17, bias_attr=False)
        self.attention = Attention(features, heads, causal=True)
        self.dropout1 = nn.Dropout(task.rate(f"{name}.attention"))
        self.feed_norm = nn.LayerNorm(features, epsilon=2**-17, bias_attr=False)
        self.expand = nn.Linear(features, 4 * features, bias_attr=False)
        self.contract = nn.Linear(4 * features, features, bias_attr=False)
        self.dropout2 = nn.Dropout(task.rate(f"{name}.contract"))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout1(self.attention(self.attention_norm(x)))
        y = F.gelu(self.expand(self.feed_norm(x)), approximate=True)  # (N, T, 4 * features)
        return x + self.dropout2(self.contract(y))


class GPT(nn.Layer):
    def __init__(self, task: Task, *, steps: int, blocks: int, features: int, heads: int) -> None:
        super().__init__()
        self.token = nn.Embedding(65, features)
        self.position = nn.Embedding(steps, features)
        self.dropout = nn.Dropout(task.rate("position"))
        names = [f"blocks.{number}" for number in range(blocks)]
        self.blocks = nn.Sequential(
            *(Block(task, name, features=features, heads=heads) for name in names)
        )
        self.norm = nn.LayerNorm(features, epsilon=2**-17, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position.weight[: x.shape[1]]  # (N, T) -> (N, T, features)
        x = self.dropout(x)
        x = self.blocks(x)
        x = self.norm(x)
        return paddle.matmul(x, self.token.weight, transpose_y=True)  # tied: (N, T, 65)


def build(task: Task) -> nn.Layer:
    return GPT(task, steps=64, blocks=4, features=128, heads=8)
