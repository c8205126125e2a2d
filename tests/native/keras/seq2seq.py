"""Translation by two LSTMs with attention by Keras's `fit`, on the backend that is set.

https://keras.io/guides/training_with_built_in_methods (compile, fit),
https://keras.io/api/models/model_training_apis (jit_compile, run_eagerly, train_on_batch),
https://keras.io/api/layers/recurrent_layers/lstm (return_state, initial_state),
https://keras.io/api/layers/attention_layers/attention (Luong's, and its mask).
"""

import keras
from keras import layers

# `fit` has the loop: it is given the examples of a window, one batch after the other.
OWNS_LOOP = True


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


def prepare(mode, threads, length):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
    model = network(length)
    options = {"xla": {"jit_compile": True}, "compiled": {"jit_compile": True}}
    options["eager"] = {"run_eagerly": True}
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
        **options.get(mode, {}),
    )

    def train(batches):
        if mode == "train_on_batch":
            return [model.train_on_batch([x, previous], y) for x, previous, y in batches]
        x, previous, y = batches
        fitted = model.fit([x, previous], y, batch_size=64, shuffle=False, verbose=0)
        return fitted.history["loss"]

    return train
