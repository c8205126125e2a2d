"""A Transformer block over words in PyTorch."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task
from frameworks.pytorch.layers import Attention


class Transformer(nn.Module):
    def __init__(self, rates: Mapping[str, float]) -> None:
        super().__init__()
        self.token = nn.Embedding(20_000, 32)
        self.position = nn.Embedding(200, 32)
        self.attention = Attention(32, 2)
        self.dropout1 = nn.Dropout(rates["attention"])
        self.attention_norm = nn.LayerNorm(32, eps=2**-20)
        self.expand = nn.Linear(32, 32)
        self.contract = nn.Linear(32, 32)
        self.dropout2 = nn.Dropout(rates["contract"])
        self.feed_norm = nn.LayerNorm(32, eps=2**-20)
        self.dropout3 = nn.Dropout(rates["feed_norm"])
        self.hidden = nn.Linear(32, 20)
        self.dropout4 = nn.Dropout(rates["hidden"])
        self.output = nn.Linear(20, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.position.weight[: x.shape[1]]  # (N, T) -> (N, T, 32)
        y = self.attention(x)
        x = self.attention_norm(x + self.dropout1(y))
        y = self.contract(F.relu(self.expand(x)))
        x = self.feed_norm(x + self.dropout2(y))
        x = x.mean(1)  # (N, T, 32) -> (N, 32)
        x = self.dropout3(x)
        x = F.relu(self.hidden(x))  # (N, 20)
        x = self.dropout4(x)
        return self.output(x)  # (N, 2)


def build(task: Task) -> nn.Module:
    return Transformer(task.dropout)
