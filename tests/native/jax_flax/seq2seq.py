"""Translation by two LSTMs with attention in plain JAX, without Flax.

https://docs.jax.dev/en/latest/_autosummary/jax.lax.scan.html (the loops over time),
https://docs.jax.dev/en/latest/_autosummary/jax.nn.softmax.html (where),
https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (loop),
https://optax.readthedocs.io/en/latest/getting_started.html (Adam),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).

Alternatives tried on one thread, with their throughput relative to this script's: the last product
of a stack of matrices, (20, 64, 256), 0.85; the products with the inputs once for all time steps,
of a stack 0.95, of one matrix within noise; input and state joined for one product, and unroll=2,
within noise; unroll=5 0.86.
"""

import jax
import optax
from jax import lax
from jax import numpy as jnp


def lstm(p, x, carry):
    """Time first, as scan needs it. Returns the last cell and state, and all states."""

    def cell(carry, x):
        c, h = carry
        gates = x @ p["input"] + h @ p["recurrent"] + p["bias"]
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h

    return lax.scan(cell, carry, x)


def network(params, source, previous):
    zeros = jnp.zeros((len(source), 256))
    last, encoded = lstm(params["encoder"], params["source"][source.T], (zeros, zeros))
    _, states = lstm(params["decoder"], params["target"][previous.T], last)
    scores = jnp.einsum("tnf,snf->nts", states, encoded)
    weights = jax.nn.softmax(scores, where=(source != 0)[:, None])
    context = jnp.einsum("nts,snf->tnf", weights, encoded)
    # One matrix for the words of all sentences: XLA multiplies a stack of matrices more slowly.
    x = jnp.concatenate((context, states), axis=2).reshape(-1, 2 * 256)
    return jnp.tanh(x @ params["combine"]) @ params["output"] + params["output_bias"]


def weights(key):
    def drawn(*shape, scale=0.06):
        nonlocal key
        key, own = jax.random.split(key)
        return jax.random.normal(own, shape) * scale

    def of_lstm():
        return {
            "input": drawn(128, 4 * 256),
            "recurrent": drawn(256, 4 * 256),
            "bias": jnp.zeros(4 * 256),
        }

    return {
        "source": drawn(8_000, 128, scale=0.1),
        "encoder": of_lstm(),
        "target": drawn(8_000, 128, scale=0.1),
        "decoder": of_lstm(),
        "combine": drawn(2 * 256, 256),
        "output": drawn(256, 8_000),
        "output_bias": jnp.zeros(8_000),
    }


def prepare(mode, threads, length):
    assert mode == "compiled"
    params = weights(jax.random.key(0))
    optimizer = optax.adam(1e-3)
    state = optimizer.init(params)

    def loss_of(params, source, previous, following):
        following = following.T.reshape(-1)  # in the order of the logits
        logits = network(params, source, previous)
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, following)
        return losses.mean(where=following != 0)

    def step(params, state, *batch):
        loss, gradients = jax.value_and_grad(loss_of)(params, *batch)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, loss

    step = jax.jit(step, donate_argnums=(0, 1))

    def train(batches):
        nonlocal params, state
        losses = []
        for batch in batches:
            params, state, loss = step(params, state, *batch)
            losses.append(loss)
        jax.block_until_ready(params)
        return losses

    return train
