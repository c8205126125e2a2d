"""The GPT on Shakespeare's characters in the size that nanoGPT has for a GPU.

Karpathy (2022), https://github.com/karpathy/nanoGPT, config/train_shakespeare_char.py. Here the
learning rate is constant, the normalizations' epsilon is 2**-17, and dropout does not act on the
probabilities of attention: fused attention draws where nobody can see it, and not every framework's
has it.
"""

from bench.core.fields import Excerpt, NextCharacters
from bench.core.gpt import gpt
from bench.core.losses import TokenCrossEntropy
from bench.core.metrics import BitsPerCharacter
from bench.core.optimizers import AdamW
from bench.core.samples import Continuation
from bench.core.task import Budget, Task, Update

CHARACTERS, STEPS, BLOCKS = 65, 256, 6
RATE = 0.2

TASK = Task(
    name="shakespeare-gpt-large",
    title="GPT on Shakespeare's characters, large",
    dataset="shakespeare",
    network="gpt_large",
    fields={
        "characters": Excerpt(steps=STEPS, vocabulary=CHARACTERS),
        "next": NextCharacters(steps=STEPS, vocabulary=CHARACTERS),
    },
    layers=gpt(vocabulary=CHARACTERS, steps=STEPS, blocks=BLOCKS, features=384, heads=6),
    updates=(
        Update(
            loss=TokenCrossEntropy(),
            optimizer=AdamW(learning_rate=1e-3, beta1=0.9, beta2=0.99, decay=0.1),
            clip=1.0,
        ),
    ),
    metric=BitsPerCharacter(target=2.8),
    batch=64,
    heavy=True,
    dropout={
        "position": RATE,
        **{
            f"blocks.{number}.{part}": RATE
            for number in range(BLOCKS)
            for part in ("attention", "contract")
        },
    },
    sample=Continuation(prompt=55, characters=300),
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=120),
        "standard": Budget(epochs=1, train_examples=19_200),
        "full": Budget(epochs=5, train_examples=64_000),
    },
)
