"""A small GPT that predicts the next character: nanoGPT's recipe for a CPU.

Karpathy (2022), https://github.com/karpathy/nanoGPT, config/train_shakespeare_char.py with the
options that its README gives for a CPU. Here there are eight heads of 16 where it has four of 32,
the learning rate is constant, and the normalizations' epsilon is 2**-17, which every framework
holds exactly, where it has 1e-5.
"""

from bench.core.fields import Excerpt, NextCharacters
from bench.core.gpt import gpt
from bench.core.losses import TokenCrossEntropy
from bench.core.metrics import BitsPerCharacter
from bench.core.optimizers import AdamW
from bench.core.samples import Continuation
from bench.core.task import Budget, Task, Update

CHARACTERS = 65

TASK = Task(
    name="shakespeare-gpt",
    title="GPT on Shakespeare's characters",
    dataset="shakespeare",
    network="gpt",
    fields={
        "characters": Excerpt(steps=64, vocabulary=CHARACTERS),
        "next": NextCharacters(steps=64, vocabulary=CHARACTERS),
    },
    layers=gpt(vocabulary=CHARACTERS, steps=64, blocks=4, features=128, heads=8),
    updates=(
        Update(
            loss=TokenCrossEntropy(),
            optimizer=AdamW(learning_rate=1e-3, beta1=0.9, beta2=0.99, decay=0.1),
            clip=1.0,
        ),
    ),
    metric=BitsPerCharacter(target=2.8),
    batch=12,
    headline=True,
    sample=Continuation(prompt=55, characters=300),  # up to the name of the next speaker
    presets={
        "quick": Budget(epochs=1, train_examples=240, test_examples=120),
        "standard": Budget(epochs=1, train_examples=1_200, test_examples=240),
        "full": Budget(epochs=2, train_examples=12_000),
    },
)
