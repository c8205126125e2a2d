"""A multilayer perceptron in plain JAX, without Flax.

https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (network, loop),
https://optax.readthedocs.io/en/latest/getting_started.html (Adam),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).

Alternatives tried on one thread, with their throughput relative to this script's: Flax's nnx.jit
0.4; the functional loop of Flax's performance guide (a nnx.State in and out) 0.9; no donation 0.9;
jax.device_put of each batch 0.8.
"""

import jax
import optax
from jax import numpy as jnp


def initial(key, inputs, outputs):
    return {
        "w": jax.random.normal(key, (inputs, outputs)) * inputs**-0.5,
        "b": jnp.zeros(outputs),
    }


def network(params, x):
    hidden, output = params
    x = jax.nn.relu(x @ hidden["w"] + hidden["b"])
    return x @ output["w"] + output["b"]


def prepare(mode, threads, length):
    assert mode == "compiled"
    first, second = jax.random.split(jax.random.key(0))
    params = (initial(first, 784, 128), initial(second, 128, 10))
    optimizer = optax.adam(1e-3)
    state = optimizer.init(params)

    def loss_of(params, x, y):
        logits = network(params, x)
        return optax.losses.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(params, state, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, loss

    step = jax.jit(step, donate_argnums=(0, 1))

    def train(batches):
        nonlocal params, state
        losses = []
        for x, y in batches:
            params, state, loss = step(params, state, x, y)
            losses.append(loss)
        jax.block_until_ready(params)
        return losses

    return train
