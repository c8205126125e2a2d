"""A convolutional network in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/training/trainer.html,
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(static_alloc and static_shape where shapes stay),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/ndarray.html (from_numpy).

Alternatives tried on one thread, with their throughput relative to this script's: mx.nd.array
instead of from_numpy 0.96; no static memory, no key-value store, and the engine with one thread
(NaiveEngine) within noise.
"""

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn


def network():
    model = nn.HybridSequential()
    model.add(
        nn.Conv2D(32, 3, activation="relu", in_channels=3),
        nn.MaxPool2D(2),
        nn.Conv2D(64, 3, activation="relu", in_channels=32),
        nn.MaxPool2D(2),
        nn.Flatten(),
        nn.Dense(64, activation="relu", in_units=64 * 6 * 6),
        nn.Dense(10, in_units=64),
    )
    return model


def prepare(mode, threads, length):
    model = network()
    model.initialize()
    criterion = gluon.loss.SoftmaxCrossEntropyLoss()
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
