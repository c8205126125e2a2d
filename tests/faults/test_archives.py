"""Archives that unpack to more than their data set are refused before they fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.core.errors import DataError
from bench.core.listener import SILENT
from bench.datasets import cifar10, imdb, mnist, movielens, multi30k, shakespeare
from bench.datasets.common import archive as archive_reader
from tests.test_data import write_mnist, write_multi30k

# Bytes. What each of these archives unpacks to, and what may be taken to find out.
UNPACKED = 1 << 30
ALLOWED = 160 << 20
_BLOCK = 1 << 25


def zeros(compress: Callable[[bytes], bytes], size: int = UNPACKED) -> bytes:
    """A compressed stream of zeros; all three formats may be concatenated."""
    return compress(bytes(_BLOCK)) * (size // _BLOCK)


@contextmanager
def little_memory(allowed: int = ALLOWED) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < allowed


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def sparse_header(size: int) -> bytes:
    """The header of an old GNU sparse file of `size` bytes, none of which is in the archive."""
    block = bytearray(header("cifar-10-batches-bin/test_batch.bin", 0, tarfile.GNUTYPE_SPARSE))
    block[386:410] = f"{size:011o}\0{0:011o}\0".encode()
    block[483:495] = f"{size:011o}\0".encode()
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def pax_sparse(size: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        info.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.map": f"{size},0"}
        archive.addfile(info)
    return buffer.getvalue()


def members(count: int, size: int) -> bytes:
    """A compressed tar of files of zeros."""
    return b"".join(
        gzip.compress(header(f"aclImdb/train/pos/{number}_9.txt", size))
        + zeros(gzip.compress, size)
        for number in range(count)
    )


TARS: dict[str, Callable[[], bytes]] = {
    "a sparse file": lambda: gzip.compress(sparse_header(UNPACKED * 4)),
    "a sparse file of another kind": lambda: gzip.compress(pax_sparse(UNPACKED * 4)),
    "a name of a gigabyte": lambda: (
        gzip.compress(header("././@LongLink", UNPACKED, tarfile.GNUTYPE_LONGNAME))
        + zeros(gzip.compress)
    ),
    "a link of a gigabyte": lambda: (
        gzip.compress(header("././@LongLink", UNPACKED, tarfile.GNUTYPE_LONGLINK))
        + zeros(gzip.compress)
    ),
    "fields of a gigabyte": lambda: (
        gzip.compress(header("pax", UNPACKED, tarfile.XHDTYPE)) + zeros(gzip.compress)
    ),
    "a file of a gigabyte": lambda: members(1, UNPACKED),
    "many files": lambda: members(9, 1 << 26),
    "no archive, gzip": lambda: zeros(gzip.compress),
    "no archive, bzip2": lambda: zeros(bz2.compress),
    "no archive, xz": lambda: zeros(lzma.compress),
    "a declared size beyond the end": lambda: gzip.compress(
        header("aclImdb/train/pos/1_9.txt", 1 << 28) + b"short"
    ),
}


@pytest.mark.frameworks
@pytest.mark.parametrize("parse", [imdb.parse, cifar10.parse], ids=["imdb", "cifar10"])
@pytest.mark.parametrize("content", TARS.values(), ids=TARS)
def test_a_small_tar_does_not_become_large(
    tmp_path: Path, content: Callable[[], bytes], parse: Callable[..., object]
) -> None:
    path = tmp_path / "archive.tar"
    path.write_bytes(content())
    with little_memory(), pytest.raises(DataError, match=r"archive\.tar is (refused|damaged)"):
        parse({"": path}, SILENT)


@pytest.mark.frameworks
@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_small_idx_file_does_not_become_large(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    files = write_mnist(tmp_path)
    files["train-images-idx3-ubyte.gz"].write_bytes(zeros(compress))
    with little_memory(), pytest.raises(DataError, match="unpacks to more"):
        mnist.parse(files, SILENT)


def test_a_text_that_is_far_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    with path.open("wb") as sparse:
        sparse.truncate(UNPACKED)
    with little_memory(), pytest.raises(DataError, match=r"input\.txt"):
        shakespeare.parse({"input.txt": path}, SILENT)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_small_file_does_not_become_a_large_text(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "input.txt.gz"
    path.write_bytes(zeros(compress))
    with little_memory(), pytest.raises(DataError, match="unpacks to more"):
        shakespeare.parse({"input.txt": path}, SILENT)


@pytest.mark.parametrize("name", ["train.en.gz", "test_2016_flickr.fr.gz"])
def test_a_small_text_does_not_become_large(tmp_path: Path, name: str) -> None:
    files = write_multi30k(tmp_path)
    files[name].write_bytes(zeros(gzip.compress))
    with little_memory(), pytest.raises(DataError, match="unpacks to more"):
        multi30k.parse(files, SILENT)


LYING = 1 << 27


def lying_zip(path: Path, *, declared: int, compression: int = zipfile.ZIP_DEFLATED) -> None:
    """A zip whose `u.data` unpacks to `LYING` bytes, and declares another size."""
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive:
        archive.writestr("ml-100k/u.data", bytes(LYING))
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", LYING), struct.pack("<I", declared)))


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("declared", "compression", "most"),
    [
        (10, zipfile.ZIP_DEFLATED, LYING // 4),
        (1 << 20, zipfile.ZIP_DEFLATED, LYING // 4),
        ((1 << 32) - 2, zipfile.ZIP_DEFLATED, LYING // 4),
        # Of LZMA, what four kilobytes unpack to is in memory twice.
        (10, zipfile.ZIP_LZMA, 2 * 7000 * 4096 + LYING // 8),
    ],
)
def test_a_zip_that_lies_about_a_size_does_not_become_large(
    tmp_path: Path, declared: int, compression: int, most: int
) -> None:
    path = tmp_path / "ml-100k.zip"
    lying_zip(path, declared=declared, compression=compression)
    with little_memory(most), pytest.raises(DataError, match=r"\.zip is (refused|damaged)"):
        movielens.parse({"": path}, SILENT)


def test_a_zip_that_cannot_be_unpacked_in_pieces_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ml-100k.zip"
    lying_zip(path, declared=1000, compression=zipfile.ZIP_BZIP2)
    with little_memory(LYING // 4), pytest.raises(DataError, match="none of none, deflate, LZMA"):
        movielens.parse({"": path}, SILENT)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_reader, "_MOST_MEMBERS", 50)
    path = tmp_path / "archive.tar"
    path.write_bytes(b"".join(header(f"aclImdb/{number}", 0) for number in range(51)))
    with pytest.raises(DataError, match="more than 50 members"):
        imdb.parse({"": path}, SILENT)


def test_headers_that_are_nested_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    name = header("././@LongLink", 5, tarfile.GNUTYPE_LONGNAME) + b"name\0" + bytes(507)
    path.write_bytes(gzip.compress(name * 3000))
    with pytest.raises(DataError, match="damaged"):
        imdb.parse({"": path}, SILENT)


def test_a_large_file_in_an_unpacked_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    with (folder / "test_batch.bin").open("wb") as sparse:
        sparse.truncate(UNPACKED)
    with little_memory(), pytest.raises(DataError, match="is refused: its member"):
        cifar10.parse({"": folder}, SILENT)
