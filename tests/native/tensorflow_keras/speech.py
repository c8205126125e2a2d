"""Two GRUs over frames of sound with CTC in plain TensorFlow/Keras.

https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (loop, tf.function),
https://www.tensorflow.org/api_docs/python/tf/nn/ctc_loss (sparse labels, which have a kernel),
https://www.tensorflow.org/xla/tf2xla/tutorials/jit_compile (jit_compile, for dense labels alone).
"""

import keras
import tensorflow as tf
from keras import layers


def prepare(mode, threads, length):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = keras.Sequential(
        [
            keras.Input((length, 40)),
            layers.GRU(128, return_sequences=True),
            layers.GRU(128, return_sequences=True),
            layers.Dense(28),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    def loss_of(logits, letters, counts):
        letters, counts = tf.cast(letters, tf.int32), tf.cast(counts, tf.int32)
        lengths = None
        if mode == "xla":
            lengths = tf.math.count_nonzero(letters, axis=1, dtype=tf.int32)
        else:
            letters = tf.sparse.from_dense(letters)
        losses = tf.nn.ctc_loss(
            letters, logits, lengths, counts, logits_time_major=False, blank_index=0
        )
        return tf.reduce_mean(losses)

    def step(x, letters, counts):
        with tf.GradientTape() as tape:
            loss = loss_of(model(x, training=True), letters, counts)
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return loss

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")

    def train(batches):
        losses = [step(*map(tf.constant, batch)) for batch in batches]
        losses[-1].numpy()
        return losses

    return train
