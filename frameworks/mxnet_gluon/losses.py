"""MXNet's own losses, by their kind in `bench.core.losses`: one value for each example, (N,).

Their mean is the batch's loss, as it is of what a network's own `losses` returns.
"""

from __future__ import annotations

from mxnet.gluon import loss

LOSSES = {
    "softmax_cross_entropy": loss.SoftmaxCrossEntropyLoss(),
    "sigmoid_cross_entropy": loss.SigmoidBinaryCrossEntropyLoss(),
    "mean_squared_error": loss.L2Loss(weight=2),  # which MXNet halves
}
