"""CTC in float64, which TensorFlow's own operator has not: for the proof."""

from __future__ import annotations

import tensorflow as tf

# The logarithm of the probability of what cannot be: finite, as the gradient of infinity is none.
NEVER = -1e30


def exact_ctc(logits: tf.Tensor, letters: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """-log p of each example: logits (N, T, K), letters (N, L), counts (N,) -> (N,)."""
    log_p = tf.nn.log_softmax(logits)
    blanks = tf.zeros_like(letters)
    spelt = tf.reshape(tf.stack([blanks, letters], axis=2), (-1, 2 * letters.shape[1]))
    spelt = tf.concat([spelt, blanks[:, :1]], axis=1)  # (N, 2*L+1): a blank around each letter
    differ = tf.not_equal(letters[:, 1:], letters[:, :-1])
    skips = tf.stack([tf.zeros_like(differ), differ], axis=2)
    skips = tf.reshape(skips, (-1, 2 * differ.shape[1]))
    skips = tf.pad(skips, [[0, 0], [2, 1]])  # over the blank between two different letters
    emitted = tf.gather(log_p, spelt, axis=2, batch_dims=1)  # (N, T, 2*L+1)
    never = tf.fill(tf.shape(spelt), tf.constant(NEVER, logits.dtype))

    def advance(forward: tf.Tensor, frame: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        step, own = frame
        by_one = tf.concat([never[:, :1], forward[:, :-1]], axis=1)
        by_two = tf.where(skips, tf.concat([never[:, :2], forward[:, :-2]], axis=1), never)
        arrived = tf.reduce_logsumexp(tf.stack([forward, by_one, by_two]), axis=0)
        return tf.where((step < counts)[:, None], arrived + own, forward)

    before = tf.concat([tf.zeros_like(never[:, :1]), never[:, 1:]], axis=1)
    steps = tf.range(logits.shape[1], dtype=counts.dtype)
    frames = (steps, tf.transpose(emitted, (1, 0, 2)))
    forward = tf.scan(advance, frames, initializer=before)[-1]
    last = 2 * tf.math.count_nonzero(letters, axis=1)
    ends = tf.gather(forward, tf.stack([last, last - 1], axis=1), batch_dims=1)  # (N, 2)
    return -tf.reduce_logsumexp(ends, axis=1)
