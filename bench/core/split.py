"""A split of a prepared data set, cut into the same batches for every framework."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.errors import DataError
from bench.core.readers import BatchFormat
from bench.core.task import Task

# A batch by the names of the task's fields.
HostBatch = dict[str, Array]

# Independent streams of random numbers, distinguished by the second word of their seed.
_ORDER_STREAM = 1
_SUBSET_STREAM = 2


def _generator(*words: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(list(words)))


def unlabelled(task: Task, batch: HostBatch) -> HostBatch:
    """The batch that is staged for evaluation: zeros in place of its targets.

    An output can then not depend on what it is compared with. Types and shapes are the same, so
    that nothing is compiled twice.
    """
    return {
        name: np.zeros_like(batch[name]) if field.target else batch[name]
        for name, field in task.fields.items()
    }


class Split:
    """One split of a task's data, laid out in one framework's format.

    `limit` restricts it to that many examples, the same for every seed and framework.
    """

    def __init__(
        self, folder: Path, split: SplitName, task: Task, layout: BatchFormat, limit: int | None
    ) -> None:
        """Raises DataError if the fields' arrays differ in length."""
        self.folder = folder
        self._batch = task.batch
        self._data = task.data
        self._readers = {
            name: field.reader(folder, split, layout) for name, field in task.fields.items()
        }
        lengths = {name: len(reader) for name, reader in self._readers.items()}
        if len(set(lengths.values())) != 1:
            raise DataError(f"{folder}: the fields of {split} differ in length: {lengths}")
        total = next(iter(lengths.values()))
        self._indices = np.arange(total)
        if limit is not None and limit < total:
            self._indices = np.sort(_generator(0, _SUBSET_STREAM).permutation(total)[:limit])

    def __len__(self) -> int:
        return len(self._indices)

    def without_noise(self) -> Split:
        """The same split, in the same buffers, without what a framework draws itself."""
        split = copy.copy(self)
        split._readers = {name: self._readers[name] for name in self._data}
        return split

    @property
    def steps(self) -> int:
        """The steps of an epoch, which leaves out an incomplete last batch."""
        return len(self) // self._batch

    def batch(self, positions: Array) -> HostBatch:
        """The examples at `positions` (0 to len - 1)."""
        rows = self._indices[positions]
        return {name: reader.rows(rows) for name, reader in self._readers.items()}

    def window(self, batches: Array) -> list[HostBatch]:
        """Several batches by their positions, (batches, batch).

        Reuses the previous window's buffers, because fresh memory takes several times as long to
        write to. Finish with the previous window first, including the device's work on it.
        """
        rows = self._indices[batches]
        columns = [reader.window(rows) for reader in self._readers.values()]
        return [
            dict(zip(self._readers, parts, strict=True)) for parts in zip(*columns, strict=True)
        ]

    def epoch(self, seed: int, epoch: int) -> Array:
        """The order of one training epoch, (steps, batch), without an incomplete last batch.

        Raises DataError if the split does not fill one batch.
        """
        order = _generator(seed, _ORDER_STREAM, epoch).permutation(len(self))
        if self.steps == 0:
            raise DataError(f"{len(self)} training examples do not fill a batch of {self._batch}")
        return order[: self.steps * self._batch].reshape(self.steps, self._batch)

    def in_order(self, size: int) -> Iterator[tuple[HostBatch, int]]:
        """Every example once, in batches of `size`: the batch, and how many of its rows count.

        The last batch is filled up with repeats, so that all batches have the same shape and
        nothing is compiled twice.
        """
        for start in range(0, len(self), size):
            positions = np.arange(start, start + size)
            count = min(size, len(self) - start)
            yield self.batch(np.minimum(positions, len(self) - 1)), count
