"""The vocabulary of tasks on a graph: fields, a layer, a loss, and a metric of its nodes.

An example is the whole graph, of which a split labels some of the nodes. So a batch is one example,
and each step of an epoch sees the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.fields import Field, prepared_file
from bench.core.layers import Layer, Product
from bench.core.losses import Loss, surprise
from bench.core.metrics import Accuracy, total_and_count
from bench.core.parameters import Parameter
from bench.core.readers import BatchFormat, ColumnReader, Reader, SparseReader
from bench.core.starts import Uniform

# The label of a node that a split does not label.
UNLABELLED = -1


@dataclass(frozen=True, kw_only=True)
class SparseMatrix(Field):
    """A matrix of `size` (rows, columns), most of whose entries are 0: the same in every example.

    In a batch it is a structured array, (1, entries), of `row`, `column` and `value`, by rows and
    then by columns. A framework stages it as its own kind of sparse matrix. Prepared as integers
    (entries, 2), rows and columns, and as float32 (entries,), `values`; and there are as many
    examples as the split has rows of `labels`.
    """

    values_of: str
    labels: str = "y"
    size: tuple[int, int]
    entries: int
    about: str

    whole = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.entries,)

    @property
    def values(self) -> int:
        """A row, a column and a value for each entry."""
        return 3 * self.entries

    @property
    def matrix(self) -> tuple[int, int] | None:
        return self.size

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return SparseReader(
            prepared_file(folder, split, self.array),
            prepared_file(folder, split, self.values_of),
            count=len(prepared_file(folder, split, self.labels)),
            layout=layout,
        )

    def of_each_class(self, array: Array, classes: int) -> Array:
        """If it links nodes, every node is linked with itself alone."""
        rows, columns = self.size
        if rows != columns:
            return array
        alone = array.copy()
        alone["value"] = array["row"] == array["column"]
        return alone

    def __str__(self) -> str:
        rows, columns = self.size
        return f"{self.about}, a sparse matrix of {rows:,} × {columns:,}, {self.entries:,} entries"


@dataclass(frozen=True, kw_only=True)
class NodeLabels(Field):
    """The class of each node, 0 to `classes` - 1, or UNLABELLED. Prepared as int8 (N, nodes)."""

    array: str = "y"
    nodes: int
    classes: int

    target = True
    whole = True

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.nodes,)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ColumnReader(prepared_file(folder, split, self.array), layout.labels)

    def of_each_class(self, array: Array, classes: int) -> Array:
        """One node of each class, all over the graph."""
        labels = np.full_like(array, UNLABELLED)
        labels[:, np.linspace(0, self.nodes - 1, classes).astype(np.intp)] = np.arange(classes)
        return labels

    def __str__(self) -> str:
        return f"one of {self.classes} classes for some of the {self.nodes:,} nodes"


@dataclass(frozen=True, kw_only=True)
class GraphConvolution(Layer):
    """y = A x W^T + b, of all `nodes` at once: Kipf and Welling (2017).

    A is the matrix of the graph's links, with `links` entries; x has as many rows as there are
    nodes, and is sparse if it has a number of `entries`.
    """

    inputs: int
    outputs: int
    nodes: int
    links: int
    entries: int | None = None

    @property
    def remark(self) -> tuple[str, str] | None:
        return (
            "graph convolution",
            "A x W + b, with A = D^-1/2 (links + I) D^-1/2 of links both ways, where D has the "
            "row sums of links + I (Kipf and Welling, 2017)",
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        weight = Parameter(
            name=f"{self.name}.weight",
            shape=(self.outputs, self.inputs),
            kind="graph",
            axes="(out, in)",
            # As pygcn starts. From Glorot's narrower weights, sparse words move the first layer so
            # slowly that some seeds of Cora have hardly begun to learn after 200 steps.
            start=Uniform(bound=self.outputs**-0.5),
        )
        return (weight, self._bias(self.outputs))

    @property
    def width(self) -> int:
        return self.outputs

    def products(self, length: int) -> tuple[Product, ...]:
        """The one by the weight, and the one by A, whose entries are data."""
        read = self.nodes * self.inputs if self.entries is None else self.entries
        return (
            Product(flops=2 * read * self.outputs, weights=self.inputs * self.outputs),
            Product(flops=2 * self.links * self.outputs, constant=True),
        )

    def output_values(self, length: int) -> int:
        return self.nodes * self.outputs


@dataclass(frozen=True, kw_only=True)
class NodeCrossEntropy(Loss):
    """The mean of -log softmax(logits)[label] over the labelled nodes, plus a penalty.

    Of logits (1, nodes, K) and labels (1, nodes). The penalty, (1, 1), is another output of the
    network: `decay` * sum(w**2) of the weight that is called `decayed`.
    """

    penalty: str = "penalty"
    decay: float
    decayed: str

    kind = "node_cross_entropy"

    def __str__(self) -> str:
        return (
            "softmax cross-entropy, the mean over the labelled nodes, plus "
            f"{self.decay:.9g} times the sum of squares of {self.decayed}"
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output, self.penalty)

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> tuple[float, int]:
        labels = batch[self.target]
        labelled = labels != UNLABELLED
        losses = surprise(outputs[self.output], np.where(labelled, labels, 0))[labelled]
        penalties = np.asarray(outputs[self.penalty], np.float64) * labelled.sum(
            axis=1, keepdims=True
        )
        return float(losses.sum() + penalties.sum()), losses.size

    def columns(self, width: int) -> str:
        return f"{width}, one per class, at each node"


@dataclass(frozen=True, kw_only=True)
class NodeAccuracy(Accuracy):
    """The share of labelled nodes whose largest logit is the label's.

    Of logits (1, nodes, K) and labels (1, nodes).
    """

    def of(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> Array:
        labels = batch[self.field]
        right = outputs[self.output].argmax(axis=-1) == labels  # UNLABELLED is no logit
        return total_and_count(np.count_nonzero(right), np.count_nonzero(labels != UNLABELLED))
