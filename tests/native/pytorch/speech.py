"""Two GRUs over frames of sound with CTC in plain PyTorch.

https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html (the loop),
https://docs.pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html (lengths, time first),
https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html (fused),
https://docs.pytorch.org/docs/stable/generated/torch.compile.html.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(40, 128, num_layers=2, batch_first=True)
        self.output = nn.Linear(128, 28)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.output(states)


def prepare(mode, threads, length):
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    model.train()

    def loss_of(x, letters, counts):
        log_p = F.log_softmax(model(x), 2).transpose(0, 1)
        lengths = (letters != 0).sum(1)
        return F.ctc_loss(log_p, letters, counts, lengths, reduction="none").mean()

    if mode == "compiled":
        loss_of = torch.compile(loss_of)

    def train(batches):
        losses = []
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(*map(torch.from_numpy, batch))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return losses

    return train
