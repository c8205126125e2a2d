"""Two graph convolutions in plain TensorFlow, with Keras's optimizer.

https://www.tensorflow.org/guide/sparse_tensor (tf.sparse.sparse_dense_matmul, which XLA lacks),
https://www.tensorflow.org/api_docs/python/tf/math/unsorted_segment_sum (which it has),
https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (loop, tf.function).
"""

import keras
import numpy as np
import tensorflow as tf

NODES, WORDS = 2708, 1433


def matrix(entries, columns):
    row, column, value = (entries[0][name] for name in ("row", "column", "value"))
    pairs = np.stack([row, column], 1).astype(np.int64)
    return tf.SparseTensor(pairs, value.copy(), (NODES, columns))


def prepare(mode, threads, length):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    start = keras.initializers.GlorotUniform(seed=0)
    weights = [
        tf.Variable(start((WORDS, 16))),
        tf.Variable(tf.zeros(16)),
        tf.Variable(start((16, 7))),
        tf.Variable(tf.zeros(7)),
    ]
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(weights)
    graph = None

    def product(sparse, x):
        if mode != "xla":
            return tf.sparse.sparse_dense_matmul(sparse, x)
        terms = tf.gather(x, sparse.indices[:, 1]) * sparse.values[:, None]
        return tf.math.unsorted_segment_sum(terms, sparse.indices[:, 0], NODES)

    def loss_of(words, links, y):
        first, first_bias, second, second_bias = weights
        x = tf.nn.relu(product(links, product(words, first)) + first_bias)
        x = tf.nn.dropout(x, 0.5)
        logits = product(links, x @ second) + second_bias
        known = tf.cast(y >= 0, tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(y, 0), logits)
        mean = tf.reduce_sum(losses * known) / tf.reduce_sum(known)
        return mean + 2**-12 * tf.reduce_sum(tf.square(first))

    def step(words, links, y):
        with tf.GradientTape() as tape:
            loss = loss_of(words, links, y)
        # A gathered weight's gradient has rows of its own, whose squares Adam would sum.
        gradients = [tf.convert_to_tensor(one) for one in tape.gradient(loss, weights)]
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")

    def train(batches):
        nonlocal graph
        if graph is None:  # all batches are the same
            words, links, labels = batches[0]
            graph = matrix(words, WORDS), matrix(links, NODES), tf.constant(labels[0])
        losses = [step(*graph) for _ in batches]
        losses[-1].numpy()
        return losses

    return train
