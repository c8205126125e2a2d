"""Model FLOPs and bytes, against figures worked out by hand and, for FLOPs, PyTorch's own count."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench import tasks
from bench.core.cost import step_bytes, training_flops
from bench.core.optimizers import SGD, Adam
from bench.launch.catalogue import TREE
from bench.launch.virtual_environments import Environment

# VGG-19 at 128 x 128: up to conv4_2, from there to conv5_1, and the Gram matrices of one picture.
STYLE_LOWER = 9 * (
    128 * 128 * (3 * 64 + 64 * 64)
    + 64 * 64 * (64 * 128 + 128 * 128)
    + 32 * 32 * (128 * 256 + 3 * 256 * 256)
    + 16 * 16 * (256 * 512 + 512 * 512)
)
STYLE_UPPER = 9 * (16 * 16 * 2 * 512 * 512 + 8 * 8 * 512 * 512)
STYLE_GRAMS = 4 * (128 * 64) ** 2 + (8 * 512) ** 2
STYLE_WEIGHTS = 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 3 * 256 * 256)
STYLE_WEIGHTS += 9 * (256 * 512 + 4 * 512 * 512)
STYLE_MAPS = 2 * 64 * 128**2 + 2 * 128 * 64**2 + 4 * 256 * 32**2 + 4 * 512 * 16**2 + 512 * 8**2
TRANSLATING = 2 * 4 * 256 * (128 + 256)  # the weights of two LSTMs
# Multiply-adds of one example's forward pass: those of the first layer, and those of all others.
MULTIPLY_ADDS = {
    "mnist-softmax": (784 * 10, 0),
    "mnist-mlp": (784 * 128, 128 * 10),
    "mnist-mlp-sgd": (784 * 128, 128 * 10),
    "mnist-mlp-dropout": (784 * 128, 128 * 10),
    "cifar-cnn": (
        30 * 30 * 32 * 3 * 9,
        13 * 13 * 64 * 32 * 9 + 2304 * 64 + 64 * 10,
    ),
    "cifar-lenet": (
        28 * 28 * 6 * 3 * 25,
        10 * 10 * 16 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 10,
    ),
    "cifar-resnet20": (
        32 * 32 * 16 * 3 * 9,
        32 * 32 * 6 * 16 * 16 * 9
        + 16 * 16 * (16 * 32 + 5 * 32 * 32) * 9
        + 8 * 8 * (32 * 64 + 5 * 64 * 64) * 9
        + 64 * 10,
    ),
    "cifar-vgg": (
        32 * 32 * 50 * 3 * 9,
        32 * 32 * 50 * 50 * 9 + 16 * 16 * 100 * (50 + 100) * 9 + 100 * 8 * 8 * 512 + 512 * 10,
    ),
    "xray-cnn": (
        254 * 254 * 32 * 9,
        125 * 125 * 64 * 32 * 9 + 64 * 62 * 62 * 64 + 64,
    ),
    "imdb-lstm": (0, 200 * 4 * 256 * (100 + 256) + 256),
    "imdb-gru": (0, 150 * 3 * 100 * (125 + 100) + 100 * 2),
    "imdb-bilstm": (0, 200 * 2 * 4 * 64 * ((128 + 64) + (128 + 64)) + 128),
    "movielens-ncf": (0, 50),
    # four products and two dense layers for every step, twice all pairs of steps, two dense layers
    "imdb-transformer": (
        0,
        200 * (4 * 32**2 + 2 * 32 * 32) + 2 * 32 * 200**2 + 32 * 20 + 20 * 2,
    ),
    # two LSTMs and two dense layers for every step, and twice all pairs of steps
    "multi30k-seq2seq": (0, 20 * (TRANSLATING + 512 * 256 + 256 * 8_000) + 2 * 256 * 20**2),
    # No weight has a gradient. The lower convolutions see three pictures forward and one backward,
    # the upper ones two and one; the Gram matrices two, and have the gradient of both factors.
    "style-transfer": (2 * (STYLE_LOWER + STYLE_GRAMS), STYLE_UPPER),
    # Words and links are data, and both convolutions multiply by the links.
    "cora-gcn": (49_216 * 16 + 13_264 * (16 + 7), 2708 * 16 * 7),
    "mnist-vae": (784 * 400, 2 * 400 * 20 + 20 * 400 + 400 * 784),
    # The frames are data, whose gradient nobody needs; the state is not.
    "digits-ctc": (
        200 * 3 * 128 * 40,
        200 * (3 * 128 * 128 + 3 * 128 * (128 + 128) + 128 * 28),
    ),
    # in each block four products and two dense layers for every step, and twice all pairs of steps
    "shakespeare-gpt": (
        0,
        64 * (4 * (4 * 128**2 + 2 * 128 * 512) + 65 * 128) + 4 * 2 * 128 * 64**2,
    ),
    "shakespeare-gpt-large": (
        0,
        256 * (6 * (4 * 384**2 + 2 * 384 * 1536) + 65 * 384) + 6 * 2 * 384 * 256**2,
    ),
}

TRAINING_FLOPS = {
    "mnist-softmax": 31_360,
    "mnist-mlp": 409_088,
    "mnist-mlp-sgd": 409_088,
    "mnist-mlp-dropout": 409_088,
    "cifar-cnn": 22_689_024,
    "cifar-lenet": 3_204_720,
    "cifar-resnet20": 242_421_504,
    "cifar-vgg": 370_821_120,
    "xray-cnn": 1_896_792_960,
    "imdb-lstm": 437_454_336,
    "imdb-gru": 60_751_200,
    "imdb-bilstm": 235_930_368,
    "movielens-ncf": 300,
    "imdb-transformer": 22_736_880,
    "multi30k-seq2seq": 357_089_280,
    "digits-ctc": 193_536_000,
    "cora-gcn": 6_189_888,
    "style-transfer": 46_900_707_328,
    "mnist-vae": 3_280_000,
    "shakespeare-gpt": 330_350_592,
    "shakespeare-gpt-large": 18_157_731_840,
}

MLP_WEIGHTS, MLP_BIASES = 784 * 128 + 128 * 10, 128 + 10
MLP = MLP_WEIGHTS + MLP_BIASES
CNN = 27 * 32 + 32 + 9 * 32 * 64 + 64 + 2304 * 64 + 64 + 64 * 10 + 10
LENET = 75 * 6 + 6 + 150 * 16 + 16 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10
# Of ResNet-20: the convolutions above the first, all channels, and the maps of one example.
CONVS = 9 * (6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
CHANNELS = 7 * 16 + 6 * 32 + 6 * 64
MAPS = 7 * 16 * 32 * 32 + 6 * 32 * 16 * 16 + 6 * 64 * 8 * 8
VGG_ABOVE = 450 * 50 + 450 * 100 + 900 * 100 + 6400 * 512 + 512 * 10  # weights, but the first
VGG = 27 * 50 + VGG_ABOVE + 50 + 50 + 100 + 100 + 512 + 10
VAE_ABOVE = 2 * 400 * 20 + 20 * 400 + 400 * 784
# Of each of the two networks: the weights of the first layer, and of those above it.
GENERATOR, GENERATOR_ABOVE = 100 * 256, 256 * 512 + 512 * 784
JUDGE, JUDGE_ABOVE = 784 * 512, 512 * 256 + 256
XRAY_ABOVE = 9 * 32 * 64 + 64 * 62 * 62 * 64 + 64  # weights, but the first
TABLE, LSTM = 25_000 * 100, 4 * 256 * (100 + 256)
FACTORS = (943 + 1682) * 50
WORDS, BILSTM = 20_000 * 128, 2 * 2 * 4 * 64 * (128 + 64)
LARGER_TABLE, GRU = 30_000 * 125, 3 * 100 * (125 + 100)
# Values that one step moves. Of each parameter: forward 1; gradient 2, update 2, and twice the
# optimizer's state (Adam 4, momentum 2); then the weights above the first layer, read backward.
# Of each example: itself twice, and four times what each layer makes of it.
VALUES = {
    "mnist-softmax": 5 * 7_850 + 64 * (2 * 784 + 4 * 10),
    "mnist-mlp": 9 * MLP + 128 * 10 + 64 * (2 * 784 + 4 * (128 + 10)),
    "mnist-mlp-sgd": 5 * MLP + 128 * 10 + 64 * (2 * 784 + 4 * (128 + 10)),
    "mnist-mlp-dropout": 9 * MLP + 128 * 10 + 32 * (2 * 784 + 4 * (128 + 10)),
    "cifar-cnn": (
        9 * CNN
        + (9 * 32 * 64 + 2304 * 64 + 64 * 10)
        + 64 * (2 * 3 * 32 * 32 + 4 * (32 * 30 * 30 + 64 * 13 * 13 + 64 + 10))
    ),
    "cifar-lenet": (
        7 * LENET
        + (150 * 16 + 400 * 120 + 120 * 84 + 84 * 10)
        + 64 * (2 * 3 * 32 * 32 + 4 * (6 * 28 * 28 + 16 * 10 * 10 + 120 + 84 + 10))
    ),
    # A normalization has outputs of its own, as large as its convolution's.
    "cifar-resnet20": (
        7 * (9 * 3 * 16 + CONVS + 2 * CHANNELS + 650)
        + (CONVS + CHANNELS + 640)
        + 128 * (2 * 3 * 32 * 32 + 4 * (2 * MAPS + 10))
    ),
    "cifar-vgg": (
        7 * VGG
        + VGG_ABOVE
        + 64 * (2 * 3 * 32 * 32 + 4 * (2 * 50 * 32 * 32 + 2 * 100 * 16 * 16 + 512 + 10))
    ),
    "xray-cnn": (
        9 * (9 * 32 + 32 + XRAY_ABOVE + 64 + 64 + 1)
        + XRAY_ABOVE
        + 16 * (2 * 256 * 256 + 4 * (32 * 254 * 254 + 64 * 125 * 125 + 64 + 1))
    ),
    # The table is not read as a whole: a row a token.
    "imdb-lstm": (
        8 * TABLE
        + 9 * (LSTM + 1024 + 257)
        + (LSTM + 256)
        + 64 * (200 * (2 + 100) + 4 * (200 * (100 + 6 * 256) + 1))
    ),
    "imdb-gru": (
        8 * LARGER_TABLE
        + 9 * (GRU + 2 * 300 + 202)
        + (GRU + 200)
        + 64 * (150 * (2 + 125) + 4 * (150 * (125 + 5 * 100) + 2))
    ),
    # Two layers of two directions of 64.
    "imdb-bilstm": (
        8 * WORDS
        + 9 * (BILSTM + 4 * 256 + 129)
        + (BILSTM + 128)
        + 32 * (200 * (2 + 128) + 4 * (200 * (128 + 4 * 6 * 64) + 1))
    ),
    # Outputs: two of tables, attention's, two normalizations, two dense layers; and two more.
    "imdb-transformer": (
        8 * 20_000 * 32
        + 9 * (200 * 32 + 4 * 32**2 + 4 * 32 + 2 * (32**2 + 32) + 20 * 33 + 2 * 21)
        + (4 * 32**2 + 2 * 32 + 2 * 32**2 + 20 * 32 + 2 * 20)
        + 32 * (200 * (2 + 32) + 4 * (200 * (6 * 32 + 5 * 32 + 2 * 200) + 22))
    ),
    # The tables are not read as a whole, and what attention multiplies is no weight.
    "multi30k-seq2seq": (
        8 * 2 * 8_000 * 128
        + 9 * (TRANSLATING + 2 * 1024 + 512 * 256 + 256 * 8_000 + 8_000)
        + (TRANSLATING + 512 * 256 + 256 * 8_000)
        + 64 * (20 * 2 * (2 + 128) + 4 * (20 * (2 * 128 + 2 * 6 * 256 + 256 + 256 + 8_000) + 20**2))
    ),
    "digits-ctc": (
        9 * (3 * 128 * (40 + 128 + 2) + 3 * 128 * (128 + 128 + 2) + 28 * 129)
        + (3 * 3 * 128 * 128 + 128 * 28)
        + 32 * (2 * 200 * 40 + 4 * 200 * (2 * 5 * 128 + 28))
    ),
    # Of each entry of the two sparse matrices a row, a column and a value.
    "cora-gcn": 9 * 23_063 + 16 * 7 + 2 * 3 * (49_216 + 13_264) + 4 * 2708 * (16 + 7),
    # The canvas alone has a gradient and an update; all weights are read forward and backward.
    "style-transfer": (
        9 * 3 * 128**2
        + 2 * STYLE_WEIGHTS
        + (2 * 64 + 2 * 128 + 4 * 256 + 5 * 512)
        + 2 * 2 * 3 * 128**2
        + 4 * (3 * 128**2 + STYLE_MAPS + 64**2 + 128**2 + 256**2 + 2 * 512**2)
    ),
    # The noise is read like the image, once more for the gradient of the log variance.
    "mnist-vae": (
        9 * (784 * 400 + 400 + VAE_ABOVE + 20 + 20 + 400 + 784)
        + VAE_ABOVE
        + 128 * (2 * (784 + 20) + 4 * (400 + 20 + 20 + 400 + 784))
    ),
    # Forward, each update reads both networks. Backward, the discriminator's gets to its own second
    # layer, from data and from samples, and the generator's through the other to its own.
    "mnist-gan": (
        (8 + 2) * 1_093_137
        + (JUDGE_ABOVE + GENERATOR_ABOVE + JUDGE + JUDGE_ABOVE)
        + 128 * (2 * (784 + 2 * 100) + (2 + 4) * (256 + 512 + 784) + (8 + 4) * (512 + 256 + 1))
    ),
    "shakespeare-gpt": 9 * 804_096 + 795_904 + 12 * (2 * 64 + 64 * 128 + 4 * 553_024),
    "shakespeare-gpt-large": (
        9 * 10_745_088 + 10_646_784 + 64 * (2 * 256 + 256 * 384 + 4 * 9_748_736)
    ),
    "movielens-ncf": 8 * FACTORS + 64 * (2 * 2 + 100 + 4 * (100 + 1)),
}


@pytest.mark.parametrize("name", TRAINING_FLOPS)
def test_flops_worked_out_by_hand(name: str) -> None:
    task = tasks.load(name)
    first, others = MULTIPLY_ADDS[name]
    # The first layer's inputs are data, whose gradient nobody needs.
    assert training_flops(task) == 2 * (2 * first + 3 * others) == TRAINING_FLOPS[name]


def test_flops_of_two_updates_worked_out_by_hand() -> None:
    discriminator = GENERATOR + GENERATOR_ABOVE + 2 * (2 * JUDGE + 3 * JUDGE_ABOVE)
    # The discriminator passes the gradient on, and its own weights need none.
    generator = 2 * GENERATOR + 3 * GENERATOR_ABOVE + 2 * (JUDGE + JUDGE_ABOVE)
    assert training_flops(tasks.load("mnist-gan")) == 2 * (discriminator + generator) == 11_331_584


@pytest.mark.parametrize("name", VALUES)
def test_bytes_worked_out_by_hand(name: str) -> None:
    assert step_bytes(tasks.load(name)) == 4 * VALUES[name]


def test_a_shorter_text_costs_less() -> None:
    task = tasks.load("imdb-lstm")
    shorter = task.with_length(50)
    output = 3 * 2 * 256
    assert training_flops(task) - output == 4 * (training_flops(shorter) - output)
    assert step_bytes(shorter) < step_bytes(task)


@pytest.mark.parametrize("name", tasks.names())
def test_bytes_grow_with_the_batch_and_with_what_the_optimizer_keeps(name: str) -> None:
    task = tasks.load(name)
    kinds = [
        step_bytes(task.with_optimizers(*[optimizer] * len(task.updates)))
        for optimizer in (
            SGD(learning_rate=0.1),
            SGD(learning_rate=0.1, momentum=0.9),
            Adam(),
        )
    ]
    assert kinds == sorted(kinds) and len(set(kinds)) == 3
    assert step_bytes(task) < step_bytes(replace(task, batch=2 * task.batch)) < 2 * step_bytes(task)


@pytest.mark.frameworks
def test_pytorch_counts_the_same_flops(environment: Callable[[str], Environment]) -> None:
    """All but the recurrent ones, whose operators on the CPU it does not count."""
    names = [
        name for name in tasks.names() if tasks.load(name).fields.keys() & {"image", "content"}
    ]
    code = f"""
import importlib, json, sys
sys.path.insert(0, {str(TREE)!r})
import torch
from torch.utils.flop_counter import FlopCounterMode
counted = {{}}
for name in {names!r}:
    task = importlib.import_module("bench.tasks." + name.replace("-", "_")).TASK
    module = importlib.import_module("frameworks.pytorch.models." + task.network)
    model = module.build(task)
    batch = {{n: torch.zeros(task.batch, *task.fields[n].shape) for n in task.inputs}}
    with FlopCounterMode(display=False) as counter:
        for update in task.updates:
            for place, param in model.named_parameters():
                layer = place.rpartition(".")[0]
                param.requires_grad_(update.layers is None or layer in update.layers)
            own = getattr(module, "LOSSES", {{}}).get(update.name)
            (own(model, batch) if own else model(*batch.values()).sum()).backward()
    counted[name] = counter.get_total_flops() / task.batch
print(json.dumps(counted))
"""
    python = environment("pytorch").python
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: training_flops(tasks.load(name)) for name in names}
