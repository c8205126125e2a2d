"""An LSTM over words in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).

Alternatives tried on one thread, with their throughput relative to this script's: use_multi_tensor,
time first, the last hidden state instead of the last output, tensors in the arrays' own memory, and
FLAGS_use_onednn, all within noise.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(25_000, 100)
        self.lstm = nn.LSTM(100, 256)
        self.output = nn.Linear(256, 1)

    def forward(self, x):
        states, _ = self.lstm(self.embedding(x))
        return self.output(states[:, -1])


def prepare(mode, threads, length):
    paddle.set_device("cpu")
    model = Network()
    optimizer = paddle.optimizer.Adam(1e-3, parameters=model.parameters(), use_multi_tensor=True)
    model.train()
    forward = model
    if mode == "compiled":
        forward = paddle.jit.to_static(model, full_graph=True)

    def train(batches):
        losses = []
        for inputs, labels in batches:
            x, y = paddle.to_tensor(inputs), paddle.to_tensor(labels)
            loss = F.binary_cross_entropy_with_logits(forward(x), y)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
