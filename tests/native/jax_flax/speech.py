"""Two GRUs over frames of sound with CTC in plain JAX, without Flax.

https://docs.jax.dev/en/latest/_autosummary/jax.lax.scan.html (the loop over time),
https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (loop),
https://optax.readthedocs.io/en/latest/api/losses.html (ctc_loss),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).
"""

import jax
import optax
from jax import lax
from jax import numpy as jnp


def gru(params, x):
    def cell(h, x):
        a = x @ params["input"] + params["bias"]
        b = h @ params["recurrent"] + params["recurrent_bias"]
        r, z = jnp.split(jax.nn.sigmoid(a[:, :256] + b[:, :256]), 2, axis=-1)
        n = jnp.tanh(a[:, 256:] + r * b[:, 256:])
        h = (1 - z) * n + z * h
        return h, h

    return lax.scan(cell, jnp.zeros((x.shape[1], 128)), x)[1]


def network(params, x):
    x = gru(params["lower"], x.transpose(1, 0, 2))  # scan needs time first
    x = gru(params["upper"], x)
    return (x @ params["output"] + params["output_bias"]).transpose(1, 0, 2)


def weights(key, inputs):
    one, other = jax.random.split(key)
    return {
        "input": jax.random.normal(one, (inputs, 3 * 128)) * 0.08,
        "recurrent": jax.random.normal(other, (128, 3 * 128)) * 0.08,
        "bias": jnp.zeros(3 * 128),
        "recurrent_bias": jnp.zeros(3 * 128),
    }


def prepare(mode, threads, length):
    assert mode == "compiled"
    keys = jax.random.split(jax.random.key(0), 3)
    params = {
        "lower": weights(keys[0], 40),
        "upper": weights(keys[1], 128),
        "output": jax.random.normal(keys[2], (128, 28)) * 0.08,
        "output_bias": jnp.zeros(28),
    }
    optimizer = optax.adam(1e-3)
    state = optimizer.init(params)

    def loss_of(params, x, letters, counts):
        beyond = (jnp.arange(x.shape[1]) >= counts[:, None]).astype(x.dtype)
        blank = (letters == 0).astype(x.dtype)
        return optax.ctc_loss(network(params, x), beyond, letters, blank).mean()

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
