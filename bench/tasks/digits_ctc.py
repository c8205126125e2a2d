"""Two GRU layers that spell the digits that are said in a recording, trained by CTC.

A small Deep Speech: Hannun et al. (2014), https://arxiv.org/abs/1412.5567. The network reads all
frames, and the loss counts those of the recording alone.
"""

from bench.core.layers import Dense
from bench.core.losses import CTC
from bench.core.metrics import CharacterErrorRate
from bench.core.optimizers import Adam
from bench.core.recurrent import GRU
from bench.core.samples import Transcription
from bench.core.speech_fields import FrameCount, Frames, Letters
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="digits-ctc",
    title="GRUs that spell spoken digits, by CTC",
    dataset="digits",
    network="speech",
    fields={
        "frames": Frames(steps=200, features=40),
        "letters": Letters(letters=24, symbols=27),
        "count": FrameCount(steps=200),
    },
    layers=(
        GRU(name="lower", inputs=40, hidden=128),
        GRU(name="upper", inputs=128, hidden=128),
        Dense(name="output", inputs=128, outputs=28, each_step=True),
    ),
    updates=(Update(loss=CTC(), optimizer=Adam(learning_rate=1e-3)),),
    metric=CharacterErrorRate(target=0.15),
    batch=32,
    sample=Transcription(recordings=10),
    presets={
        "quick": Budget(epochs=1, train_examples=640, test_examples=100),
        "standard": Budget(epochs=2, train_examples=1_600),
        "full": Budget(epochs=10),
    },
)
