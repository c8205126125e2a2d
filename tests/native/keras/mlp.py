"""A multilayer perceptron by Keras's `fit`, on the backend that is set.

https://keras.io/guides/training_with_built_in_methods (compile, fit),
https://keras.io/api/models/model_training_apis (jit_compile, run_eagerly, train_on_batch).
"""

import keras
from keras import layers

# `fit` has the loop: it is given the examples of a window, one batch after the other.
OWNS_LOOP = True


def prepare(mode, threads, length):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    options = {"xla": {"jit_compile": True}, "compiled": {"jit_compile": True}}
    options["eager"] = {"run_eagerly": True}
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **options.get(mode, {}),
    )

    def train(batches):
        if mode == "train_on_batch":
            return [model.train_on_batch(x, y) for x, y in batches]
        x, y = batches
        fitted = model.fit(x, y, batch_size=64, shuffle=False, verbose=0)
        return fitted.history["loss"]

    return train
