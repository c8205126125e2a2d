"""Two GRUs over frames of sound with CTC in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/training/trainer.html,
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(static_alloc and static_shape where shapes stay),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/loss/index.html (CTCLoss, whose
blank is the last symbol; so this is its operator),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/ndarray.html (from_numpy).
"""

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn


class Network(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.gru = rnn.GRU(128, num_layers=2, input_size=40)
        self.output = nn.Dense(28, in_units=128, flatten=False)

    def hybrid_forward(self, F, x):  # noqa: N803
        return self.output(self.gru(F.swapaxes(x, 0, 1)))  # time first, as the loss needs it


class Loss(gluon.HybridBlock):
    def hybrid_forward(self, F, logits, letters, counts):  # noqa: N803
        letters = F.cast(letters, "float32")
        return F.CTCLoss(
            logits,
            letters,
            F.cast(counts, "float32"),
            F.sum(letters != 0, axis=1),
            use_data_lengths=True,
            use_label_lengths=True,
            blank_label="first",
        )


def prepare(mode, threads, length):
    model, criterion = Network(), Loss()
    model.initialize()
    if mode == "compiled":
        model.hybridize(static_alloc=True, static_shape=True)
        criterion.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 1e-3})

    def train(batches):
        losses = []
        for batch in batches:
            x, letters, counts = map(mx.nd.from_numpy, batch)
            with autograd.record():
                loss = criterion(model(x), letters, counts)
            loss.backward()
            trainer.step(len(x))
            losses.append(loss.mean())
        mx.nd.waitall()
        return losses

    return train
