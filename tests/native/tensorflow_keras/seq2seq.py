"""Translation by two LSTMs with attention in plain TensorFlow/Keras.

https://www.tensorflow.org/text/tutorials/nmt_with_attention (model, loss over real words),
https://keras.io/api/layers/recurrent_layers/lstm (return_state, initial_state),
https://keras.io/api/layers/attention_layers/attention (Luong's, and its mask),
https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (loop, tf.function),
https://www.tensorflow.org/xla/tf2xla/tutorials/jit_compile (jit_compile).

Alternatives tried on one thread, with their throughput relative to this script's: Keras's
SparseCategoricalCrossentropy with ignore_class, which multiplies all logits by a mask, 0.97;
gradients of the embeddings made dense first, and logits as one matrix, within noise; unrolled
LSTMs 1.02 when compiled, 1.05 in eager mode, but 0.7 under XLA.
"""

import keras
import tensorflow as tf
from keras import layers


def network(length):
    source = keras.Input((length,), dtype="int64")
    previous = keras.Input((length,), dtype="int64")
    encoder = layers.LSTM(256, return_sequences=True, return_state=True)
    encoded, h, c = encoder(layers.Embedding(8_000, 128)(source))
    decoder = layers.LSTM(256, return_sequences=True)
    states = decoder(layers.Embedding(8_000, 128)(previous), initial_state=[h, c])
    # Not by the embedding's mask_zero, with which the LSTM would pass over the padding.
    context = layers.Attention()([states, encoded], mask=[None, source != 0])
    x = layers.Concatenate()([context, states])
    x = layers.Dense(256, activation="tanh", use_bias=False)(x)
    return keras.Model([source, previous], layers.Dense(8_000)(x))


def loss_of(following, logits):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
    real = tf.cast(following != 0, losses.dtype)
    return tf.reduce_sum(losses * real) / tf.reduce_sum(real)


def prepare(mode, threads, length):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = network(length)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    def step(source, previous, following):
        with tf.GradientTape() as tape:
            loss = loss_of(following, model([source, previous], training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return loss

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")

    def train(batches):
        losses = [step(*[tf.constant(array) for array in batch]) for batch in batches]
        losses[-1].numpy()
        return losses

    return train
