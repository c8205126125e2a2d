"""A variational autoencoder on MNIST: PyTorch's own example of one.

https://github.com/pytorch/examples/tree/main/vae, after Kingma and Welling (2013), appendix C.2.
"""

from bench.core.fields import Pixels
from bench.core.layers import Dense
from bench.core.losses import NegativeELBO
from bench.core.metrics import EvidenceBound
from bench.core.noise_field import Noise
from bench.core.optimizers import Adam
from bench.core.samples import SampleSheet
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="mnist-vae",
    title="Variational autoencoder on MNIST, Adam",
    dataset="mnist",
    network="vae",
    fields={
        "image": Pixels(size=(784,), mean=(0.0,), std=(1.0,)),
        "noise": Noise(size=20, layer="decoder"),
    },
    layers=(
        Dense(name="encoder", inputs=784, outputs=400),
        Dense(name="mean", inputs=400, outputs=20),
        Dense(name="log_variance", inputs=400, outputs=20),
        Dense(name="decoder", inputs=20, outputs=400),
        Dense(name="output", inputs=400, outputs=784),
    ),
    outputs=("logits", "mean", "log_variance"),
    updates=(Update(loss=NegativeELBO(), optimizer=Adam(learning_rate=1e-3)),),
    metric=EvidenceBound(target=107),
    batch=128,
    sample=SampleSheet(
        images=100,
        columns=10,
        size=(28, 28),
        output="logits",
        are_logits=True,
        silenced=("mean", "log_variance"),
    ),
    presets={
        "quick": Budget(epochs=1, train_examples=16_000, test_examples=5_000),
        "standard": Budget(epochs=2),
        "full": Budget(epochs=10),
    },
)
