"""Prepared data that are damaged on the disk count as missing, and are made anew with a line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import datasets
from bench.core.dataset_info import DatasetInfo
from bench.core.errors import DataError
from bench.core.listener import Silent
from bench.datasets.common import prepared_store
from bench.launch.catalogue import TREE
from tests.test_data import REVIEWS, write_mnist, write_tar


class Outcomes(Silent):
    """Keeps how each subject ended."""

    def __init__(self) -> None:
        self.by_subject: dict[str, str] = {}

    def finished(self, subject: str, outcome: str) -> None:
        self.by_subject[subject] = outcome


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache and a data folder with small MNIST and IMDB sets, which tests must not change."""
    root = tmp_path_factory.mktemp("prepared")
    write_mnist(root / "official" / "mnist")
    write_tar(root / "official" / "aclImdb_v1.tar.gz", REVIEWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRAMEBENCH_CACHE", str(root / "cache"))
        patch.setenv("FRAMEBENCH_DATA", str(root / "official"))
        for name in ("mnist", "imdb"):
            datasets.prepare(name)
    return root


@pytest.fixture
def cache(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that cache, which is in use."""
    shutil.copytree(prepared / "cache", tmp_path / "cache")
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FRAMEBENCH_DATA", str(prepared / "official"))
    return tmp_path / "cache"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def flip(file: Path, *, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def zero(file: Path, *, start: int, stop: int) -> None:
    data = bytearray(file.read_bytes())
    data[start:stop] = bytes(len(data[start:stop]))
    file.write_bytes(data)


def swap(one: Path, other: Path) -> None:
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def without_permission(folder: Path) -> None:
    folder.chmod(0)
    if os.access(folder, os.R_OK):  # root may read it: the nearest that it may not
        (folder / "train_x.npy").unlink()
        (folder / "train_x.npy").mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped byte": lambda folder: flip(folder / "train_x.npy", at=1000),
    "a flipped byte in a header": lambda folder: flip(folder / "test_y.npy", at=100),
    "zeros": lambda folder: zero(folder / "train_x.npy", start=800, stop=1600),
    "cut off": lambda folder: os.truncate(folder / "train_x.npy", 500),
    "empty": lambda folder: os.truncate(folder / "train_y.npy", 0),
    "swapped": lambda folder: swap(folder / "train_x.npy", folder / "test_x.npy"),
    "an array is missing": lambda folder: (folder / "test_x.npy").unlink(),
    "no permission": without_permission,
    "about: empty": lambda folder: os.truncate(folder / "dataset.json", 0),
    "about: torn": lambda folder: os.truncate(folder / "dataset.json", 40),
    "about: another type": lambda folder: (folder / "dataset.json").write_text("[1]"),
    "about: missing": lambda folder: (folder / "dataset.json").unlink(),
    "listing: empty": lambda folder: os.truncate(folder / "files.json", 0),
    "listing: torn": lambda folder: os.truncate(folder / "files.json", 100),
    "listing: no files": lambda folder: (folder / "files.json").write_text("{}"),
    "listing: another type": lambda folder: (folder / "files.json").write_text('{"a": 1}'),
    "listing: not text": lambda folder: (folder / "files.json").write_bytes(b"\xff\x00"),
    "a file in place of the folder": lambda folder: (shutil.rmtree(folder), folder.touch()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_data_are_made_anew_and_said(cache: Path, damage: Callable[[Path], object]) -> None:
    (folder,) = (cache / "data").glob("mnist-*/")
    intact = contents(folder)
    damage(folder)
    outcomes = Outcomes()
    assert datasets.prepare("mnist", listener=outcomes) == folder
    assert contents(folder) == intact
    assert f"{folder} is damaged and made anew: " in outcomes.by_subject["mnist"]
    assert datasets.prepare("mnist", listener=outcomes) == folder
    assert outcomes.by_subject["mnist"] == "ready"


def test_texts_count_as_much_as_arrays(cache: Path) -> None:
    (folder,) = (cache / "data").glob("imdb-*/")
    flip(folder / "vocabulary.txt", at=2)
    outcomes = Outcomes()
    datasets.prepare("imdb", listener=outcomes)
    assert "vocabulary.txt is not what was written" in outcomes.by_subject["imdb"]
    assert prepared_store.fault(folder) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"name": "mnist"}', '{"a": 1}', "\x00"])
def test_a_worker_names_a_folder_that_holds_no_data(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="holds no prepared data set"):
        DatasetInfo.read(tmp_path)


# Ends itself between the last file and the new name, as a power cut would.
KILLED = """
import os, signal
from pathlib import Path
from bench import datasets
Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
datasets.prepare("mnist")
"""


@pytest.mark.frameworks
def test_a_kill_while_data_are_written_leaves_nothing_that_counts(cache: Path) -> None:
    (folder,) = (cache / "data").glob("mnist-*/")
    shutil.rmtree(folder)
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    done = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    assert done.returncode == -9 and not folder.exists()
    assert list((cache / "data").glob(".mnist-*"))
    assert "official files found" in datasets.status("mnist")
    assert datasets.prepare("mnist") == folder
    assert not list((cache / "data").glob(".mnist-*"))


@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_a_cache_that_cannot_be_one_is_told_in_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    odd = tmp_path / "odd"
    if kind == "file":
        odd.touch()
    else:
        odd.symlink_to("nowhere/at/all")
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(odd))
    with pytest.raises(DataError, match=r"cache folder .*odd cannot be written.*FRAMEBENCH_CACHE"):
        datasets.prepare("mnist")
