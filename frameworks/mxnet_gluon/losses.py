"""MXNet's own losses, by their kind in `bench.core.losses`: one value for each example, (N,).

Their mean is the batch's loss, as it is of what a network's own `losses` returns. A loss that is no
mean over examples returns one value for the batch, (1,).
"""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock, loss


class RealTokenCrossEntropy(HybridBlock):
    """The mean over all tokens but padding, 0, as one value, (1,).

    Gluon's own losses, of which each example's mean is taken first, weigh tokens of short examples
    more.
    """

    def hybrid_forward(self, F: Any, logits: Any, tokens: Any) -> Any:  # noqa: N803
        losses = -F.pick(F.log_softmax(logits), tokens)  # (N, T)
        zeros = F.zeros_like(losses)
        total = F.sum(F.where(tokens, losses, zeros))
        return total / F.sum(F.where(tokens, F.ones_like(losses), zeros))


LOSSES = {
    "real_token_cross_entropy": RealTokenCrossEntropy(),
    "softmax_cross_entropy": loss.SoftmaxCrossEntropyLoss(),
    "token_cross_entropy": loss.SoftmaxCrossEntropyLoss(),  # the mean over an example's steps
    "sigmoid_cross_entropy": loss.SigmoidBinaryCrossEntropyLoss(),
    "mean_squared_error": loss.L2Loss(weight=2),  # which MXNet halves
}
