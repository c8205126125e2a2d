"""A convolutional network in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/guides/beginner/train_eval_predict_en.html,
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).

Alternatives tried on one thread, with their throughput relative to this script's: use_multi_tensor,
and tensors in the arrays' own memory within noise; FLAGS_use_onednn aborts.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2D(3, 32, 3)
        self.conv2 = nn.Conv2D(32, 64, 3)
        self.hidden = nn.Linear(64 * 6 * 6, 64)
        self.output = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.hidden(x.flatten(1)))
        return self.output(x)


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
