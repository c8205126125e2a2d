"""Two LSTMs with attention in PyTorch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.core.task import Task


class Seq2Seq(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(8_000, 128)
        self.encoder = nn.LSTM(128, 256, batch_first=True)
        self.target_embedding = nn.Embedding(8_000, 128)
        self.decoder = nn.LSTM(128, 256, batch_first=True)
        self.combine = nn.Linear(512, 256, bias=False)
        self.output = nn.Linear(256, 8_000)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        x = self.source_embedding(source)  # (N, S) -> (N, S, 128)
        encoded, last = self.encoder(x)  # (N, S, 256), and the last state and cell
        x = self.target_embedding(previous)  # (N, T) -> (N, T, 128)
        x, _ = self.decoder(x, last)  # (N, T, 256)
        is_real = (source != 0).unsqueeze(1)  # (N, 1, S)
        context = F.scaled_dot_product_attention(x, encoded, encoded, is_real, scale=1.0)
        x = torch.cat([context, x], dim=2)  # (N, T, 512)
        x = torch.tanh(self.combine(x))  # (N, T, 256)
        return self.output(x)  # (N, T, 8000)


def build(task: Task) -> nn.Module:
    return Seq2Seq()
