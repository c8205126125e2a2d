"""Translation of English into French by two LSTMs with attention.

Luong, Pham and Manning (2015, "Effective approaches to attention-based neural machine
translation"): the scores by "dot", without input feeding. One layer each way, where they have four.
"""

from bench.core.attention import DotAttention
from bench.core.fields import Tokens
from bench.core.layers import Dense, Embedding
from bench.core.losses import RealTokenCrossEntropy
from bench.core.metrics import TokenAccuracy
from bench.core.optimizers import Adam
from bench.core.recurrent import LSTM, DecoderLSTM
from bench.core.samples import Translation
from bench.core.task import Budget, Task, Update
from bench.core.translation_fields import NextTokens, PreviousTokens

WORDS = 8_000  # of each language, with the ids that are no words
STEPS = 20

TASK = Task(
    name="multi30k-seq2seq",
    title="Translation by LSTMs with attention on Multi30k",
    dataset="multi30k",
    network="seq2seq",
    fields={
        "source": Tokens(array="en", offsets="en_offsets", steps=STEPS, vocabulary=WORDS),
        "previous": PreviousTokens(array="fr", offsets="fr_offsets", steps=STEPS, vocabulary=WORDS),
        "next": NextTokens(array="fr", offsets="fr_offsets", steps=STEPS, vocabulary=WORDS),
    },
    layers=(
        Embedding(name="source_embedding", rows=WORDS, features=128),
        LSTM(name="encoder", inputs=128, hidden=256),
        Embedding(name="target_embedding", rows=WORDS, features=128),
        DecoderLSTM(name="decoder", encoder="encoder", inputs=128, hidden=256),
        DotAttention(name="attention", features=256),
        Dense(name="combine", inputs=512, outputs=256, bias=False, each_step=True),
        Dense(name="output", inputs=256, outputs=WORDS, each_step=True),
    ),
    updates=(Update(loss=RealTokenCrossEntropy(), optimizer=Adam(learning_rate=1e-3)),),
    metric=TokenAccuracy(target=0.60),
    batch=64,
    sample=Translation(sentences=1_000, languages=("en", "fr")),
    presets={
        "quick": Budget(epochs=1, train_examples=1_280, test_examples=208),
        "standard": Budget(epochs=1, train_examples=3_200, test_examples=400),
        "full": Budget(epochs=5),
    },
)
