"""Losses as formulas over numpy arrays, by their kind in `bench.core.losses`."""

from __future__ import annotations

import autograd.numpy as np

from bench.core.graph import UNLABELLED
from frameworks.reference.layers import Value

# The logarithm of the probability of what cannot be: finite, as the gradient of infinity is none.
NEVER = -1e30


def softmax_cross_entropy(logits: Value, labels: Value) -> Value:
    """The batch's mean of -log softmax(logits)[label]; labels (N,)."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_sum - shifted[np.arange(len(labels)), labels])


def token_cross_entropy(logits: Value, tokens: Value) -> Value:
    """The mean over steps and batch of -log softmax(logits)[token]; (N, T, K) and (N, T)."""
    return softmax_cross_entropy(logits.reshape(-1, logits.shape[-1]), tokens.reshape(-1))


def real_token_cross_entropy(logits: Value, tokens: Value) -> Value:
    """The mean over all tokens but padding, 0, of -log softmax(logits)[token]."""
    real = tokens != 0
    return softmax_cross_entropy(logits[real], tokens[real])


def sigmoid_cross_entropy(logits: Value, labels: Value) -> Value:
    """The batch's mean of -log of the right class's probability; labels (N, 1), 0 or 1."""
    return np.mean(np.logaddexp(0, logits) - labels * logits)


def mean_squared_error(prediction: Value, target: Value) -> Value:
    """The batch's mean of the squared differences; both (N, 1)."""
    return np.mean((prediction - target) ** 2)


def delayed(values: Value, by: int) -> Value:
    """Columns moved to the right, with NEVER in place of the first: (N, S) -> (N, S)."""
    gone = np.full((len(values), by), NEVER)
    return np.concatenate([gone, values[:, :-by]], axis=1)


def ctc(logits: Value, letters: Value, counts: Value) -> Value:
    """The batch's mean of -log p(letters), Graves et al. (2006), section 4.1, by logarithms.

    Of logits (N, T, K), letters (N, L) with 0 behind the last, and the number of frames (N,).
    """
    shifted = logits - np.max(logits, axis=2, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=2, keepdims=True))
    count, steps, _ = log_p.shape
    rows = np.arange(count)
    spelt = np.zeros((count, 2 * letters.shape[1] + 1), int)  # a blank around each letter
    spelt[:, 1::2] = letters
    skips = np.zeros(spelt.shape, bool)  # over the blank between two different letters
    skips[:, 3::2] = letters[:, 1:] != letters[:, :-1]
    emitted = [log_p[:, t][rows[:, None], spelt] for t in range(steps)]  # T times (N, 2*L+1)
    begun = np.arange(spelt.shape[1]) < 2
    forward = np.where(begun, emitted[0], NEVER)
    for t in range(1, steps):
        arrived = np.logaddexp(forward, delayed(forward, 1))
        arrived = np.logaddexp(arrived, np.where(skips, delayed(forward, 2), NEVER))
        forward = np.where((t < counts)[:, None], arrived + emitted[t], forward)
    last = 2 * np.sum(letters != 0, axis=1)  # the blank behind the last letter
    return -np.mean(np.logaddexp(forward[rows, last], forward[rows, last - 1]))


def node_cross_entropy(logits: Value, penalty: Value, labels: Value) -> Value:
    """The mean over the labelled nodes of one graph, plus its penalty: (1, nodes, K), (1, 1)."""
    labelled = labels != UNLABELLED  # (1, nodes)
    return softmax_cross_entropy(logits[labelled], labels[labelled]) + penalty[0, 0]


LOSSES = {
    "node_cross_entropy": node_cross_entropy,
    "ctc": ctc,
    "softmax_cross_entropy": softmax_cross_entropy,
    "token_cross_entropy": token_cross_entropy,
    "real_token_cross_entropy": real_token_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "mean_squared_error": mean_squared_error,
}
