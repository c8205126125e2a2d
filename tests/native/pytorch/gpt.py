"""A GPT in plain PyTorch.

https://github.com/karpathy/nanoGPT (model and loop),
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html,
https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html (gradients set to None,
denormals),
https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html (fused),
https://docs.pytorch.org/docs/stable/generated/torch.compile.html.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(128, bias=False)
        self.qkv = nn.Linear(128, 3 * 128, bias=False)
        self.project = nn.Linear(128, 128, bias=False)
        self.norm2 = nn.LayerNorm(128, bias=False)
        self.expand = nn.Linear(128, 512, bias=False)
        self.contract = nn.Linear(512, 128, bias=False)

    def forward(self, x):
        n, t, c = x.shape
        parts = self.qkv(self.norm1(x)).split(128, dim=2)
        q, k, v = (part.view(n, t, 8, 16).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).contiguous().view(n, t, c))
        y = F.gelu(self.expand(self.norm2(x)), approximate="tanh")
        return x + self.contract(y)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.ModuleList([Block() for _ in range(4)])
        self.norm = nn.LayerNorm(128, bias=False)
        self.output = nn.Linear(128, 65, bias=False)
        self.output.weight = self.token.weight

    def forward(self, x):
        x = self.token(x) + self.position(torch.arange(x.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x))


def prepare(mode, threads, length):
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = Network()
    params = list(model.parameters())
    groups = [
        {"params": [p for p in params if p.dim() == 2], "weight_decay": 0.1},
        {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)
    model.train()

    def loss_of(x, y):
        return F.cross_entropy(model(x).view(-1, 65), y.view(-1))

    if mode == "compiled":
        loss_of = torch.compile(loss_of)

    def train(batches):
        losses = []
        for inputs, targets in batches:
            x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x, y)
            loss.backward()
            nn.utils.clip_grad_norm_(params, 1.0)
            optimizer.step()
            losses.append(loss.detach())
        return losses

    return train
