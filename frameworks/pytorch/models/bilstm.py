"""Bidirectional LSTMs over words in PyTorch."""

import torch
from torch import Tensor, nn

from bench.core.task import Task


class BiLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20_000, 128)
        self.lstm = nn.LSTM(128, 64, num_layers=2, bidirectional=True, batch_first=True)
        self.output = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)  # (N, T) -> (N, T, 128)
        _, (h, _) = self.lstm(x)  # (4, N, 64): two layers of two directions
        x = torch.cat([h[-2], h[-1]], dim=1)  # the last layer's last states: (N, 128)
        return self.output(x)  # (N, 1)


def build(task: Task) -> nn.Module:
    return BiLSTM()
