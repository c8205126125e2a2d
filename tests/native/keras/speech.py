"""Two GRUs over frames of sound with CTC by Keras's `fit`, on the backend that is set.

https://keras.io/guides/training_with_built_in_methods (compile, fit),
https://keras.io/api/ops/nn (ctc_loss; Keras's own loss of that name takes no lengths),
https://keras.io/api/models/model_training_apis (jit_compile, run_eagerly, train_on_batch).
"""

import keras
import numpy as np
from keras import layers, ops

# `fit` has the loop: it is given the examples of a window, one batch after the other.
OWNS_LOOP = True


def ctc(y, logits):
    letters, counts = ops.cast(y[:, :-1], "int32"), ops.cast(y[:, -1], "int32")
    lengths = ops.sum(ops.cast(letters != 0, "int32"), 1)
    return ops.ctc_loss(letters, logits, lengths, counts)


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
            keras.Input((length, 40)),
            layers.GRU(128, return_sequences=True),
            layers.GRU(128, return_sequences=True),
            layers.Dense(28),
        ]
    )
    options = {"xla": {"jit_compile": True}, "compiled": {"jit_compile": True}}
    options["eager"] = {"run_eagerly": True}
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=ctc, **options.get(mode, {}))

    def with_counts(letters, counts):
        return np.concatenate([letters, counts[:, None]], 1)

    def train(batches):
        if mode == "train_on_batch":
            return [model.train_on_batch(x, with_counts(*y)) for x, *y in batches]
        x, *y = batches
        fitted = model.fit(x, with_counts(*y), batch_size=32, shuffle=False, verbose=0)
        return fitted.history["loss"]

    return train
