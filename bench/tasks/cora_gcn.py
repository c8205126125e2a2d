"""Two graph convolutions that tell the subject of papers from their words and citations.

Kipf and Welling (2017), https://arxiv.org/abs/1609.02907. A step reads the whole graph, so that the
throughput is in graphs a second: 2,708 papers each.
"""

from bench.core.graph import (
    GraphConvolution,
    NodeAccuracy,
    NodeCrossEntropy,
    NodeLabels,
    SparseMatrix,
)
from bench.core.optimizers import Adam
from bench.core.task import Budget, Task, Update

TASK = Task(
    name="cora-gcn",
    title="Graph convolutions on Cora, a graph a step",
    dataset="cora",
    network="gcn",
    fields={
        "words": SparseMatrix(
            array="words",
            values_of="word_values",
            size=(2708, 1433),
            entries=49_216,
            about="the words of each paper, every row divided by its sum",
        ),
        "links": SparseMatrix(
            array="links",
            values_of="link_values",
            size=(2708, 2708),
            entries=13_264,
            about="citations both ways and each paper itself, normalized on both sides, in float32",
        ),
        "label": NodeLabels(nodes=2708, classes=7),
    },
    layers=(
        GraphConvolution(
            name="first", inputs=1433, outputs=16, nodes=2708, links=13_264, entries=49_216
        ),
        GraphConvolution(name="second", inputs=16, outputs=7, nodes=2708, links=13_264),
    ),
    updates=(
        Update(
            # The paper multiplies half the sum of squares by 5e-4: 2**-12 is near half of that, and
            # exact in every precision.
            loss=NodeCrossEntropy(decay=2**-12, decayed="first.weight"),
            optimizer=Adam(learning_rate=0.01),
        ),
    ),
    metric=NodeAccuracy(target=0.78),
    batch=1,
    outputs=("logits", "penalty"),
    dropout={"first": 0.5},
    presets={
        "quick": Budget(epochs=2),
        "standard": Budget(epochs=4),
        "full": Budget(epochs=8),
    },
)
