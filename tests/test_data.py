"""Data sets: the parsers on small files in the official formats, the cache, downloads, twins."""

import gzip
import hashlib
import http.server
import io
import itertools
import os
import shutil
import struct
import tarfile
import threading
import wave
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import datasets, tasks
from bench.core.dataset_info import DatasetInfo
from bench.core.errors import DataError, UsageError
from bench.core.listener import SILENT, Silent
from bench.datasets import (
    art,
    cifar10,
    cora,
    digits,
    imdb,
    mnist,
    movielens,
    multi30k,
    shakespeare,
    xray,
)
from bench.datasets.common import download, prepared_store, sources, synthetic
from bench.datasets.common.content import Content, split_digest
from bench.datasets.common.dataset import OfficialFile
from bench.launch.paths import cache_dir

MNIST_NAMES = [file.name for file in mnist.DATASET.files]
OFFICIAL = Path(os.environ.get("FRAMEBENCH_DATA", "/nonexistent")).absolute()


class Lines(Silent):
    """Keeps every call as a line."""

    def __init__(self):
        self.lines = []

    def phase(self, subject, name):
        self.lines.append(f"{subject}: {name}")

    def finished(self, subject, outcome):
        self.lines.append(f"{subject}: {outcome}")


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    """A cache for this test, no data folder, and a proxy that does not answer."""
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FRAMEBENCH_DATA", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def idx(array, *, magic=None) -> bytes:
    magic = 0x0800 | array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def mnist_contents(train=5, test=3) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    contents = {}
    for stem, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        contents[f"{stem}-images-idx3-ubyte.gz"] = idx(images)
        contents[f"{stem}-labels-idx1-ubyte.gz"] = idx(np.arange(count, dtype=np.uint8))
    return contents


def write_mnist(folder: Path, **changed: bytes) -> dict[str, Path]:
    """Four IDX files; `changed` gives other content by the start of the file name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in mnist_contents().items():
        replaced = [new for key, new in changed.items() if name.startswith(key.replace("_", "-"))]
        (folder / name).write_bytes(gzip.compress(replaced[0] if replaced else content))
    return {name: folder / name for name in MNIST_NAMES}


def write_tar(path: Path, members: dict[str, bytes], *extra: tarfile.TarInfo) -> Path:
    mode = {".gz": "w:gz", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return path


def cifar_members(records=2) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    members = {}
    for number, name in enumerate(["test_batch", *(f"data_batch_{n}" for n in range(1, 6))]):
        batch = rng.integers(0, 256, (records, 3073), dtype=np.uint8)
        batch[:, 0] = number
        members[f"cifar-10-batches-bin/{name}.bin"] = batch.tobytes()
    return members


REVIEWS = {
    "aclImdb/README": b"not a review",
    "aclImdb/train/unsup/0_0.txt": b"not labelled",
    "aclImdb/train/pos/10_9.txt": b"Ten",
    "aclImdb/train/pos/2_9.txt": b"A good,<br /><br />GOOD film. Don't",
    "aclImdb/train/neg/0_1.txt": "a bad caf\u00e9 film".encode(),
    "aclImdb/test/pos/0_8.txt": b"good novelty",
    "aclImdb/test/neg/0_2.txt": b"",
    "aclImdb/test/neg/1_2.txt": b"bad film",
}


# MNIST


def test_mnist_arrays_and_notes(tmp_path):
    content = mnist.parse(write_mnist(tmp_path), SILENT)
    raw = mnist_contents()["train-images-idx3-ubyte.gz"]
    assert content.arrays["train_x"].shape == (5, 1, 28, 28)
    assert content.arrays["train_x"].tobytes() == raw[16:]
    assert content.arrays["test_y"].tolist() == [0, 1, 2]
    components = content.arrays.pop("components")
    assert (components.shape, components.dtype) == ((784, 64), np.float64)
    assert {array.dtype for array in content.arrays.values()} == {np.dtype(np.uint8)}
    assert content.official == {"train": False, "test": False}
    assert content.note.count("is not the official file") == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"train_images": idx(np.zeros((5, 28, 28), np.uint8), magic=2052)},
            "magic number is 2052",
        ),
        ({"train_images": idx(np.zeros((5, 28, 27), np.uint8))}, r"images are \[28, 27\]"),
        ({"train_images": idx(np.zeros((5, 28, 28), np.uint8))[:-1]}, "3919 bytes follow"),
        ({"train_images": idx(np.zeros((0, 28, 28), np.uint8))}, "at least one"),
        ({"train_images": b"\0\0\x08"}, "3 bytes in all"),
        ({"train_labels": idx(np.zeros(4, np.uint8))}, "4 labels; expected one for each of 5"),
        ({"train_labels": idx(np.full(5, 10, np.uint8))}, "label 10"),
    ],
)
def test_mnist_refuses_damage(tmp_path, changed, message):
    with pytest.raises(DataError, match=message) as caught:
        mnist.parse(write_mnist(tmp_path, **changed), SILENT)
    assert str(tmp_path / f"{next(iter(changed)).replace('_', '-')}-idx") in str(caught.value)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: b"<html>404</html>"])
def test_mnist_refuses_a_truncated_or_foreign_gzip(tmp_path, damage):
    files = write_mnist(tmp_path)
    path = files[MNIST_NAMES[0]]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz is damaged"):
        mnist.parse(files, SILENT)


def has_official_mnist() -> bool:
    paths = sources.find(mnist.DATASET).values()
    return len([path for path in paths if path.is_relative_to(OFFICIAL)]) == 4


@pytest.mark.frameworks
@pytest.mark.skipif(not has_official_mnist(), reason="FRAMEBENCH_DATA holds no MNIST")
def test_official_mnist(monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(OFFICIAL))
    folder = datasets.prepare("mnist", source="real")
    info = DatasetInfo.read(folder)
    assert (info.source, info.official, info.note) == ("real", {"train": True, "test": True}, "")
    x, y = (
        np.load(folder / "train_x.npy", allow_pickle=False),
        np.load(folder / "train_y.npy", allow_pickle=False),
    )
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y).tolist() == counts
    assert x.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert x.std(dtype=np.float32) / 255 == pytest.approx(
        0.3081, abs=5e-5
    )  # in float64 it would take 376 MB
    test_y = np.load(folder / "test_y.npy", allow_pickle=False)
    assert np.bincount(test_y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# CIFAR-10


def test_cifar_arrays_do_not_depend_on_compression_and_order(tmp_path):
    members = cifar_members()
    packed = write_tar(tmp_path / "cifar-10-binary.tar.gz", members)
    shuffled = dict(sorted(members.items(), reverse=True))
    repacked = write_tar(tmp_path / "cifar-10-binary.tar.xz", shuffled)
    first, second = (cifar10.parse({"": path}, SILENT) for path in (packed, repacked))
    assert first.arrays["train_x"].shape == (10, 3, 32, 32)
    assert first.arrays["train_y"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    record = members["cifar-10-batches-bin/test_batch.bin"][3073:]
    assert first.arrays["test_x"][1, 2, 31, 31] == record[-1]  # the last blue byte
    assert first.arrays["test_x"][1, 1, 0, 0] == record[1 + 1024]  # the first green byte
    assert split_digest(first.arrays, "train") == split_digest(second.arrays, "train")
    assert not any(first.official.values())
    assert "test_batch.bin is not the official file (sha1 " in first.note


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0" * 3072, "3072 bytes"),
        (b"", "0 bytes"),
        (b"\x0a" + b"\0" * 3072, "label 10"),
        (None, "data_batch_3.bin is missing"),
    ],
)
def test_cifar_refuses_damage(tmp_path, content, message):
    members = cifar_members()
    name = "cifar-10-batches-bin/data_batch_3.bin"
    if content is None:
        del members[name]
    else:
        members[name] = content
    with pytest.raises(DataError, match=message):
        cifar10.parse({"": write_tar(tmp_path / "c.tar.gz", members)}, SILENT)


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_cifar_refuses_a_truncated_archive(tmp_path, suffix):
    path = write_tar(tmp_path / f"cifar-10-binary.tar.{suffix}", cifar_members())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"cifar-10-binary.tar.*damaged"):
        cifar10.parse({"": path}, SILENT)


# IMDB


def test_imdb_tokens(tmp_path):
    content = imdb.parse({"": write_tar(tmp_path / "aclImdb_v1.tar.gz", REVIEWS)}, SILENT)
    # a, film and good occur twice in the training set, the other words once
    words = ["a", "film", "good", "bad", "caf", "don't", "ten"]
    assert content.texts["vocabulary.txt"].split("\n") == [*words, ""]
    number = {word: place + 2 for place, word in enumerate(words)}
    expected = ["a", "bad", "caf", "film", "a", "good", "good", "film", "don't", "ten"]
    arrays = content.arrays
    assert arrays["train_tokens"].tolist() == [number[word] for word in expected]
    assert arrays["train_offsets"].tolist() == [0, 4, 9, 10]  # id 2 before id 10
    assert arrays["train_y"].tolist() == [0, 1, 1]
    assert arrays["test_tokens"].tolist() == [number["bad"], number["film"], number["good"], 1]
    assert arrays["test_offsets"].tolist() == [0, 0, 2, 4]
    assert arrays["test_y"].tolist() == [0, 0, 1]
    kinds = {name: array.dtype.name for name, array in arrays.items() if name.startswith("test")}
    assert kinds == {"test_tokens": "int32", "test_offsets": "int64", "test_y": "uint8"}
    assert content.official == {"train": False, "test": False}


def test_imdb_does_not_depend_on_the_order_in_the_archive(tmp_path):
    turned = dict(reversed(REVIEWS.items()))
    first, second = (
        imdb.parse({"": write_tar(tmp_path / name, members)}, SILENT)
        for name, members in (("1.tar.gz", REVIEWS), ("2.tar.xz", turned))
    )
    assert first.texts == second.texts
    for split in ("train", "test"):
        assert split_digest(first.arrays, split) == split_digest(second.arrays, split)


def test_imdb_needs_both_labels(tmp_path):
    members = {name: text for name, text in REVIEWS.items() if "test/pos" not in name}
    with pytest.raises(DataError, match=r"2 test reviews with labels \[0\]"):
        imdb.parse({"": write_tar(tmp_path / "a.tar.gz", members)}, SILENT)


def test_an_unpacked_folder_reads_like_its_archive(tmp_path):
    for name, content in (REVIEWS | cifar_members()).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    archive = write_tar(tmp_path / "both.tar.gz", REVIEWS | cifar_members())
    for parse, folder in ((imdb.parse, "aclImdb"), (cifar10.parse, "cifar-10-batches-bin")):
        packed, unpacked = parse({"": archive}, SILENT), parse({"": tmp_path / folder}, SILENT)
        assert split_digest(packed.arrays, "train") == split_digest(unpacked.arrays, "train")
        assert split_digest(packed.arrays, "test") == split_digest(unpacked.arrays, "test")


# Hostile archives


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("/etc/framebench-was-here"),
        tarfile.TarInfo("aclImdb/../../out.txt"),
        tarfile.TarInfo(".."),
        tarfile.TarInfo("C:\\out.txt"),
        tarfile.TarInfo("aclImdb\\..\\..\\out.txt"),
        link("aclImdb/train/pos/3_9.txt", "/etc/passwd", tarfile.SYMTYPE),
        link("aclImdb/train/pos/3_9.txt", "aclImdb/README", tarfile.LNKTYPE),
        link("aclImdb/device", "", tarfile.CHRTYPE),
        link("aclImdb/pipe", "", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.type.decode()}",
)
def test_hostile_archives_are_refused(tmp_path, member):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    path = write_tar(inner / "aclImdb_v1.tar.gz", REVIEWS, member)
    with pytest.raises(DataError, match="is refused: its member"):
        imdb.parse({"": path}, SILENT)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_dots_within_a_name_are_allowed(tmp_path):
    members = {**REVIEWS, "./aclImdb/notes..txt": b"", "./aclImdb/train/neg/7_3.txt": b"bad"}
    content = imdb.parse({"": write_tar(tmp_path / "a.tar.gz", members)}, SILENT)
    assert content.arrays["train_y"].tolist() == [
        0,
        0,
        1,
        1,
    ]  # including the member whose name starts with ./


# Finding, preparing, caching


@pytest.mark.parametrize("where", ["mnist", "."])
def test_prepare_reads_the_data_folder_and_does_not_change_it(tmp_path, monkeypatch, where):
    folder = tmp_path / "official"
    write_mnist(folder / where)
    monkeypatch.setenv("FRAMEBENCH_DATA", str(folder))
    before = sorted(folder.rglob("*"))
    (folder / where).chmod(0o555)
    listener = Lines()
    try:
        assert datasets.status("mnist") == f"official files found in {folder / where}"
        prepared = datasets.prepare("mnist", listener=listener)
    finally:
        (folder / where).chmod(0o755)
    assert sorted(folder.rglob("*")) == before
    assert prepared.parent == cache_dir() / "data"
    assert datasets.status("mnist") == "prepared"
    info = DatasetInfo.read(prepared)
    assert (info.name, info.source) == ("mnist", "real")
    loaded = {file.stem: np.load(file, allow_pickle=False) for file in prepared.glob("*.npy")}
    assert loaded.keys() == {"train_x", "train_y", "test_x", "test_y", "components"}
    assert info.digest == {split: split_digest(loaded, split) for split in ("train", "test")}
    assert any("reading train-images" in line for line in listener.lines)
    left = {path.name for path in prepared.parent.iterdir()}
    assert left - {"mnist.lock"} == {prepared.name}  # no temporary folder stays


@pytest.mark.frameworks
def test_prepared_data_are_reused_until_a_source_file_changes(tmp_path, monkeypatch):
    files = write_mnist(tmp_path / "mnist")
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path))
    first = datasets.prepare("mnist")
    stamp = (first / "train_x.npy").stat().st_mtime_ns
    listener = Lines()
    assert datasets.prepare("mnist", listener=listener) == first
    assert listener.lines == ["mnist: ready"]
    assert (first / "train_x.npy").stat().st_mtime_ns == stamp
    os.utime(files[MNIST_NAMES[0]], ns=(1, 1))
    assert datasets.status("mnist").startswith("official files found")
    assert datasets.prepare("mnist") != first


def test_an_incomplete_prepared_folder_is_built_again(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mnist")
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path))
    folder = datasets.prepare("mnist")
    (folder / "dataset.json").unlink()
    (folder / "left-over").touch()
    assert datasets.prepare("mnist") == folder
    assert DatasetInfo.read(folder).name == "mnist"
    assert not (folder / "left-over").exists()


def test_official_names_patterns_and_unpacked_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path))
    unpacked = tmp_path / "cifar-10-batches-bin"
    for name, content in cifar_members().items():
        unpacked.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    source = cifar10.DATASET
    assert list(sources.find(source).values()) == [unpacked]
    before = sources.identity([unpacked])
    os.utime(unpacked / "test_batch.bin", ns=(1, 1))
    assert sources.identity([unpacked]) != before
    (tmp_path / "cifar-10").mkdir()
    archive = write_tar(tmp_path / "cifar-10" / "cifar-10-binary.tar.xz", cifar_members())
    assert list(sources.find(source).values()) == [archive]  # in a folder of its own, and packed
    reviews = write_tar(tmp_path / "aclImdb_v1.tar", REVIEWS)
    assert list(sources.find(imdb.DATASET).values()) == [reviews]


def test_the_folder_of_an_interrupted_download_is_no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path))
    folder = tmp_path / cora.DATASET.files[0].unpacked  # called like the folder of its downloads
    folder.mkdir()
    assert not sources.find(cora.DATASET)
    (folder / ".cora.tgz.0123abcd").touch()  # under way
    assert not sources.find(cora.DATASET)
    (folder / "cora.cites").touch()
    assert list(sources.find(cora.DATASET).values()) == [folder]


def test_damage_is_not_hidden_by_a_twin(tmp_path, monkeypatch):
    write_mnist(tmp_path / "mnist", t10k_labels=b"rubbish")
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte.gz is damaged"):
        datasets.prepare("mnist", source="auto")
    assert not list((cache_dir() / "data").glob("*mnist-*"))


def test_auto_falls_back_to_the_twin_and_real_does_not(monkeypatch):
    small = partial(synthetic.images, mnist.TWIN, train=20, test=10)
    monkeypatch.setattr(mnist, "DATASET", replace(mnist.DATASET, twin=small))
    assert datasets.status("mnist") == "to be downloaded (11.6 MB)"
    with pytest.raises(DataError, match=r"train-images.*proxy.*FRAMEBENCH_DATA"):
        datasets.prepare("mnist", source="real")
    listener = Lines()
    folder = datasets.prepare("mnist", source="auto", listener=listener)
    info = DatasetInfo.read(folder)
    assert (info.source, info.note) == ("synthetic", "synthetic twin")
    assert info.official == {"train": False, "test": False}
    assert any("synthetic twin stands in" in line for line in listener.lines)
    assert datasets.prepare("mnist", source="synthetic") == folder
    assert "synthetic twin prepared" in datasets.status("mnist")


def test_bad_requests():
    assert {"cifar10", "imdb", "mnist"} <= set(datasets.names())
    with pytest.raises(UsageError, match=r"'minst'.*art, cifar10, cora, digits, imdb, mnist"):
        datasets.prepare("minst")
    with pytest.raises(UsageError, match="'minst'"):
        datasets.status("minst")
    with pytest.raises(UsageError, match="'fake'"):
        datasets.prepare("mnist", source="fake")


def test_an_unwritable_cache_is_a_data_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"cannot be written.*FRAMEBENCH_CACHE"):
        datasets.prepare("mnist", source="synthetic")


def test_downloads_go_to_the_data_folder_only_if_it_is_writable(tmp_path, monkeypatch):
    assert sources.download_folder("mnist") == cache_dir() / "downloads" / "mnist"
    (tmp_path / "new").mkdir()
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path / "new"))
    assert sources.download_folder("mnist") == tmp_path / "new" / "mnist"
    assert (tmp_path / "new" / "mnist").is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("FRAMEBENCH_DATA", str(tmp_path / "file" / "data"))
    assert sources.download_folder("mnist") == cache_dir() / "downloads" / "mnist"
    assert datasets.status("mnist") == "to be downloaded (11.6 MB)"


@pytest.mark.parametrize("mistyped", ["mistyped", "file", "file/data"])
def test_a_data_folder_that_does_not_exist_is_named_and_not_made(tmp_path, monkeypatch, mistyped):
    (tmp_path / "file").touch()
    small = partial(synthetic.images, mnist.TWIN, train=20, test=10)
    monkeypatch.setattr(mnist, "DATASET", replace(mnist.DATASET, twin=small))
    folder = tmp_path / mistyped
    monkeypatch.setenv("FRAMEBENCH_DATA", str(folder))
    assert sources.download_folder("mnist") == cache_dir() / "downloads" / "mnist"
    for source in ("auto", "real"):
        with pytest.raises(UsageError, match=f"FRAMEBENCH_DATA names {folder}, and there is no"):
            datasets.prepare("mnist", source=source)
    assert datasets.prepare("mnist", source="synthetic")
    assert not folder.is_dir()


@pytest.mark.parametrize("variable", ["FRAMEBENCH_DATA", "FRAMEBENCH_CACHE"])
def test_the_home_folder_of_an_unknown_user_is_bad_usage(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-that-name/x")
    with pytest.raises(UsageError, match=f"{variable} is ~nobody-of-that-name/x, but there is no"):
        datasets.status("mnist")


def test_a_second_process_waits_and_says_so():
    listener, entered = Lines(), threading.Event()

    def second() -> None:
        with prepared_store.locked("mnist", listener):
            entered.set()

    with prepared_store.locked("mnist", SILENT):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
    thread.join(10)
    assert entered.is_set()
    assert listener.lines == ["mnist: waiting for another process that is preparing it"]


# Downloads, from a server on this machine


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def official_file(*urls: str, content: bytes) -> OfficialFile:
    md5 = hashlib.md5(content).hexdigest()
    return OfficialFile(name="f.gz", urls=urls, md5=md5, size=100, accepts=("f.gz",))


def test_download_takes_the_first_mirror_with_the_right_bytes(tmp_path, server):
    folder, url = server
    (folder / "wrong.gz").write_bytes(b"a page of a captive portal")
    (folder / "right.gz").write_bytes(gzip.compress(b"content", mtime=0))
    file = official_file(
        f"{url}/absent.gz",
        f"{url}/wrong.gz",
        f"{url}/right.gz",
        content=gzip.compress(b"content", mtime=0),
    )
    listener = Lines()
    path = download.fetch(file, tmp_path / "into", subject="mnist", listener=listener)
    assert gzip.decompress(path.read_bytes()) == b"content"
    assert [other.name for other in path.parent.iterdir()] == ["f.gz"]
    assert len(listener.lines) == 3
    assert listener.lines[0] == "mnist: downloading f.gz from 127.0.0.1"


def test_a_failed_download_gives_the_reason_of_each_mirror(tmp_path, server):
    folder, url = server
    (folder / "wrong.gz").write_bytes(b"wrong")
    dead = "http://127.0.0.1:9/f.gz"
    file = official_file(f"{url}/absent.gz", f"{url}/wrong.gz", dead, content=b"right")
    with pytest.raises(DataError) as caught:
        download.fetch(file, tmp_path / "into", subject="mnist", listener=SILENT)
    for reason in (
        "answers HTTP 404",
        "wrong checksum",
        "refuses the connection",
        "FRAMEBENCH_DATA",
    ):
        assert reason in str(caught.value)
    assert not list((tmp_path / "into").iterdir())


def test_prepare_downloads_only_what_is_missing(tmp_path, server, monkeypatch):
    served, url = server
    write_mnist(served)
    files = tuple(
        OfficialFile(
            name=name,
            urls=(f"{url}/{name}",),
            md5=hashlib.md5((served / name).read_bytes()).hexdigest(),
            size=1_000_000,
            accepts=(name,),
        )
        for name in MNIST_NAMES
    )
    monkeypatch.setattr(mnist, "DATASET", replace(mnist.DATASET, files=files))
    own = tmp_path / "own"
    (own / "mnist").mkdir(parents=True)
    shutil.copy(served / MNIST_NAMES[0], own / "mnist")
    monkeypatch.setenv("FRAMEBENCH_DATA", str(own))
    assert datasets.status("mnist") == "to be downloaded (3.0 MB)"
    listener = Lines()
    folder = datasets.prepare("mnist", source="real", listener=listener)
    assert DatasetInfo.read(folder).source == "real"
    assert sum("downloading" in line for line in listener.lines) == 3
    assert sorted(path.name for path in (own / "mnist").iterdir()) == sorted(MNIST_NAMES)


# MovieLens, in its official format


def ratings_text(rows) -> bytes:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


BASE = [(1, 1, 5, 874965758), (943, 1682, 1, 876893171), (2, 7, 3, 888550871)]
TEST = [(1, 20, 4, 887431883), (2, 1, 2, 888551853)]


def write_zip(path, *, base=None, test=None, every=None) -> Path:
    base = ratings_text(BASE) if base is None else base
    test = ratings_text(TEST) if test is None else test
    every = ratings_text(BASE + TEST) if every is None else every
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml-100k/README", "terms")
        archive.writestr("ml-100k/u.data", every)
        archive.writestr("ml-100k/ua.base", base)
        archive.writestr("ml-100k/ua.test", test)
    return path


def test_movielens_is_read_from_its_archive_and_from_its_folder(tmp_path):
    archive = write_zip(tmp_path / "ml-100k.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    for path in (archive, tmp_path / "ml-100k"):
        content = movielens.parse({"ml-100k.zip": path}, SILENT)
        assert content.arrays["train_user"].tolist() == [0, 942, 1]
        assert content.arrays["train_item"].tolist() == [0, 1681, 6]
        assert content.arrays["train_rating"].tolist() == [5, 1, 3]
        assert content.arrays["test_user"].tolist() == [0, 1]
        assert content.official == {"train": False, "test": False}
        assert "u.data is not the official file" in content.note


def test_movielens_is_official_only_as_published(tmp_path, monkeypatch):
    """With a made-up file as the published one: the real one may not be passed on."""
    every, tests = [], []
    for user in range(1, movielens.USERS + 1):
        every += [(user, item, 3, 0) for item in range(1, 13)]
        tests += [(user, item, 3, 0) for item in range(1, 11)]
    bases = sorted(set(every) - set(tests))
    data = ratings_text(every)
    monkeypatch.setattr(movielens, "_OFFICIAL_SHA256", hashlib.sha256(data).hexdigest())
    files = {"base": ratings_text(bases), "test": ratings_text(tests), "every": data}
    content = movielens.parse({"": write_zip(tmp_path / "ml-100k.zip", **files)}, SILENT)
    assert (content.official, content.note) == ({"train": True, "test": True}, "")
    other = dict(files, base=files["base"].replace(b"\t3\t", b"\t4\t", 1))
    content = movielens.parse({"": write_zip(tmp_path / "other.zip", **other)}, SILENT)
    assert content.note == "ua.base and ua.test together are not u.data"
    swapped = dict(files, base=ratings_text([*bases[1:], tests[0]]))
    swapped["test"] = ratings_text([*tests[1:], bases[-1]])
    swapped["base"] = ratings_text([*bases[:-1], tests[0]])
    content = movielens.parse({"": write_zip(tmp_path / "swapped.zip", **swapped)}, SILENT)
    assert content.note == "ua.test does not have 10 ratings of each user"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (b"", "fields"),
        (b"1\t2\t3\n", "fields"),
        (b"1\tx\t3\t0\n", "invalid literal"),
        (b"0\t2\t3\t0\n", "users, items and ratings"),
        (b"1\t1683\t3\t0\n", "users, items and ratings"),
        (b"1\t2\t6\t0\n", "users, items and ratings"),
    ],
)
def test_damaged_ratings_are_refused(tmp_path, rows, why):
    with pytest.raises(DataError, match=why):
        movielens.parse({"": write_zip(tmp_path / "ml-100k.zip", test=rows)}, SILENT)


def test_a_hostile_zip_is_refused(tmp_path, monkeypatch):
    link = zipfile.ZipInfo("ml-100k/link")
    link.external_attr = 0o120777 << 16
    for member, why in ((link, "link or a device"), ("../evil", "path outside")):
        path = write_zip(tmp_path / "hostile.zip")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(member, "x")
        with pytest.raises(DataError, match=why):
            movielens.parse({"": path}, SILENT)
    path = write_zip(tmp_path / "cut.zip")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="damaged"):
        movielens.parse({"": path}, SILENT)
    monkeypatch.setattr(movielens, "_MOST_UNPACKED", 10)
    with pytest.raises(DataError, match="claims"):
        movielens.parse({"": write_zip(tmp_path / "large.zip")}, SILENT)


# Chest X-rays


def write_xrays(path, *, compression=zipfile.ZIP_DEFLATED, **replaced) -> Path:
    """Three pictures of 20 x 10 to train with, and two to test; or other arrays, None for none."""
    arrays = {
        "train_images": np.arange(600, dtype=np.uint8).reshape(3, 20, 10),
        "train_labels": np.array([[0], [1], [1]], np.uint8),
        "val_images": np.zeros((1, 20, 10), np.uint8),
        "test_images": np.full((2, 20, 10), 7, np.uint8),
        "test_labels": np.array([[1], [0]], np.uint8),
    }
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in (arrays | replaced).items():
            if array is None:
                continue
            stream = io.BytesIO()
            np.save(stream, array)
            content = stream.getvalue()
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else content)
    return path


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]
)
def test_xrays_are_padded_with_black(tmp_path, compression):
    path = write_xrays(tmp_path / "chest-xray.npz", compression=compression)
    content = xray.parse({"": path}, SILENT)
    arrays = content.arrays
    assert arrays["train_x"].shape == (3, 1, 256, 256) and arrays["test_x"].shape[0] == 2
    inner = arrays["train_x"][:, 0, 118:138, 123:133]
    assert (inner == np.arange(600, dtype=np.uint8).reshape(3, 20, 10)).all()
    assert arrays["train_x"].sum(dtype=int) == inner.sum(dtype=int)
    assert arrays["train_y"].tolist() == [0, 1, 1] and arrays["test_y"].tolist() == [1, 0]
    assert content.official == {"train": False, "test": False}
    assert content.note.startswith("chest-xray.npz is not pneumoniamnist_224.npz (md5 ")


def test_xrays_are_official_only_as_published(tmp_path, monkeypatch):
    """With a made-up file as the published one, which is too large for the tests."""
    path = write_xrays(tmp_path / "pneumoniamnist_224.npz")
    monkeypatch.setattr(xray, "_OFFICIAL_MD5", hashlib.md5(path.read_bytes()).hexdigest())
    content = xray.parse({"": path}, SILENT)
    assert (content.official, content.note) == ({"train": True, "test": True}, "")


@pytest.mark.parametrize(
    ("replaced", "why"),
    [
        ({"test_labels": None}, "test_labels.npy is missing"),
        ({"train_images": np.zeros((3, 257, 10), np.uint8)}, "its images have the shape"),
        ({"train_images": np.zeros((3, 20, 10, 3), np.uint8)}, "its images have the shape"),
        ({"train_images": np.zeros((3, 20, 10), np.int16)}, "its images have the shape"),
        ({"train_images": np.zeros((3, 20, 10))}, "train_images.npy has the shape"),
        ({"train_images": np.array([None])}, "train_images.npy has the shape"),
        ({"train_images": b"no array"}, "train_images.npy is no array"),
        ({"train_labels": np.zeros((2, 1), np.uint8)}, "its labels have the shape"),
        ({"train_labels": np.zeros(3, np.uint8)}, "its labels have the shape"),
        ({"train_labels": np.full((3, 1), 2, np.uint8)}, "from 2 to 2"),
    ],
)
def test_damaged_xrays_are_refused(tmp_path, replaced, why):
    with pytest.raises(DataError, match=why):
        xray.parse({"": write_xrays(tmp_path / "xray.npz", **replaced)}, SILENT)


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 20, 10), np.uint8))
    content = stream.getvalue().replace(b"(3, 20, 10), ", b"(3, 9**9, 1),")
    claimed = stream.getvalue().replace(b"(3, 20, 10), }", b"(3, 20, 99), }")
    for changed in (content, claimed):
        assert changed != stream.getvalue()
        with pytest.raises(DataError, match="train_images"):
            xray.parse({"": write_xrays(tmp_path / "xray.npz", train_images=changed)}, SILENT)


def test_a_zip_of_another_compression_is_refused(tmp_path):
    path = write_xrays(tmp_path / "xray.npz", compression=zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match="none of none, deflate, LZMA"):
        xray.parse({"": path}, SILENT)


# Tiny Shakespeare


def shakespeare_text(size=6_000) -> bytes:
    """A text of 65 different characters, each of which comes every so often."""
    return (bytes(range(32, 32 + shakespeare.CHARACTERS)) * (size // 65 + 1))[:size]


def test_shakespeare_is_cut_into_a_beginning_and_an_end(tmp_path):
    path = tmp_path / "input.txt"
    path.write_bytes(shakespeare_text())
    content = shakespeare.parse({"input.txt": path}, SILENT)
    arrays = content.arrays
    assert len(arrays["train_text"]) == 5_400 and len(arrays["test_text"]) == 600
    assert arrays["train_text"][:3].tolist() == [0, 1, 2]
    assert arrays["test_text"][0] == 5_400 % 65  # goes on where the other ends
    assert arrays["train_text"].max() == 64 and arrays["train_text"].dtype == np.uint8
    # An excerpt of 256 characters from the last start still has a character behind it.
    assert arrays["train_starts"].tolist() == list(range(5_400 - 256))
    assert arrays["test_starts"].tolist() == [0, 64, 128, 192, 256, 320]
    assert content.official == {"train": False, "test": False}
    assert content.note == "input.txt is not the official file"


@pytest.mark.skipif(not (OFFICIAL / "shakespeare").is_dir(), reason="needs the official file")
def test_official_shakespeare():
    file = OFFICIAL / "shakespeare" / "input.txt"
    content = shakespeare.parse({"input.txt": file}, SILENT)
    assert content.official == {"train": True, "test": True} and not content.note
    assert len(content.arrays["train_text"]) == 1_003_854
    alphabet = sorted(set(file.read_bytes()))
    first = bytes(alphabet[each] for each in content.arrays["train_text"][:13])
    assert first == b"First Citizen"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "0 different characters"),
        (shakespeare_text()[:64], "64 different characters"),
        (shakespeare_text() + b"\x00", "66 different characters"),
        (shakespeare_text(5_000), "5,000 characters"),
    ],
)
def test_another_text_is_refused(tmp_path, text, why):
    path = tmp_path / "input.txt"
    path.write_bytes(text)
    with pytest.raises(DataError, match=why):
        shakespeare.parse({"input.txt": path}, SILENT)


# Spoken digits


def sound(samples, *, rate=8000, channels=1, width=2) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as written:
        written.setnchannels(channels)
        written.setsampwidth(width)
        written.setframerate(rate)
        written.writeframes(np.asarray(samples, "<i2").tobytes())
    return stream.getvalue()


def tone(frequency, samples) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * frequency * np.arange(samples) / 8000)


def write_digits(path, *, top="free-spoken-digit-dataset-1.0.10", **replaced) -> Path:
    """Two speakers who say each digit once for each set; or other bytes by a name."""
    recordings = {
        f"{digit}_{speaker}_{index}": sound(tone(200 + 100 * digit, 2000 + 160 * digit))
        for digit in range(10)
        for speaker in ("ann", "bob")
        for index in (0, 5)
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (recordings | replaced).items():
            member = tarfile.TarInfo(f"{top}/recordings/{name}.wav")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_tone_is_loudest_in_its_own_band():
    for frequency in (150, 440, 1000, 3000):
        frames = digits.log_mel(digits.windows_of(tone(frequency, 4000)))
        assert frames.shape == (1 + (4000 - 200) // 80, digits.FEATURES)
        pitch = 2595 * np.log10(1 + frequency / 700)
        width = 2595 * np.log10(1 + 4000 / 700) / (digits.FEATURES + 1)
        assert set(frames.argmax(axis=1)) <= {round(pitch / width) - 1, int(pitch / width) - 1}
    assert digits.log_mel(digits.windows_of(np.zeros(10))).shape == (1, digits.FEATURES)
    assert np.isfinite(digits.log_mel(digits.windows_of(np.zeros(10)))).all()


def test_recordings_are_joined_and_spelt(tmp_path):
    for top in ("free-spoken-digit-dataset-1.0.10", "fsdd"):
        content = digits.parse({"": write_digits(tmp_path / "digits.tar.gz", top=top)}, SILENT)
    arrays = content.arrays
    assert (content.official["train"], content.note) == (
        False,
        "40 recordings are not those of v1.0.10",
    )
    symbols = {number: symbol for symbol, number in digits.SYMBOLS.items()}
    for split, times in (("train", 8), ("test", 3)):
        offsets, letters = arrays[f"{split}_letter_offsets"], arrays[f"{split}_letters"]
        texts = [
            "".join(symbols[letter] for letter in letters[start:stop].tolist())
            for start, stop in itertools.pairwise(offsets)
        ]
        words = [text.split() for text in texts]
        assert {len(each) for each in words} == {2, 3, 4}
        said = [word for each in words for word in each]
        assert set(said) == set(digits.DIGITS)
        assert max(map(said.count, digits.DIGITS)) <= 2 * times
        frames = np.diff(arrays[f"{split}_frame_offsets"])
        assert frames.max() <= digits.FRAMES and len(frames) == len(texts)
        expected = [
            sum(1 + (1800 + 160 * digits.DIGITS.index(word)) // 80 for word in each)
            for each in words
        ]
        assert frames.tolist() == expected
    kept = arrays["train_frames"] / digits.SCALE
    assert kept.dtype == np.float64 and arrays["train_frames"].dtype == np.int16
    assert abs(kept.mean()) < 0.2 and 0.5 < kept.std() < 2


@pytest.mark.parametrize(
    ("replaced", "why"),
    [
        ({"0_ann_5": b"no sound"}, "0_ann_5.wav"),
        ({"0_ann_5": sound(np.zeros(2000), rate=16_000)}, "16000 Hz"),
        ({"0_ann_5": sound(np.zeros(2000), channels=2)}, "2 x 8000 Hz"),
        ({"0_ann_5": sound([])}, "0 bytes"),
    ],
)
def test_damaged_recordings_are_refused(tmp_path, replaced, why):
    with pytest.raises(DataError, match=why):
        digits.parse({"": write_digits(tmp_path / "digits.tar.gz", **replaced)}, SILENT)


def test_recordings_of_both_sets_are_needed(tmp_path):
    path = tmp_path / "digits.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("fsdd/README"))
    with pytest.raises(DataError, match="without those of a test or a training set"):
        digits.parse({"": path}, SILENT)


@pytest.mark.frameworks
@pytest.mark.skipif(not (OFFICIAL / "fsdd").is_dir(), reason="needs the official files")
def test_official_digits(monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(OFFICIAL))
    (path,) = sources.find(digits.DATASET).values()
    content = digits.parse({"": path}, SILENT)
    assert content.official == {"train": True, "test": True} and not content.note
    examples = len(content.arrays["train_letter_offsets"]) - 1
    assert 4_000 < examples < 8 * 2_700 // 2


# Cora, in its official format


PAPER_CLASSES = [f"class {place % 7}" for place in range(cora.PAPERS)]


def write_cora(path, *, words=None, classes=PAPER_CLASSES, cites=b"1\t9\n9\t1\n3\t1\n") -> Path:
    """A paper's number is its place and 1; it uses the word of its place, and the next one."""
    flags = np.zeros((cora.PAPERS, cora.WORDS), np.uint8)
    places = np.arange(cora.PAPERS)
    for ahead in (0, 1):
        flags[places, (places + ahead) % cora.WORDS] = 1
    flags = flags if words is None else words(flags)
    lines = [
        "\t".join([str(place + 1), *map(str, row), name])
        for place, (row, name) in enumerate(zip(flags.tolist(), classes, strict=True))
    ]
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (
            ("cora.content", "\n".join(lines).encode()),
            ("cora.cites", cites),
        ):
            member = tarfile.TarInfo(f"cora/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_graph_is_normalized_and_its_papers_are_split(tmp_path):
    content = cora.parse({"": write_cora(tmp_path / "cora.tgz")}, SILENT)
    assert content.official == {"train": False, "test": False}
    assert content.note == "not the official file: cora.content, cora.cites"
    arrays = content.arrays
    links = np.zeros((cora.PAPERS, cora.PAPERS))
    links[tuple(arrays["train_links"].astype(int).T)] = arrays["train_link_values"]
    # Papers 1, 3 and 9: a citation counts once, whoever cites, and each paper is its own neighbour.
    assert links[0, [0, 2, 8]] == pytest.approx([1 / 3, 6**-0.5, 6**-0.5])
    assert links[2, [0, 2]] == pytest.approx([6**-0.5, 1 / 2])
    assert links[1, 1] == 1 and len(arrays["train_links"]) == cora.PAPERS + 4
    assert (links == links.T).all()
    assert arrays["train_words"][:2].tolist() == [[0, 0], [0, 1]]
    assert set(arrays["train_word_values"].tolist()) == {0.5}
    train, test = arrays["train_y"], arrays["test_y"]
    assert train.shape == (cora.STEPS, cora.PAPERS) and test.shape == (1, cora.PAPERS)
    assert (train == train[0]).all()
    known = np.arange(cora.PAPERS) % 7
    assert (train[0][:140] == known[:140]).all() and (train[0][140:] == -1).all()
    assert (test[0][500:1500] == known[500:1500]).all()
    assert (test[0] >= 0).sum() == 1000


def without_a_word(flags):
    return np.delete(flags, 0, axis=1)


def with_a_two(flags):
    flags[5, 5] = 2
    return flags


def with_an_empty_paper(flags):
    flags[5] = 0
    return flags


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"words": without_a_word}, r"2708 lines of \[1434\] fields"),
        ({"words": with_a_two}, "values that are not 0 or 1"),
        ({"words": with_an_empty_paper}, "a paper without words"),
        ({"classes": ["one class"] * cora.PAPERS}, "2708 papers of 1 classes"),
        ({"cites": b"1\t2709\n"}, "not two papers"),
        ({"cites": b"1\n"}, "not two papers"),
        ({"cites": b""}, "is empty"),
    ],
)
def test_a_damaged_graph_is_refused(tmp_path, changed, why):
    with pytest.raises(DataError, match=why):
        cora.parse({"": write_cora(tmp_path / "cora.tgz", **changed)}, SILENT)


def test_both_files_of_a_graph_are_needed(tmp_path):
    path = tmp_path / "cora.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("cora/cora.content"))
    with pytest.raises(DataError, match=r"cora\.cites is missing"):
        cora.parse({"": path}, SILENT)


@pytest.mark.frameworks
@pytest.mark.skipif(not (OFFICIAL / "cora").is_dir(), reason="needs the official files")
def test_official_cora(monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(OFFICIAL))
    (path,) = sources.find(cora.DATASET).values()
    content = cora.parse({"": path}, SILENT)
    assert content.official == {"train": True, "test": True} and not content.note
    fields = tasks.load("cora-gcn").fields
    assert [len(content.arrays[f"train_{name}"]) for name in ("words", "links")] == [
        fields["words"].shape[0],
        fields["links"].shape[0],
    ]


# Pictures, in their official formats


def write_pictures(folder, *, content: Image.Image, style: Image.Image) -> dict[str, Path]:
    paths = {}
    for file, image in zip(art.DATASET.files, (content, style), strict=True):
        image.save(folder / file.name)
        paths[file.name] = folder / file.name
    return paths


def test_the_middle_of_a_picture_is_resized(tmp_path):
    content = Image.new("RGBA", (600, 256), "white")
    content.paste("red", (172, 0, 428, 256))  # the square in the middle
    content.paste("lime", (300, 0, 428, 256))  # its right half
    style = Image.new("L", (128, 300), 100)
    parsed = art.parse(write_pictures(tmp_path, content=content, style=style), SILENT)
    assert parsed.official == {"train": False, "test": False}
    assert parsed.note == "not the official file: astronaut.png, starry_night_google.jpg"
    arrays = parsed.arrays
    assert arrays["train_content"].shape == (art.STEPS, 3, 128, 128)
    assert arrays["test_style"].shape == (1, 3, 128, 128)
    assert arrays["train_content"].dtype == np.uint8
    red, green, blue = arrays["test_content"][0]
    assert (red[:, :60] == 255).all() and (red[:, 68:] == 0).all()
    assert (green[:, :60] == 0).all() and (green[:, 68:] == 255).all() and (blue == 0).all()
    assert np.abs(arrays["test_style"].astype(int) - 100).max() <= 1
    for name in ("content", "style"):
        assert (arrays[f"train_{name}"] == arrays[f"test_{name}"]).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot identify image file"),
        (b"GIF89a", "cannot identify image file"),
        ((127, 500), "127 x 500 pixels"),
        ((8200, 8200), "8200 x 8200 pixels"),
    ],
)
def test_a_damaged_picture_is_refused(tmp_path, content, why):
    small = Image.new("L", (128, 128))
    paths = write_pictures(tmp_path, content=small, style=small)
    if isinstance(content, bytes):
        paths["astronaut.png"].write_bytes(content)
    else:
        Image.new("1", content).save(paths["astronaut.png"])
    with pytest.raises(DataError, match=why):
        art.parse(paths, SILENT)


def test_a_picture_that_ends_early_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)
    image = Image.fromarray(noise)
    paths = write_pictures(tmp_path, content=image, style=image)
    whole = paths["astronaut.png"].read_bytes()
    paths["astronaut.png"].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"astronaut\.png"):
        art.parse(paths, SILENT)


@pytest.mark.skipif(not (OFFICIAL / "pictures").is_dir(), reason="needs the official files")
def test_official_pictures(monkeypatch):
    monkeypatch.setenv("FRAMEBENCH_DATA", str(OFFICIAL))
    content = art.parse(sources.find(art.DATASET), SILENT)
    assert content.official == {"train": True, "test": True} and not content.note
    # Whatever a decoder rounds: the night is blue.
    red, _, blue = content.arrays["test_style"][0].astype(int)
    assert blue.mean() > red.mean() + 20
    assert content.arrays["test_content"].std() > 50


# Multi30k, in its official format


CAPTIONS = {
    "train.en.gz": "A dog's ball.\nTwo dogs, a dog\nA T-shirt\n",
    "train.fr.gz": "L'herbe \u2019un\u2019 chien.\nDeux chiens\nUn \u0152uf \u00c9T\u00c9\n",
    "test_2016_flickr.en.gz": "A cat.",
    "test_2016_flickr.fr.gz": "Un chat de l\u2019herbe.\n",
}


def write_multi30k(folder: Path, **changed: bytes) -> dict[str, Path]:
    """Four files of sentences; `changed` gives other content by the start of the file name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in CAPTIONS.items():
        key = name.removesuffix(".gz").replace(".", "_")
        (folder / name).write_bytes(gzip.compress(changed.get(key, text.encode())))
    return {name: folder / name for name in CAPTIONS}


def test_multi30k_words_and_numbers(tmp_path):
    content = multi30k.parse(write_multi30k(tmp_path), SILENT)
    # a occurs three times, dog once without and once with its apostrophe
    english = ["a", ",", "-", ".", "ball", "dog", "dog'", "dogs", "s", "shirt", "t", "two"]
    french = ["chien", "chiens", "deux", "herbe", "l'", "un", "un'", "\u00e9t\u00e9", "\u0153uf"]
    french = ["'", ".", *french]
    assert content.texts["vocabulary_en.txt"].split("\n") == [*english, ""]
    assert content.texts["vocabulary_fr.txt"].split("\n") == [*french, ""]
    assert content.texts["test_fr.txt"] == "un chat de l' herbe .\n"
    number = {word: place + 4 for place, word in enumerate(english)}
    arrays = content.arrays
    expected = ["a", "dog'", "s", "ball", ".", "two", "dogs", ",", "a", "dog"]
    assert arrays["train_en"].tolist() == [
        number[word] for word in [*expected, "a", "t", "-", "shirt"]
    ]
    assert arrays["train_en_offsets"].tolist() == [0, 5, 10, 14]
    assert arrays["test_en"].tolist() == [number["a"], 1, number["."]]
    number = {word: place + 4 for place, word in enumerate(french)}
    assert arrays["test_fr"].tolist() == [
        *(number["un"], 1, 1, number["l'"], number["herbe"], number["."])
    ]
    assert arrays["train_fr_offsets"].tolist() == [0, 6, 8, 11]
    kinds = {name: array.dtype.name for name, array in arrays.items() if name.startswith("test")}
    offsets = {"test_en_offsets": "int64", "test_fr_offsets": "int64"}
    assert kinds == {"test_en": "int32", "test_fr": "int32", **offsets}
    assert content.official == {"train": False, "test": False}
    assert content.note.count("is not the official file") == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_en": b"A dog\n\nTwo dogs"}, r"train\.en\.gz.*line 2 has no word"),
        ({"test_2016_flickr_fr": b""}, r"flickr\.fr\.gz.*line 1 has no word"),
        ({"train_fr": b"Un chien\nDeux chiens\n"}, "it has 2 lines; expected one for each of 3"),
        ({"train_fr": b"Un \xff\nDeux\nTrois\n"}, r"train\.fr\.gz.*can't decode"),
    ],
)
def test_multi30k_refuses_damage(tmp_path, changed, message):
    with pytest.raises(DataError, match=message):
        multi30k.parse(write_multi30k(tmp_path, **changed), SILENT)


def test_multi30k_is_official_only_as_published(tmp_path, monkeypatch):
    hashes = {
        name.removesuffix(".gz"): hashlib.md5(text.encode()).hexdigest()
        for name, text in CAPTIONS.items()
    }
    monkeypatch.setattr(multi30k, "_OFFICIAL_MD5", hashes)
    content = multi30k.parse(write_multi30k(tmp_path), SILENT)
    assert (content.official, content.note) == ({"train": True, "test": True}, "")
    files = write_multi30k(tmp_path, test_2016_flickr_en=b"A dog.\n")
    content = multi30k.parse(files, SILENT)
    assert content.official == {"train": True, "test": False}
    assert "test_2016_flickr.en is not the official file (md5 of its content" in content.note


# Synthetic twins


def small_twins() -> dict[str, Content]:
    return {
        "mnist": synthetic.images(mnist.TWIN, train=2_100, test=50),
        "cifar10": synthetic.images(cifar10.TWIN, train=60, test=50),
        "imdb": imdb.twin(train=400, test=100),
        "movielens": movielens.twin(train=400, test=100),
        "multi30k": multi30k.twin(train=400, test=100),
        "shakespeare": shakespeare.twin(size=20_000),
        "digits": digits.twin(each={"train": 4, "test": 2}),
        "xray": synthetic.images(xray.TWIN, train=130, test=20),
        "cora": cora.twin(),
        "art": art.twin(),
    }


def test_twins_are_the_same_on_every_machine():
    digests = {
        name: split_digest(twin.arrays, "train")[:16] for name, twin in small_twins().items()
    }
    assert digests == {
        "mnist": "381644545978200b",
        "cifar10": "c5b6a8d3a43c0891",
        "imdb": "d75bb001a854dfb9",
        "movielens": "1bbc261e18291b2b",
        "shakespeare": "c5e07ecc81ab6cbc",
        "multi30k": "6999cf2317fd2aca",
        "xray": "8d82d5fb5dbc1d2b",
        "digits": "74366bb53830005c",
        "cora": "2d85f79115a920af",
        "art": "e0a06d9f91736809",
    }


def test_the_twin_of_the_pictures_is_two_of_them():
    arrays = art.twin().arrays
    assert arrays["train_content"].shape == (art.STEPS, 3, 128, 128)
    assert arrays["test_style"].shape == (1, 3, 128, 128)
    assert 40 < arrays["test_content"].std() < 100 and 40 < arrays["test_style"].std() < 100
    assert (arrays["test_content"] != arrays["test_style"]).mean() > 0.5


def test_twins_have_the_shapes_and_types_of_the_real_data():
    twins = small_twins()
    for name, shape in (("mnist", (1, 28, 28)), ("cifar10", (3, 32, 32))):
        arrays = twins[name].arrays
        assert arrays["test_x"].shape == (50, *shape)
        assert arrays["test_x"].dtype == arrays["test_y"].dtype == np.uint8
        assert set(arrays["test_y"].tolist()) == set(range(10))
        assert 0.15 < arrays["test_x"].std() / 255 < 0.35
        assert split_digest(arrays, "train") != split_digest(arrays, "test")
    counts = [(kind.train, kind.test) for kind in (mnist.TWIN, cifar10.TWIN)]
    assert counts == [(60_000, 10_000), (50_000, 10_000)]
    arrays = twins["imdb"].arrays
    lengths = np.diff(arrays["train_offsets"])
    assert lengths.min() >= 45
    assert len(set(lengths.tolist())) > 100
    assert arrays["train_offsets"][-1] == len(arrays["train_tokens"])
    assert np.bincount(arrays["train_y"]).tolist() == [200, 200]
    assert arrays["train_tokens"].min() == 2
    assert 1 in arrays["test_tokens"]
    arrays = twins["movielens"].arrays
    assert arrays["train_user"].max() < movielens.USERS
    assert arrays["train_item"].max() < movielens.ITEMS
    assert set(arrays["train_rating"].tolist()) == {1, 2, 3, 4, 5}
    arrays = twins["multi30k"].arrays
    for language in ("en", "fr"):
        lengths = np.diff(arrays[f"train_{language}_offsets"])
        assert len(lengths) == 400 and lengths.min() == 3 and lengths.max() > 19
        assert arrays[f"train_{language}"].min() == 4
        assert 1 in arrays[f"test_{language}"]
    arrays = twins["xray"].arrays
    assert arrays["train_x"].shape == (130, 1, 256, 256)
    assert set(arrays["test_y"].tolist()) == {0, 1}
    assert 0.15 < arrays["test_x"].std() / 255 < 0.35
    arrays = twins["digits"].arrays
    assert arrays["train_frames"].dtype == np.int16
    assert arrays["train_frames"].shape == (arrays["train_frame_offsets"][-1], digits.FEATURES)
    assert np.diff(arrays["train_letter_offsets"]).min() >= 2
    assert set(arrays["train_letters"].tolist()) == set(map(digits.SYMBOLS.get, "zeroniwthfuvsxg "))
    fields = tasks.load("cora-gcn").fields
    for name, values in (("words", "word_values"), ("links", "link_values")):
        pairs = twins["cora"].arrays[f"train_{name}"].astype(int)
        assert len(pairs) == fields[name].shape[0]
        assert len(np.unique(pairs, axis=0)) == len(pairs)
        assert (pairs.max(axis=0) + 1).tolist() == list(fields[name].matrix)
        assert twins["cora"].arrays[f"test_{values}"].shape == (len(pairs),)
    labels = twins["cora"].arrays["train_y"][0][:140]
    assert np.bincount(labels).tolist() == [19, 18, 27, 12, 24, 20, 20]
    arrays = twins["shakespeare"].arrays
    assert (len(arrays["train_text"]), len(arrays["test_text"])) == (18_000, 2_000)
    assert arrays["train_text"].dtype == np.uint8
    assert len(np.unique(arrays["train_text"])) == shakespeare.CHARACTERS


def test_a_made_up_text_follows_a_grammar():
    """Four words at most follow a word, so characters depend on more than the one before."""
    text = shakespeare.twin(size=200_000).arrays["train_text"].tobytes()
    words = text.split(b"\0")[:-1]
    following = {}
    for word, after in itertools.pairwise(words):
        following.setdefault(word, set()).add(after)
    assert len(following) > 300
    # Two words may be spelt alike.
    assert np.mean([len(after) <= 4 for after in following.values()]) > 0.9


def test_a_translation_of_the_twin_depends_on_order_and_gender():
    twin = multi30k.twin(train=400, test=100)
    pairs = []
    for language in ("en", "fr"):
        words = twin.texts[f"vocabulary_{language}.txt"].split()
        tokens = [words[token - 4] for token in twin.arrays[f"train_{language}"]]
        pairs.append(np.split(tokens, twin.arrays[f"train_{language}_offsets"][1:-1]))
    seen = set()
    for english, french in zip(*pairs, strict=True):
        for place in np.flatnonzero(english == "the"):
            adjective, noun = english[place + 1 : place + 3]
            translated = [f"nom{noun[4:]}", f"{adjective}{french[place][1]}"]
            assert french[place + 1 : place + 3].tolist() == translated
            assert french[place] == ("le" if int(noun[4:]) % 3 == 0 else "la")
            seen.add(french[place])
    assert seen == {"le", "la"}


def test_the_order_of_two_markers_decides_the_label_of_a_text():
    twin = imdb.twin(train=400, test=100)
    words = twin.texts["vocabulary.txt"].split()
    offsets, tokens = twin.arrays["train_offsets"], twin.arrays["train_tokens"]
    for label, start, stop in zip(twin.arrays["train_y"], offsets, offsets[1:], strict=False):
        text = [words[token - 2] for token in tokens[max(start, stop - 50) : stop]]
        markers = [word.rstrip("0123456789") for word in text if not word.startswith("word")]
        assert markers == (["bad", "good"] if label else ["good", "bad"])


def test_the_image_twin_can_be_learned_but_not_by_class_means():
    arrays = synthetic.images(mnist.TWIN, train=4_000, test=500).arrays
    x, y = (arrays[f"train_{part}"] for part in "xy")
    means = np.stack([x[y == label].mean(axis=0) for label in range(10)]).reshape(10, -1)
    test = arrays["test_x"].reshape(500, -1).astype(float)
    distances = (means**2).sum(axis=1) - 2 * test @ means.T
    accuracy = (distances.argmin(axis=1) == arrays["test_y"]).mean()
    assert 0.3 < accuracy < 0.95
