"""A GPT in PaddlePaddle."""

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from bench.core.task import Task
from frameworks.paddlepaddle.layers import Attention


class Block(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(128, epsilon=2**-17, bias_attr=False)
        self.attention = Attention(128, 8, causal=True)
        self.feed_norm = nn.LayerNorm(128, epsilon=2**-17, bias_attr=False)
        self.expand = nn.Linear(128, 512, bias_attr=False)
        self.contract = nn.Linear(512, 128, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        y = F.gelu(self.expand(self.feed_norm(x)), approximate=True)  # (N, T, 512)
        return x + self.contract(y)


class GPT(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.Sequential(Block(), Block(), Block(), Block())
        self.norm = nn.LayerNorm(128, epsilon=2**-17, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position.weight[: x.shape[1]]  # (N, T) -> (N, T, 128)
        x = self.blocks(x)
        x = self.norm(x)
        return paddle.matmul(x, self.token.weight, transpose_y=True)  # tied: (N, T, 65)


def build(task: Task) -> nn.Layer:
    return GPT()
