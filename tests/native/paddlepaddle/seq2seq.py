"""Translation by two LSTMs with attention in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/LSTM_en.html (initial_states),
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/cross_entropy_en.html
(ignore_index),
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).

Alternatives tried on one thread, with their throughput relative to this script's: time first, and
no use_multi_tensor, 0.98.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(8_000, 128)
        self.encoder = nn.LSTM(128, 256)
        self.target = nn.Embedding(8_000, 128)
        self.decoder = nn.LSTM(128, 256)
        self.combine = nn.Linear(2 * 256, 256, bias_attr=False)
        self.output = nn.Linear(256, 8_000)

    def forward(self, source, previous):
        encoded, last = self.encoder(self.source(source))
        states, _ = self.decoder(self.target(previous), last)
        padding = (source == 0).astype("float32").unsqueeze(1) * -1e30
        scores = paddle.bmm(states, encoded.transpose([0, 2, 1])) + padding
        context = paddle.bmm(F.softmax(scores), encoded)
        return self.output(F.tanh(self.combine(paddle.concat([context, states], axis=2))))


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
        for batch in batches:
            source, previous, following = (paddle.to_tensor(array) for array in batch)
            loss = F.cross_entropy(forward(source, previous), following, ignore_index=0)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
