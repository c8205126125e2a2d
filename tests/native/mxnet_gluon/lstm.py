"""An LSTM over words in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/training/trainer.html,
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(static_alloc and static_shape where shapes stay),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/ndarray.html (from_numpy).

Alternatives tried on one thread, with their throughput relative to this script's:
MXNET_FORCE_ADDTAKEGRAD, NaiveEngine, mx.nd.array, and with or without a key-value store within
noise; no static memory 0.73.
"""

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn


class Network(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(25_000, 100)
        self.lstm = rnn.LSTM(256, input_size=100)
        self.output = nn.Dense(1, in_units=256)

    def hybrid_forward(self, F, x):  # noqa: N803
        states = self.lstm(self.embedding(F.transpose(x)))  # the layer needs time first
        last = F.slice_axis(states, axis=0, begin=-1, end=None)
        return self.output(F.squeeze(last, axis=0))


network = Network


def prepare(mode, threads, length):
    model = network()
    model.initialize()
    model.lstm.l0_h2h_bias.grad_req = "null"  # the task has only one bias
    criterion = gluon.loss.SigmoidBinaryCrossEntropyLoss()
    if mode == "compiled":
        model.hybridize(static_alloc=True, static_shape=True)
        criterion.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 1e-3})

    def train(batches):
        losses = []
        for inputs, labels in batches:
            x, y = mx.nd.from_numpy(inputs), mx.nd.from_numpy(labels)
            with autograd.record():
                loss = criterion(model(x), y)
            loss.backward()
            trainer.step(len(inputs))
            losses.append(loss.mean())
        mx.nd.waitall()
        return losses

    return train
