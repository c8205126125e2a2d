"""Reading a user's file of weights: arrays by name, in the format of numpy or of safetensors.

A .safetensors file is the length of a header in 8 bytes, the header, which says in JSON where each
tensor lies, and the tensors, https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from bench.core.arrays import Array
from bench.core.errors import UsageError
from bench.system import whole_json

# What can be converted to float32, by the words of safetensors.
_FLOATS: Mapping[str, str] = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_EXPECTED = "weights must be float32, float16 or float64"
# Bytes of a header; one for a thousand tensors has a hundred thousand.
_MOST_HEADER = 100_000_000
# What numpy raises for a damaged archive.
_DAMAGES = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class _TensorFields(msgspec.Struct, frozen=True):
    """What the header of a .safetensors file says of a tensor."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def read(stream: BinaryIO, file: Path, names: Collection[str]) -> dict[str, Array]:
    """Of the weights with these names those that the file has, as float32.

    `stream` is the content of `file`, whose ending tells its format. Raises UsageError for another
    format, a damaged file, and weights that are no finite floating-point numbers.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise UsageError(
            f"--weights {file}: it must be a {' or '.join(_READERS)} file; docs/data.md has the "
            "lines that make one of a .pth"
        )
    try:
        found = reader(stream, names)
    except _DAMAGES as error:
        raise UsageError(
            f"--weights {file}: it is no {file.suffix.lower()} file, or a damaged one: {error}"
        ) from None
    return {name: _float32(array, f"--weights {file}: {name}") for name, array in found.items()}


def _npz(stream: BinaryIO, names: Collection[str]) -> dict[str, Array]:
    if not zipfile.is_zipfile(stream):
        raise ValueError("it is no zip archive")
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as archive:
        return {name: archive[name] for name in names if name in archive.files}


def _safetensors(stream: BinaryIO, names: Collection[str]) -> dict[str, Array]:
    size = stream.seek(0, 2)
    stream.seek(0)
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > min(_MOST_HEADER, size - 8):
        raise ValueError(f"a header of {length:,} bytes does not fit into {size:,}")
    header = whole_json.decode(stream.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    tensors = {
        name: msgspec.convert(fields, _TensorFields)
        for name, fields in header.items()
        if name != "__metadata__"
    }
    _check_places(tensors, size - 8 - length)
    found: dict[str, Array] = {}
    for name in names:
        if tensor := tensors.get(name):
            stream.seek(8 + length + tensor.data_offsets[0])
            found[name] = _tensor(name, tensor, stream)
    return found


def _check_places(tensors: Mapping[str, _TensorFields], size: int) -> None:
    """Raises ValueError unless the tensors lie one behind the other and take all of `size`."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        start, stop = tensor.data_offsets
        if start != end or stop < start:
            raise ValueError(
                f"{name} begins at byte {start:,}, where the one before ends at {end:,}"
            )
        end = stop
    if end != size:
        raise ValueError(f"it has {size:,} bytes of tensors, where its header tells of {end:,}")


def _tensor(name: str, tensor: _TensorFields, stream: BinaryIO) -> Array:
    if tensor.dtype not in _FLOATS:
        raise ValueError(f"{name} is of {tensor.dtype}; {_EXPECTED}")
    kind: np.dtype[Any] = np.dtype(_FLOATS[tensor.dtype])
    start, stop = tensor.data_offsets
    if min(tensor.shape, default=0) < 0 or math.prod(tensor.shape) * kind.itemsize != stop - start:
        raise ValueError(
            f"{name} is {tensor.shape} of {tensor.dtype}, which are not {stop - start:,} bytes"
        )
    array: Array = np.frombuffer(stream.read(stop - start), kind).reshape(tensor.shape)
    return array


def _float32(array: Array, where: str) -> Array:
    """The array as float32. Raises UsageError, which begins with `where`, if it cannot be that."""
    if array.dtype.newbyteorder("<").str not in _FLOATS.values():
        raise UsageError(f"{where} is of {array.dtype}; {_EXPECTED}")
    with np.errstate(over="ignore"):  # what float32 does not hold is infinite, and refused
        converted: Array = np.ascontiguousarray(array, np.float32)
    if wrong := int(np.count_nonzero(~np.isfinite(converted))):
        raise UsageError(
            f"{where} has {wrong:,} of {converted.size:,} values that are not finite in float32; "
            "export the weights anew"
        )
    return converted


_READERS: Mapping[str, Callable[[BinaryIO, Collection[str]], dict[str, Any]]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
}
