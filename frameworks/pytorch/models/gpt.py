"""A GPT in PyTorch."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task
from frameworks.pytorch.layers import Attention


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(128, eps=2**-17, bias=False)
        self.attention = Attention(128, 8, causal=True)
        self.feed_norm = nn.LayerNorm(128, eps=2**-17, bias=False)
        self.expand = nn.Linear(128, 512, bias=False)
        self.contract = nn.Linear(512, 128, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.attention_norm(x))
        y = F.gelu(self.expand(self.feed_norm(x)), approximate="tanh")  # (N, T, 512)
        return x + self.contract(y)


class GPT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.Sequential(Block(), Block(), Block(), Block())
        self.norm = nn.LayerNorm(128, eps=2**-17, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position.weight[: x.shape[1]]  # (N, T) -> (N, T, 128)
        x = self.blocks(x)
        x = self.norm(x)
        return F.linear(x, self.token.weight)  # tied: (N, T, 65)


def build(task: Task) -> nn.Module:
    return GPT()
