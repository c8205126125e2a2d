"""Translation by two LSTMs with attention in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/training/trainer.html,
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(static_alloc and static_shape where shapes stay),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/rnn/index.html (states),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/loss/index.html (sample_weight),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/ndarray.html (from_numpy).

Alternatives tried on one thread, with their throughput relative to this script's: SoftmaxOutput,
whose backward pass is the loss's, 0.92; no static memory 0.8; without a key-value store, and
network and loss in one graph, within noise. That is large: of two copies of this script in one
process, one was slower by a twelfth throughout.
"""

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn


class Network(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(8_000, 128)
        self.encoder = rnn.LSTM(256, input_size=128)
        self.target = nn.Embedding(8_000, 128)
        self.decoder = rnn.LSTM(256, input_size=128)
        self.combine = nn.Dense(256, in_units=2 * 256, use_bias=False, flatten=False)
        self.output = nn.Dense(8_000, in_units=256, flatten=False)

    def hybrid_forward(self, F, source, previous, *first):  # noqa: N803
        # The layers need time first.
        encoded, last = self.encoder(self.source(F.transpose(source)), list(first))
        states, _ = self.decoder(self.target(F.transpose(previous)), last)
        encoded = F.transpose(encoded, axes=(1, 0, 2))
        states = F.transpose(states, axes=(1, 0, 2))
        scores = F.batch_dot(states, encoded, transpose_b=True)
        padding = F.cast(source == 0, "float32") * -1e30
        scores = F.broadcast_add(scores, F.expand_dims(padding, axis=1))
        context = F.batch_dot(F.softmax(scores), encoded)
        return self.output(F.tanh(self.combine(F.concat(context, states, dim=2))))


class Criterion(gluon.HybridBlock):
    """The mean over real words, from Gluon's mean over all of a sentence's places."""

    def __init__(self):
        super().__init__()
        self.mean = gluon.loss.SoftmaxCrossEntropyLoss()

    def hybrid_forward(self, F, logits, following):  # noqa: N803
        real = F.cast(following != 0, "float32")
        losses = self.mean(logits, following, F.expand_dims(real, axis=2))
        return F.broadcast_div(losses, F.mean(real))


def prepare(mode, threads, length):
    model = Network()
    model.initialize()
    for lstm in (model.encoder, model.decoder):
        lstm.l0_h2h_bias.grad_req = "null"  # the task has only one bias
    criterion = Criterion()
    if mode == "compiled":
        model.hybridize(static_alloc=True, static_shape=True)
        criterion.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 1e-3})

    def train(batches):
        losses = []
        for batch in batches:
            source, previous, following = (mx.nd.from_numpy(array) for array in batch)
            first = model.encoder.begin_state(len(source))
            with autograd.record():
                loss = criterion(model(source, previous, *first), following)
            loss.backward()
            trainer.step(len(source))
            losses.append(loss.mean())
        mx.nd.waitall()
        return losses

    return train
