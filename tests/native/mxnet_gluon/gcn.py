"""Two graph convolutions in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/ndarray/sparse/csr.html
(CSR, and dot), https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(sparse inputs allow no static_alloc).
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

NODES, WORDS = 2708, 1433


class Network(gluon.HybridBlock):
    """The loss as well, so that there is one graph."""

    def __init__(self):
        super().__init__()
        self.first = self.params.get("first", shape=(WORDS, 16), init=mx.init.Xavier())
        self.first_bias = self.params.get("first_bias", shape=(16,), init="zeros")
        self.second = self.params.get("second", shape=(16, 7), init=mx.init.Xavier())
        self.second_bias = self.params.get("second_bias", shape=(7,), init="zeros")

    def hybrid_forward(self, F, words, links, y, known, first, first_bias, second, second_bias):  # noqa: N803
        x = F.broadcast_add(F.dot(links, F.dot(words, first)), first_bias)
        x = F.Dropout(F.relu(x), p=0.5)
        logits = F.broadcast_add(F.dot(links, F.dot(x, second)), second_bias)
        losses = -F.pick(F.log_softmax(logits), y) * known
        return F.sum(losses) / F.sum(known) + 2**-12 * F.sum(F.square(first))


def matrix(entries, rows, columns):
    row, column, value = (entries[0][name].copy() for name in ("row", "column", "value"))
    starts = np.searchsorted(row, np.arange(rows + 1))
    return mx.nd.sparse.csr_matrix((value, column, starts), shape=(rows, columns))


def prepare(mode, threads, length):
    model = Network()
    model.initialize()
    if mode == "compiled":
        model.hybridize()
    trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 0.01})
    graph = None

    def train(batches):
        nonlocal graph
        if graph is None:  # all batches are the same
            words, links, labels = batches[0]
            graph = (
                matrix(words, NODES, WORDS),
                matrix(links, NODES, NODES),
                mx.nd.array(np.maximum(labels[0], 0)),
                mx.nd.array(labels[0] >= 0),
            )
        losses = []
        for _ in batches:
            with autograd.record():
                loss = model(*graph)
            loss.backward()
            trainer.step(1)
            losses.append(loss)
        mx.nd.waitall()
        return losses

    return train
