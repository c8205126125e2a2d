"""A run that was interrupted goes on where it stopped, and measures nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.run_claim import claimed, locked
from bench.run.resumption import earlier
from tests.conftest import TINY, FinishedRun, Framebench


@pytest.fixture
def r(finished_run: FinishedRun, tmp_path: Path) -> Path:
    """A copy of a finished run, as `results/r`."""
    folder = tmp_path / "results" / "r"
    shutil.copytree(finished_run.folder, folder)
    return folder


def unfinish(folder: Path, *, lines: int, torn: bytes = b"", **changes: Any) -> None:
    """Leave a run as an interruption does: with its first lines, and perhaps a torn one."""
    info = {**run_folder.read(folder).info, **changes}
    del info["wall_seconds"], info["stopped"]
    run_folder.write_info(folder, info)
    whole = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)[:lines]
    (folder / "records.jsonl").write_bytes(b"".join(whole) + torn)


def test_a_whole_record_without_a_line_end_is_kept(r: Path) -> None:
    """As another program may leave it; a torn one would be cut off instead."""
    whole = (r / "records.jsonl").read_bytes()
    unfinish(r, lines=4)
    (r / "records.jsonl").write_bytes(whole[:-1])
    assert run_folder.read(r).lines.unended and not run_folder.read(r).lines.torn
    assert earlier(r, {}, add_blocks=0).lines == 4
    assert (r / "records.jsonl").read_bytes() == whole


def outcome(record: Record) -> tuple[object, ...]:
    """What is the same whenever a job is run."""
    assert record.measurement
    cell, block, seed = record.job.cell, record.job.block, record.job.seed
    return cell, block, seed, record.measurement.weights_digest, record.measurement.first_losses


@pytest.mark.frameworks
def test_a_run_goes_on_where_it_stopped(
    r: Path, finished_run: FinishedRun, framebench: Framebench
) -> None:
    """After one job of four: the block that is part done goes on with its missing cell."""
    first, second, *_ = (r / "records.jsonl").read_bytes().splitlines(keepends=True)
    unfinish(r, lines=1, torn=second[:100])
    shutil.rmtree(r / "logs")
    done = framebench("run", "--resume")
    assert "[2/4]" in done.stderr and "[1/4]" not in done.stderr and "rates" not in done.stderr
    assert (r / "records.jsonl").read_bytes().startswith(first)
    undisturbed, resumed = run_folder.read(finished_run.folder), run_folder.read(r)
    assert list(map(outcome, resumed.records)) == list(map(outcome, undisturbed.records))
    assert not resumed.lines.left_out
    assert sorted(log.name for log in (r / "logs").iterdir()) == sorted(
        log.name for log in (finished_run.folder / "logs").iterdir() if log.name[:4] != "0001"
    )
    kept = ("started", "command", "certificates", "rates", "environments", "data", "repeats")
    assert all(resumed.info[key] == undisturbed.info[key] for key in kept)
    (past,) = resumed.info["resumed"]
    assert f"- went on: {past['started'][:10]}" in (r / "summary.md").read_text(encoding="utf-8")
    assert past["records"] == 1
    assert past["seconds"] == round(resumed.records[0].wall_seconds, 1)
    assert resumed.info["wall_seconds"] > sum(record.wall_seconds for record in resumed.records) - 1
    refused = framebench("run", "--resume", "r", expect=2).stderr
    assert "results/r is finished; make it longer with --resume --add-blocks N" in refused


@pytest.mark.frameworks
def test_what_crashed_or_is_damaged_is_measured_again_and_blocks_are_added(
    r: Path, finished_run: FinishedRun, framebench: Framebench
) -> None:
    lines = (r / "records.jsonl").read_text(encoding="utf-8").splitlines()
    for at, status in ((1, "crashed"), (2, "diverged")):
        fields = {**json.loads(lines[at]), "status": status, "measurement": None}
        lines[at] = json.dumps(fields)
    lines[3] = lines[3][:-100]
    (r / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    framebench("run", "--resume", "results/r", expect=1)  # a loss that diverged does so again
    run = run_folder.read(r)
    assert len(run.records) == 4 and run.lines.total == 6
    assert [line.line for line in run.lines.left_out] == [4]
    assert [found.record.status for found in run.lines.replaced] == ["crashed"]
    assert [record.status for record in run.records].count("ok") == 3
    framebench("run", "--add-blocks", "1", "--resume", "r", expect=1)
    longer = run_folder.read(r)
    assert len(longer.records) == 6 and longer.info["repeats"] == 3
    assert {record.job.seed for record in longer.records[4:]} == {2}
    assert longer.info["wall_seconds"] > run.info["wall_seconds"] > 0
    assert longer.info["started"] == run_folder.read(finished_run.folder).info["started"]


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "machine": ({"cpu": "Abacus", "cores_usable": 64}, "processor Abacus → "),
    "source_digests": ({"reference": "0"}, "the source of reference has changed"),
    "framebench": ({}, "framebench 0.0.1 → "),
    "environments": ({"reference cpu": {"autograd": "1.0"}}, "autograd 1.0 → "),
    "data": ({"mnist": {"source": "made up", "digest": {}}}, "(made up → "),
}


@pytest.mark.frameworks
@pytest.mark.parametrize("key", CHANGES)
def test_a_run_goes_on_only_where_it_began(key: str, r: Path, framebench: Framebench) -> None:
    change, words = CHANGES[key]
    old = run_folder.read(r).info[key]
    unfinish(r, lines=1, **{key: {**old, **change} if isinstance(old, dict) else "0.0.1"})
    before = {file.name: file.read_bytes() for file in r.glob("r*")}
    error = framebench("run", "--resume", expect=2).stderr
    assert "results/r cannot go on, as its figures would not be comparable" in error
    assert words in error and (key != "machine" or "usable cores 64 → " in error)
    assert {file.name: file.read_bytes() for file in r.glob("r*")} == before


def test_a_run_goes_on_by_its_own_options(r: Path, framebench: Framebench) -> None:
    unfinish(r, lines=1)
    for option, words in (
        (("--seed", "7"), "with 0 for seed, not 7"),
        (("-t", "mnist-mlp"), "mnist-softmax, mnist-mlp for tasks, not mnist-mlp;"),
        (("--warmup", "2"), "with 0.1 for warmup, not 2.0"),  # although it is the default
        (("--name", "q"), "with r for name, not q"),
    ):
        error = framebench("run", "--resume", "r", *option, expect=2).stderr
        assert words in error and error.count("\n") == 1
    error = framebench("run", "--add-blocks", "1", "r", expect=2).stderr
    assert "results/r is not finished: go on with it by --resume" in error


def test_what_cannot_go_on_is_named_in_one_line(r: Path, framebench: Framebench) -> None:
    for arguments, words in (
        (("--resume",), "no unfinished run in results"),
        (("--resume", "nowhere"), "there is no run nowhere"),
        (("--add-blocks", "0", "r"), "--add-blocks must be 1 or more, not 0"),
        (("r",), "r: a run is named only with --resume or --add-blocks"),
    ):
        error = framebench("run", *arguments, expect=2).stderr
        assert words in error and error.count("\n") == 1
    with locked(r):
        error = framebench("run", "--resume", "r", "--add-blocks", "1", expect=2).stderr
    assert error == "framebench: results/r is in progress in another process\n"


def test_a_folder_is_claimed_by_one_of_several(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "r"
    with claimed(folder, numbered=True) as first, claimed(folder, numbered=True) as second:
        assert (first, second) == (folder, folder.with_name("r-2"))
        (first / "run.json").write_text("{}", encoding="utf-8")
    assert first.exists() and not second.exists()  # as nothing was put into it
    folder.with_name("r-2").mkdir()  # as a run that was killed in its preparation leaves it
    with claimed(folder, numbered=True) as third:
        assert third == second


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


@pytest.mark.frameworks
def test_two_runs_of_a_name_do_not_share_a_folder(tmp_path: Path) -> None:
    """Started at once, as by a CI matrix; the first that records anything is then interrupted."""
    both = [start(tmp_path, *TINY, "-n", "50") for _ in range(2)]
    wait_for(lambda: any(process.poll() is not None for process in both))
    (refused, running) = sorted(both, key=lambda process: process.poll() is None)
    _, error = refused.communicate()
    assert refused.returncode == 2 and error.count("\n") == 1
    assert "results/r exists already; choose another --name" in error or "holds a run" in error
    records = tmp_path / "results" / "r" / "records.jsonl"
    wait_for(records.exists)
    running.send_signal(signal.SIGINT)
    _, error = running.communicate()
    assert running.returncode == 130
    count = len(run_folder.read(records.parent).records)
    assert f"not finished; {count} result" in error
    assert "go on with: framebench run --resume results/r\n" in error
    assert (records.parent / "summary.md").exists()


@pytest.mark.frameworks
def test_a_full_disk_ends_a_run_without_a_damaged_record(r: Path) -> None:
    """The limit of a file's size stands for it: the same error, in the same calls."""
    unfinish(r, lines=2)
    first, second = (r / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    # Long enough for the records, and nothing else, to be what reaches the limit.
    first = json.dumps({**json.loads(first), "reason": "x" * 500_000}) + "\n"
    (r / "records.jsonl").write_text(first + second, encoding="utf-8")
    limit = (r / "records.jsonl").stat().st_size + 1000
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "sys.argv = ['framebench', 'run', '--resume'];"
        "from bench.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=r.parents[1],
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (r / "records.jsonl").read_text(encoding="utf-8") == first + second
    *_, kept, last = done.stderr.splitlines()
    assert kept == (
        "not finished; 2 results are kept in results/r; go on with: "
        "framebench run --resume results/r"
    )
    assert last == "framebench: results/r/records.jsonl: File too large"
