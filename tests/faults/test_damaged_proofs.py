"""Certificates and traces that are damaged, or cannot be kept, never end a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.launch.catalogue import TREE
from bench.launch.paths import cache_dir
from bench.proof import cache as proofs
from tests.conftest import Framebench
from tests.faults.test_damaged_data import flip, zero

VERIFY = ("verify", "-f", "reference", "-t", "mnist-softmax")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with the environments and data of the usual one, and no proofs."""
    usual, own = cache_dir(), tmp_path / "cache"
    own.mkdir()
    for shared in ("environments", "data"):
        (own / shared).symlink_to(usual / shared)
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(own))
    return own


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: os.truncate(file, 0),
    "cut off": lambda file: os.truncate(file, file.stat().st_size // 2),
    "a flipped byte": lambda file: flip(file, at=file.stat().st_size // 2),
    "a flipped byte in the seal": lambda file: flip(file, at=3),
    "zeros": lambda file: zero(file, start=100, stop=400),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_proof_counts_as_missing(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    file = tmp_path / "kept"
    proofs.write(file, b"content " * 100)
    stream = proofs.opened(file)
    assert stream
    with stream:
        assert stream.read() == b"content " * 100
    damage(file)
    assert proofs.opened(file) is None and proofs.read_certificate(file) is None


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"1", b'{"claim": 1, "checks": 2}', b"\xff"])
def test_a_certificate_of_another_kind_counts_as_missing(tmp_path: Path, text: bytes) -> None:
    proofs.write(tmp_path / "kept", text)
    assert proofs.read_certificate(tmp_path / "kept") is None


@pytest.mark.frameworks
def test_damaged_proofs_are_made_anew_and_said(framebench: Framebench, cache: Path) -> None:
    framebench(*VERIFY)
    (trace,) = (cache / "reference").iterdir()
    certificates = {file: file.read_bytes() for file in (cache / "certificates").iterdir()}
    for file in (trace, *certificates):
        os.truncate(file, 1000)
    done = framebench(*VERIFY)
    assert f"{trace} is damaged or unreadable; traced anew" in done.stderr
    opened = proofs.opened(trace)
    assert opened
    opened.close()
    assert all(proofs.read_certificate(file) for file in certificates)


# Runs a command in a private mount namespace in which the cache can only be read.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def read_only(cache: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    own = ("unshare", "-m", "sh", "-c")
    if subprocess.run([*own, "mount --bind / /mnt"], capture_output=True, check=False).returncode:
        pytest.skip("needs a mount namespace of its own, as root has")
    return subprocess.run(
        [*own, READ_ONLY, str(cache), sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TREE), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.frameworks
def test_a_cache_that_can_only_be_read_is_enough(
    framebench: Framebench, cache: Path, tmp_path: Path
) -> None:
    framebench(*VERIFY)
    for command in (("list",), VERIFY):
        done = read_only(cache, *command, folder=tmp_path)
        assert done.returncode == 0 and "not kept" not in done.stderr, done.stderr
    for kind in ("certificates", "reference"):
        shutil.rmtree(cache / kind)
    done = read_only(cache, *VERIFY, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("certificates: used, but not kept: the cache folder") == 1
    assert "reference's trace of mnist-softmax: used, but not kept" in done.stderr


def test_traces_that_were_not_used_lately_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are large, and each version of the source has its own; certificates are small."""
    monkeypatch.setenv("FRAMEBENCH_CACHE", str(tmp_path))
    now = time.time()
    for name, days in (("new", 0), ("recent", 1), ("older", 30), ("old", 90)):
        for file in (proofs.trace_file(name), proofs.certificate_file(name)):
            proofs.write(file, b"x" * 1000)
            os.utime(file, (now - days * 86_400,) * 2)

    def left(kind: str) -> set[str]:
        return {file.stem for file in (tmp_path / kind).iterdir()}

    proofs.prune(most_traces=2500)
    assert left("reference") == {"new", "recent"}
    assert left("certificates") == {"new", "recent", "older"}
    proofs.prune()
    assert left("reference") == {"new", "recent"}
