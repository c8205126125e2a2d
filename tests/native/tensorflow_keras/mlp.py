"""A multilayer perceptron in plain TensorFlow/Keras.

https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (loop, tf.function),
https://www.tensorflow.org/xla/tf2xla/tutorials/jit_compile (jit_compile).

Alternatives tried on one thread, with their throughput relative to this script's: model.fit 0.55;
fit with many steps per execution 0.84; a loop over tf.data inside the tf.function 0.85.
"""

import keras
import tensorflow as tf
from keras import layers


def prepare(mode, threads, length):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
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
