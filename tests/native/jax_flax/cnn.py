"""A convolutional network in plain JAX, without Flax.

https://docs.jax.dev/en/latest/notebooks/convolutions.html (lax.conv_general_dilated),
https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (loop),
https://optax.readthedocs.io/en/latest/getting_started.html (Adam),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).

Alternatives tried on one thread, with their throughput relative to this script's: max pooling by
lax.reduce_window, whose gradient is slow on a CPU, 0.4; XLA_FLAGS for oneDNN, XNNPACK, fast minima
and wider vectors within noise; fast math slower.
"""

import jax
import optax
from jax import lax
from jax import numpy as jnp


def initial(key, *shape):
    inputs = 1
    for size in shape[:-1]:
        inputs *= size
    return {"w": jax.random.normal(key, shape) * inputs**-0.5, "b": jnp.zeros(shape[-1])}


def conv(layer, x):
    axes = ("NHWC", "HWIO", "NHWC")
    return (
        lax.conv_general_dilated(x, layer["w"], (1, 1), "VALID", dimension_numbers=axes)
        + (layer["b"])
    )


def max_pool(x):
    n, height, width, channels = x.shape
    rows, columns = height // 2, width // 2
    x = x[:, : 2 * rows, : 2 * columns].reshape(n, rows, 2, columns, 2, channels)
    return x.max(axis=(2, 4))


def network(params, x):
    conv1, conv2, hidden, output = params
    x = max_pool(jax.nn.relu(conv(conv1, x)))
    x = max_pool(jax.nn.relu(conv(conv2, x)))
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(x @ hidden["w"] + hidden["b"])
    return x @ output["w"] + output["b"]


def prepare(mode, threads, length):
    assert mode == "compiled"
    shapes = ((3, 3, 3, 32), (3, 3, 32, 64), (6 * 6 * 64, 64), (64, 10))
    keys = jax.random.split(jax.random.key(0), len(shapes))
    params = tuple(initial(key, *shape) for key, shape in zip(keys, shapes, strict=True))
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
