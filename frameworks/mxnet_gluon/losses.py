"""MXNet's own losses, by their kind in `bench.core.losses`: one value for each example, (N,).

Their mean is the batch's loss, as it is of what a network's own `losses` returns. A loss that is no
mean over examples returns one value for the batch, (1,).
"""

from __future__ import annotations

from typing import Any

from mxnet.gluon import HybridBlock, loss

from bench.core.graph import UNLABELLED
from bench.core.setting import Precision
from bench.core.task import Task

# The logarithm of the probability of what cannot be: finite, as the gradient of infinity is none.
NEVER = -1e30


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


class NodeCrossEntropy(HybridBlock):
    """The mean over the labelled nodes of one graph, plus its penalty, (1, 1)."""

    def hybrid_forward(self, F: Any, logits: Any, penalty: Any, labels: Any) -> Any:  # noqa: N803
        losses = -F.pick(F.log_softmax(logits), labels)  # (1, nodes)
        is_labelled = labels != UNLABELLED
        zeros = F.zeros_like(losses)
        total = F.sum(F.where(is_labelled, losses, zeros))
        return total / F.sum(F.where(is_labelled, F.ones_like(losses), zeros)) + F.sum(penalty)


class CTC(HybridBlock):
    """MXNet's operator. Gluon's CTCLoss takes the last logit for the blank."""

    def hybrid_forward(self, F: Any, logits: Any, letters: Any, counts: Any) -> Any:  # noqa: N803
        letters = F.cast(letters, "float32")
        return F.CTCLoss(
            F.swapaxes(logits, 0, 1),  # (N, T, K) -> (T, N, K)
            letters,
            F.cast(counts, "float32"),
            F.sum(letters != 0, axis=1),
            use_data_lengths=True,
            use_label_lengths=True,
            blank_label="first",
        )


class ExactCTC(HybridBlock):
    """CTC in float64, which MXNet's operator has not, from elementary ones: for the proof."""

    def __init__(self, steps: int) -> None:
        """`steps` are the frames of a recording: MXNet's own loop fails in a static graph."""
        super().__init__()
        self._steps = steps

    def hybrid_forward(self, F: Any, logits: Any, letters: Any, counts: Any) -> Any:  # noqa: N803
        letters, counts = F.cast(letters, "float64"), F.cast(counts, "float64")
        blanks = F.zeros_like(letters)
        blank = F.slice_axis(blanks, axis=1, begin=0, end=1)  # (N, 1)

        def between_blanks(values: Any) -> Any:
            pairs = F.reshape(F.stack(blanks, values, axis=2), (0, -1))
            return F.concat(pairs, blank, dim=1)  # (N, L) -> (N, 2*L+1)

        def moved(values: Any, by: int) -> Any:
            kept = F.slice_axis(values, axis=1, begin=0, end=-by)
            return F.concat(*[blank + NEVER] * by, kept, dim=1)

        differ = F.slice_axis(letters, axis=1, begin=1, end=None) != F.slice_axis(
            letters, axis=1, begin=0, end=-1
        )
        # Over the blank between two different letters.
        barred = NEVER * (1 - between_blanks(F.concat(blank, differ, dim=1)))
        symbols = F.reshape(F.contrib.arange_like(logits, axis=2), (1, 1, -1))
        spelt = F.broadcast_equal(F.expand_dims(between_blanks(letters), 2), symbols)
        # (N, T, K) and (N, 2*L+1, K) -> (N, T, 2*L+1)
        emitted = F.batch_dot(F.log_softmax(logits), spelt, transpose_b=True)
        forward = NEVER * F.ones_like(barred)
        forward = F.concat(blank, F.slice_axis(forward, axis=1, begin=1, end=None), dim=1)
        frames = F.split(emitted, num_outputs=self._steps, axis=1, squeeze_axis=True)
        for step, own in enumerate(frames):
            one, two = moved(forward, 1), moved(forward, 2) + barred
            most = F.maximum(F.maximum(forward, one), two)
            terms = F.exp(forward - most) + F.exp(one - most) + F.exp(two - most)
            is_counted = F.expand_dims(counts > step, 1)
            kept = F.broadcast_mul(1 - is_counted, forward)
            forward = F.broadcast_mul(is_counted, own + most + F.log(terms)) + kept
        last = 2 * F.sum(letters != 0, axis=1)
        ends = F.pick(forward, last, axis=1), F.pick(forward, last - 1, axis=1)
        most = F.maximum(*ends)
        return -most - F.log(F.exp(ends[0] - most) + F.exp(ends[1] - most))


LOSSES = {
    "ctc": CTC(),
    "node_cross_entropy": NodeCrossEntropy(),
    "real_token_cross_entropy": RealTokenCrossEntropy(),
    "softmax_cross_entropy": loss.SoftmaxCrossEntropyLoss(),
    "token_cross_entropy": loss.SoftmaxCrossEntropyLoss(),  # the mean over an example's steps
    "sigmoid_cross_entropy": loss.SigmoidBinaryCrossEntropyLoss(),
    "mean_squared_error": loss.L2Loss(weight=2),  # which MXNet halves
}


def losses_in(precision: Precision, task: Task) -> dict[str, HybridBlock]:
    """The losses that MXNet has in a precision, by their kind."""
    if precision == "float64" and task.length:
        return LOSSES | {"ctc": ExactCTC(task.length)}
    return LOSSES
