"""Two GRUs over frames of sound with CTC in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/ctc_loss_en.html
(lengths, time first),
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(40, 128, num_layers=2)
        self.output = nn.Linear(128, 28)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.output(states)


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
            x, letters, counts = map(paddle.to_tensor, batch)
            logits = forward(x).transpose([1, 0, 2])
            lengths = (letters != 0).sum(1)
            letters = letters.astype("int32")
            loss = F.ctc_loss(logits, letters, counts, lengths, reduction="none").mean()
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
