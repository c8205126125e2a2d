"""A convolutional network in plain PyTorch.

https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html (the loop),
https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html (gradients set to None,
channels_last),
https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html (fused),
https://docs.pytorch.org/docs/stable/generated/torch.compile.html.

Alternatives tried on one thread, with their throughput relative to this script's: channels first
0.7 to 0.77 in eager mode, and the same when compiled, which is half as fast as eager; the default
Adam, and relu after the pooling within noise.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.hidden = nn.Linear(64 * 6 * 6, 64)
        self.output = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.hidden(x.flatten(1)))
        return self.output(x)


def prepare(mode, threads, length):
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = Network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    model.train()

    def loss_of(x, y):
        return F.cross_entropy(model(x), y)

    if mode == "compiled":
        loss_of = torch.compile(loss_of)

    def train(batches):
        losses = []
        for inputs, labels in batches:
            x, y = (
                torch.from_numpy(inputs).permute(0, 3, 1, 2),  # in memory, still (N, H, W, C)
                torch.from_numpy(labels),
            )
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return losses

    return train
