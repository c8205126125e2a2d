"""A generative adversarial network on MNIST, of perceptrons.

Goodfellow et al. (2014), "Generative adversarial nets": in each step of Algorithm 1 the
discriminator is updated, and then the generator, each with noise of its own. Adam and the slope of
the rectifiers are those of Radford et al. (2015), "DCGAN".
"""

from bench.core.adversarial import DiscriminatorLoss, FrechetDistance, GeneratorLoss
from bench.core.fields import Pixels
from bench.core.layers import Dense
from bench.core.noise_field import Noise
from bench.core.optimizers import Adam
from bench.core.samples import SampleSheet
from bench.core.task import Budget, Task, Update

GENERATOR = (
    Dense(name="generator.first", inputs=100, outputs=256),
    Dense(name="generator.second", inputs=256, outputs=512),
    Dense(name="generator.output", inputs=512, outputs=784),
)
DISCRIMINATOR = (
    Dense(name="discriminator.first", inputs=784, outputs=512),
    Dense(name="discriminator.second", inputs=512, outputs=256),
    Dense(name="discriminator.output", inputs=256, outputs=1),
)

TASK = Task(
    name="mnist-gan",
    title="Generative adversarial network on MNIST, Adam",
    dataset="mnist",
    network="gan",
    fields={
        "image": Pixels(size=(784,), mean=(0.5,), std=(0.5,)),
        "noise_d": Noise(size=100, layer="generator.first"),
        "noise_g": Noise(size=100, layer="generator.first", number=1),
    },
    layers=GENERATOR + DISCRIMINATOR,
    outputs=("sample", "real", "fake_d", "fake_g"),
    updates=(
        Update(
            name="discriminator",
            loss=DiscriminatorLoss(),
            optimizer=Adam(learning_rate=2e-4, beta1=0.5),
            layers=tuple(layer.name for layer in DISCRIMINATOR),
            passes={layer.name: 2 for layer in DISCRIMINATOR},  # data, and samples
        ),
        Update(
            name="generator",
            loss=GeneratorLoss(),
            optimizer=Adam(learning_rate=2e-4, beta1=0.5),
            layers=tuple(layer.name for layer in GENERATOR),
        ),
    ),
    metric=FrechetDistance(target=20),
    batch=128,
    sample=SampleSheet(
        images=100, columns=10, size=(28, 28), output="sample", black=-1.0, white=1.0
    ),
    presets={
        "quick": Budget(epochs=1, train_examples=16_000, test_examples=5_000),
        "standard": Budget(epochs=1),
        "full": Budget(epochs=20),
    },
)
