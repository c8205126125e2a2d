"""A GPT by Keras's `fit`, on the backend that is set.

https://keras.io/guides/training_with_built_in_methods (compile, fit),
https://keras.io/api/models/model_training_apis (jit_compile, run_eagerly, train_on_batch),
https://keras.io/examples/generative/text_generation_with_miniature_gpt (model),
https://keras.io/api/optimizers/adamw (decay, exclusions, global_clipnorm).
"""

import keras
from keras import layers

# `fit` has the loop: it is given the examples of a window, one batch after the other.
OWNS_LOOP = True


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
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
    model = network(length)
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.1, beta_2=0.99, global_clipnorm=1.0)
    scales = [v for v in model.trainable_variables if len(v.shape) == 1]
    optimizer.exclude_from_weight_decay(var_list=scales)
    options = {"xla": {"jit_compile": True}, "compiled": {"jit_compile": True}}
    options["eager"] = {"run_eagerly": True}
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **options.get(mode, {}),
    )

    def train(batches):
        if mode == "train_on_batch":
            return [model.train_on_batch(x, y) for x, y in batches]
        x, y = batches
        fitted = model.fit(x, y, batch_size=12, shuffle=False, verbose=0)
        return fitted.history["loss"]

    return train
