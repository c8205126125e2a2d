"""Files are written whole or not at all, children end with their parent, and text only shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.launch.catalogue import TREE
from bench.system import children, files
from bench.system.plain_text import one_line, plain, plain_values


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    files.write(file, "one")
    files.write(file, b"two")
    assert file.read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_cannot_be_written_stays_as_it_was() -> None:
    with pytest.raises(OSError):
        files.write(Path("/proc/self/nothing-of-ours"), "text")


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"new\n"),
        (b"one\n", b"one\nnew\n"),
        (b"one\ntw", b"one\nnew\n"),
        (b"tw" * 1_000_000, b"new\n"),
    ],
)
def test_an_unfinished_last_line_is_cut_off(tmp_path: Path, before: bytes, after: bytes) -> None:
    (tmp_path / "lines").write_bytes(before)
    files.append_line(tmp_path / "lines", "new")
    assert (tmp_path / "lines").read_bytes() == after


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    files.claim(tmp_path / "a" / "b")
    with pytest.raises(FileExistsError):
        files.claim(tmp_path / "a" / "b")


# Starts a child, prints its number, and waits.
PARENT = """
import sys, time
from bench.system import children
with children.started([sys.executable, "-c", "import time; time.sleep(99)"], env={}) as child:
    print(child.pid, flush=True)
    time.sleep(99)
"""


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2]
    except FileNotFoundError:
        return False


def ends_soon(pid: int) -> bool:
    for _ in range(200):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


def test_a_child_does_not_outlive_a_killed_parent() -> None:
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
        assert ends_soon(child)
        parent.stdout.close()


def test_a_child_is_gone_with_all_that_it_started() -> None:
    command = ["/bin/sh", "-c", "sleep 99 & echo $!; wait"]
    with children.started(command, env=children.inherited(), stdout=subprocess.PIPE) as child:
        assert child.stdout
        grandchild = int(child.stdout.readline())
        assert is_running(grandchild) and child.pid in children.live()
    assert ends_soon(grandchild) and child.pid not in children.live()


def test_a_child_gets_the_listed_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    with children.started(
        ["/usr/bin/env"], env=children.inherited(), stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        names = {line.split(b"=")[0] for line in child.stdout.read().splitlines()}
    assert b"LANG" in names and names <= {name.encode() for name in children.INHERITED}


def test_memory_beyond_the_limit_is_refused() -> None:
    code = "bytearray(300_000_000)"
    with children.started(
        [sys.executable, "-c", code], env={}, data_limit=200_000_000, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr
        assert b"MemoryError" in child.stderr.read()


def test_an_error_ends_the_children_of_a_pool_and_starts_no_more() -> None:
    outcomes: list[str] = []

    def wait() -> None:
        with children.started(["/bin/sleep", "99"], env={}) as child:
            child.wait()
            try:
                children.raise_if_stopped()
            except children.StoppedError:
                outcomes.append("stopped")
                raise

    with pytest.raises(KeyboardInterrupt), children.pool(2) as pool:
        futures = [pool.submit(wait) for _ in range(4)]
        while len(children.live()) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert outcomes == ["stopped", "stopped"]
    assert not children.live() and all(future.done() for future in futures)
    with children.started(["/bin/true"], env={}) as child:
        assert child.wait() == 0


def test_text_from_elsewhere_shows_what_would_act() -> None:
    assert plain("plain ünïcode 训练") == "plain ünïcode 训练"
    assert plain("\x1b]0;title\x07\u202egnp.exe") == r"\x1b]0;title\x07\u202egnp.exe"
    assert plain("half \ud800") == r"half \ud800"
    assert plain("a\nb", keep="\n") == "a\nb" and plain("a\nb") == r"a\x0ab"
    assert plain_values({"k\x1b": ["v\x00", 1.5]}) == {r"k\x1b": [r"v\x00", 1.5]}
    assert one_line(" a\n b\x1b " + "c" * 400) == r"a b\x1b " + "c" * 294 + "…"


def test_what_would_keep_a_reader_waiting_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is no regular file"):
            files.read(path)
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)
    (tmp_path / "file").write_bytes(b"text")
    assert files.read(tmp_path / "file") == b"text"
