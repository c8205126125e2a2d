"""A GPT in plain MXNet Gluon.

https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/training/trainer.html,
https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/packages/gluon/blocks/hybridize.html
(static_alloc and static_shape where shapes stay),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/contrib (the operators of self-attention
and of AdamW, as GluonNLP's BERT uses them),
https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/ndarray/ndarray.html (from_numpy).
"""

import math

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn


@mx.optimizer.register
class NativeAdamW(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight), mx.nd.ones(1)

    def update(self, index, weight, grad, state):
        self._update_count(index)
        t = self._index_update_count[index]
        mean, square, scale = state
        scale[:] = self.rescale_grad
        root = math.sqrt(1 - 0.99**t)
        mx.nd.contrib.adamw_update(
            weight,
            grad,
            mean,
            square,
            scale,
            out=weight,
            lr=self.lr * root / (1 - 0.9**t),
            eta=1.0,
            wd=self.lr * self._get_wd(index),
            beta1=0.9,
            beta2=0.99,
            epsilon=1e-8 * root,
        )


def gelu(F, x):  # noqa: N803
    return 0.5 * x * (1 + F.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


class Block(gluon.HybridBlock):
    def __init__(self, length):
        super().__init__()
        self.norm1 = nn.LayerNorm(center=False, in_channels=128)
        self.qkv = nn.Dense(3 * 128, in_units=128, use_bias=False, flatten=False)
        self.project = nn.Dense(128, in_units=128, use_bias=False, flatten=False)
        self.norm2 = nn.LayerNorm(center=False, in_channels=128)
        self.expand = nn.Dense(512, in_units=128, use_bias=False, flatten=False)
        self.contract = nn.Dense(128, in_units=512, use_bias=False, flatten=False)
        later = np.triu(np.full((1, length, length), -np.inf, np.float32), 1)
        self.later = self.params.get_constant("later", later)

    def hybrid_forward(self, F, x, later):  # noqa: N803
        qkv = self.qkv(self.norm1(x))  # time first, as these operators need it
        scores = F.contrib.interleaved_matmul_selfatt_qk(qkv, heads=8)
        weights = F.softmax(F.broadcast_add(scores, later))
        y = F.contrib.interleaved_matmul_selfatt_valatt(qkv, weights, heads=8)
        x = x + self.project(y)
        return x + self.contract(gelu(F, self.expand(self.norm2(x))))


class Network(gluon.HybridBlock):
    def __init__(self, length):
        super().__init__()
        self.token = nn.Embedding(65, 128)
        self.position = nn.Embedding(64, 128)
        self.blocks = nn.HybridSequential()
        for _ in range(4):
            self.blocks.add(Block(length))
        self.norm = nn.LayerNorm(center=False, in_channels=128)
        self.output = nn.Dense(
            65, in_units=128, use_bias=False, flatten=False, params=self.token.params
        )

    def hybrid_forward(self, F, x):  # noqa: N803
        x = F.transpose(x)
        places = F.expand_dims(self.position(F.contrib.arange_like(x, axis=0)), axis=1)
        x = F.broadcast_add(self.token(x), places)
        x = self.output(self.norm(self.blocks(x)))
        return F.transpose(x, axes=(1, 0, 2))


network = Network


def prepare(mode, threads, length):
    model = network(length)
    model.initialize()
    params = [p for p in model.collect_params().values() if p.grad_req != "null"]
    for param in params:
        param.wd_mult = float(len(param.shape) > 1)
    criterion = gluon.loss.SoftmaxCrossEntropyLoss()
    if mode == "compiled":
        model.hybridize(static_alloc=True, static_shape=True)
        criterion.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(params, NativeAdamW(learning_rate=1e-3, wd=0.1))

    def train(batches):
        losses = []
        for inputs, targets in batches:
            x, y = mx.nd.from_numpy(inputs), mx.nd.from_numpy(targets)
            with autograd.record():
                loss = criterion(model(x), y)
            loss.backward()
            gluon.utils.clip_global_norm(
                [p.grad() for p in params], 1.0 * len(inputs), check_isfinite=False
            )
            trainer.step(len(inputs))
            losses.append(loss.mean())
        mx.nd.waitall()
        return losses

    return train
