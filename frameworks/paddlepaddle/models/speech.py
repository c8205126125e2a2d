"""Two GRUs over frames of sound in PaddlePaddle."""

from paddle import Tensor, nn

from bench.core.task import Task


class Speech(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.lower = nn.GRU(40, 128)
        self.upper = nn.GRU(128, 128)
        self.output = nn.Linear(128, 28)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.lower(x)  # (N, T, 40) -> (N, T, 128)
        x, _ = self.upper(x)  # (N, T, 128)
        return self.output(x)  # (N, T, 28)


def build(task: Task) -> nn.Layer:
    return Speech()
