"""Two graph convolutions by Keras's `fit`, on the backend that is set.

https://keras.io/examples/graph/gnn_citations (the graph is in the model),
https://keras.io/guides/making_new_layers_and_models_via_subclassing,
https://keras.io/guides/training_with_built_in_methods (compile, fit),
https://keras.io/api/models/model_training_apis (jit_compile, run_eagerly, train_on_batch),
https://keras.io/api/losses/probabilistic_losses (ignore_class, for nodes without a label).

Sparse matrices are the backend's own, as Keras has none: see the scripts beside it of the
frameworks that these backends are.
"""

import keras
import numpy as np
from keras import layers, ops

# `fit` has the loop: it is given the examples of a window, one batch after the other.
OWNS_LOOP = True
NODES, WORDS = 2708, 1433


def in_jax():
    from jax.experimental.sparse import BCOO

    def held(entries, columns):
        pairs = ops.array(np.stack([entries["row"], entries["column"]], 1))
        parts = ops.array(entries["value"]), pairs
        return BCOO(parts, shape=(NODES, columns), indices_sorted=True, unique_indices=True)

    return held, lambda matrix, x: matrix @ x


def in_tensorflow(mode):
    import tensorflow as tf

    def held(entries, columns):
        pairs = np.stack([entries["row"], entries["column"]], 1).astype(np.int64)
        return tf.SparseTensor(pairs, entries["value"].copy(), (NODES, columns))

    def by_segments(matrix, x):  # XLA has nothing sparse
        terms = tf.gather(x, matrix.indices[:, 1]) * matrix.values[:, None]
        return tf.math.unsorted_segment_sum(terms, matrix.indices[:, 0], NODES)

    return held, by_segments if mode == "xla" else tf.sparse.sparse_dense_matmul


def in_torch():
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, matrix, transposed, x):
            ctx.transposed = transposed
            return matrix @ x

        @staticmethod
        def backward(ctx, gradient):
            return None, None, ctx.transposed @ gradient

    def by_rows(row, column, value, rows, columns):
        order = np.lexsort((column, row))
        starts = np.searchsorted(row[order], np.arange(rows + 1))
        parts = map(torch.from_numpy, (starts, column[order], value[order]))
        return torch.sparse_csr_tensor(*parts, (rows, columns))

    def held(entries, columns):
        row, column, value = (entries[name] for name in ("row", "column", "value"))
        forth = by_rows(row, column, value, NODES, columns)
        return forth, by_rows(column, row, value, columns, NODES)

    return held, lambda matrix, x: Product.apply(*matrix, x)


class GraphConvolution(layers.Layer):
    """Of what it is given, or of the sparse matrix that it has."""

    def __init__(self, inputs, outputs, links, product, *, sparse=None, regularizer=None):
        super().__init__()
        self.links, self.product, self.sparse = links, product, sparse
        self.kernel = self.add_weight(
            (inputs, outputs), initializer="glorot_uniform", regularizer=regularizer
        )
        self.bias = self.add_weight((outputs,), initializer="zeros")
        self.built = True

    def call(self, x):
        kernel = ops.convert_to_tensor(self.kernel)
        x = x @ kernel if self.sparse is None else self.product(self.sparse, kernel)
        return self.product(self.links, x) + self.bias


class Network(keras.Model):
    """From the labels of its nodes, which it does not read, to the scores of their classes."""

    def __init__(self, words, links, product):
        super().__init__()
        penalty = keras.regularizers.L2(2**-12)
        self.first = GraphConvolution(WORDS, 16, links, product, sparse=words, regularizer=penalty)
        self.dropout = layers.Dropout(0.5)
        self.second = GraphConvolution(16, 7, links, product)
        self.built = True

    def call(self, labels, training=None):
        x = self.dropout(ops.relu(self.first(labels)), training=training)
        return self.second(x)[None]


def prepare(mode, threads, length):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        held, product = in_tensorflow(mode)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        held, product = in_torch()
    else:
        held, product = in_jax()
    options = {"xla": {"jit_compile": True}, "compiled": {"jit_compile": True}}
    options["eager"] = {"run_eagerly": True}
    model = None

    def train(batches):
        nonlocal model
        words, links, y = batches[0] if mode == "train_on_batch" else batches
        if model is None:  # all batches are the same
            model = Network(held(words[0], WORDS), held(links[0], NODES), product)
            model.compile(
                optimizer=keras.optimizers.Adam(0.01),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
                **options.get(mode, {}),
            )
        if mode == "train_on_batch":
            return [model.train_on_batch(y, y) for _, _, y in batches]
        return model.fit(y, y, batch_size=1, shuffle=False, verbose=0).history["loss"]

    return train
