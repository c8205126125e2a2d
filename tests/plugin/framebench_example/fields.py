"""A field that framebench does not have."""

from dataclasses import dataclass
from pathlib import Path

from bench.core.dataset_info import SplitName
from bench.core.fields import Field, prepared_file
from bench.core.readers import BatchFormat, ColumnReader, Reader


@dataclass(frozen=True, kw_only=True)
class Coordinates(Field):
    """A point of the plane, (2,). Prepared as float32 (N, 2)."""

    array: str = "point"

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def reader(self, folder: Path, split: SplitName, layout: BatchFormat) -> Reader:
        return ColumnReader(prepared_file(folder, split, self.array), layout.floats)

    def __str__(self) -> str:
        return "points of the plane, (2,), in float32"
