"""A multilayer perceptron in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).

Alternatives tried on one thread, with their throughput relative to this script's: without
use_multi_tensor 0.77 to 0.83; tensors in the arrays' own memory within noise; FLAGS_use_onednn
crashes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 128)
        self.output = nn.Linear(128, 10)

    def forward(self, x):
        return self.output(F.relu(self.hidden(x)))


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
            loss = F.cross_entropy(forward(x), y)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
