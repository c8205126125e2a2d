"""A GPT in plain TensorFlow/Keras.

https://keras.io/examples/generative/text_generation_with_miniature_gpt (model),
https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (loop, tf.function),
https://keras.io/api/optimizers/adamw (decay, exclusions, global_clipnorm),
https://www.tensorflow.org/xla/tf2xla/tutorials/jit_compile (jit_compile).
"""

import keras
import tensorflow as tf
from keras import layers


class Positions(layers.Layer):
    def __init__(self, length):
        super().__init__()
        self.table = self.add_weight(shape=(64, 128))
        self.length = length

    def call(self, x):
        return x + self.table[: self.length]


def block(x):
    y = layers.LayerNormalization(epsilon=1e-5, center=False)(x)
    x = x + layers.MultiHeadAttention(8, 16, use_bias=False)(y, y, use_causal_mask=True)
    y = layers.LayerNormalization(epsilon=1e-5, center=False)(x)
    y = layers.Dense(512, use_bias=False)(y)
    y = keras.activations.gelu(y, approximate=True)
    return x + layers.Dense(128, use_bias=False)(y)


def network(length):
    token = layers.ReversibleEmbedding(65, 128)
    inputs = keras.Input((length,), dtype="int64")
    x = Positions(length)(token(inputs))
    for _ in range(4):
        x = block(x)
    x = layers.LayerNormalization(epsilon=1e-5, center=False)(x)
    return keras.Model(inputs, token(x, reverse=True))


def prepare(mode, threads, length):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = network(length)
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.1, beta_2=0.99, global_clipnorm=1.0)
    scales = [v for v in model.trainable_variables if len(v.shape) == 1]
    optimizer.exclude_from_weight_decay(var_list=scales)
    optimizer.build(model.trainable_variables)
    criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = criterion(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return loss

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")

    def train(batches):
        losses = [step(tf.constant(x), tf.constant(y)) for x, y in batches]
        losses[-1].numpy()
        return losses

    return train
