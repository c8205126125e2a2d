"""Translation by two LSTMs with attention in plain PyTorch.

https://docs.pytorch.org/tutorials/intermediate/seq2seq_translation_tutorial.html (encoder, decoder,
teacher forcing),
https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html (its state and cell),
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
(ignore_index),
https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html (gradients set to None,
denormals),
https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html (fused),
https://docs.pytorch.org/docs/stable/generated/torch.compile.html.

The logits of padding are computed and left out of the loss, as in every framework here. Those of
real words alone would be less work: 1.27 of this script's throughput on one thread. Alternatives
that are the same work, all within noise of it: scaled_dot_product_attention, batch_first, and
states made contiguous.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.ModuleDict({side: nn.Embedding(8_000, 128) for side in ("en", "fr")})
        self.encoder = nn.LSTM(128, 256)
        self.decoder = nn.LSTM(128, 256)
        self.combine = nn.Linear(2 * 256, 256, bias=False)
        self.output = nn.Linear(256, 8_000)
        for lstm in (self.encoder, self.decoder):
            nn.init.zeros_(lstm.bias_hh_l0).requires_grad_(False)  # the task has only one bias

    def forward(self, source, previous):
        # Time first, which is how an LSTM reads it: transposed tokens are smaller than vectors.
        encoded, last = self.encoder(self.words["en"](source.t()))
        states, _ = self.decoder(self.words["fr"](previous.t()), last)
        encoded, states = encoded.transpose(0, 1), states.transpose(0, 1)
        scores = torch.bmm(states, encoded.transpose(1, 2))
        scores = scores.masked_fill((source == 0).unsqueeze(1), -torch.inf)
        context = torch.bmm(scores.softmax(2), encoded)
        return self.output(self.combine(torch.cat((context, states), 2)).tanh())


def prepare(mode, threads, length):
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    model = Network()
    optimizer = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], lr=1e-3, fused=True
    )
    model.train()

    def loss_of(source, previous, following):
        logits = model(source, previous)
        return F.cross_entropy(logits.view(-1, 8_000), following.view(-1), ignore_index=0)

    if mode == "compiled":
        loss_of = torch.compile(loss_of)

    def train(batches):
        losses = []
        for batch in batches:
            tensors = [torch.from_numpy(array) for array in batch]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(*tensors)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return losses

    return train
