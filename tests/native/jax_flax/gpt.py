"""A GPT in plain JAX, without Flax.

https://docs.jax.dev/en/latest/_autosummary/jax.nn.dot_product_attention.html,
https://docs.jax.dev/en/latest/notebooks/neural_network_with_tfds_data.html (loop),
https://optax.readthedocs.io/en/latest/getting_started.html (AdamW, its mask, clipping),
https://docs.jax.dev/en/latest/buffer_donation.html (donated weights).
"""

import jax
import optax
from jax import numpy as jnp


def normalized(x, scale):
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale


def block(x, p, steps):
    y = normalized(x, p["norm1"])
    q, k, v = ((y @ p[part]).reshape(-1, steps, 8, 16) for part in ("q", "k", "v"))
    y = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    x = x + y.reshape(-1, 128) @ p["project"]
    return x + jax.nn.gelu(normalized(x, p["norm2"]) @ p["expand"]) @ p["contract"]


def network(params, tokens):
    x = params["token"][tokens] + params["position"][: tokens.shape[1]]
    x = x.reshape(-1, 128)  # XLA multiplies one matrix faster than a stack of them
    for p in params["blocks"]:
        x = block(x, p, tokens.shape[1])
    logits = normalized(x, params["norm"]) @ params["token"].T
    return logits.reshape(*tokens.shape, -1)


def weights(key):
    def drawn(*shape):
        nonlocal key
        key, own = jax.random.split(key)
        return jax.random.normal(own, shape) * 0.02

    def of_block():
        parts = {part: drawn(128, 128) for part in ("q", "k", "v", "project")}
        wide = {"expand": drawn(128, 512), "contract": drawn(512, 128)}
        return {**parts, **wide, "norm1": jnp.ones(128), "norm2": jnp.ones(128)}

    return {
        "token": drawn(65, 128),
        "position": drawn(64, 128),
        "blocks": [of_block() for _ in range(4)],
        "norm": jnp.ones(128),
    }


def prepare(mode, threads, length):
    assert mode == "compiled"
    params = weights(jax.random.key(0))
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(
            1e-3,
            b2=0.99,
            weight_decay=0.1,
            mask=lambda tree: jax.tree.map(lambda leaf: leaf.ndim > 1, tree),
        ),
    )
    state = optimizer.init(params)

    def loss_of(params, x, y):
        logits = network(params, x)
        return optax.losses.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(params, state, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = optimizer.update(gradients, state, params)
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
