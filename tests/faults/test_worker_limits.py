"""Workers that take too much memory or time, or hang while others go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.record import Record
from bench.launch import catalogue, memory_limit
from bench.launch.memory_limit import GIB
from bench.records import run_folder
from bench.system import children
from bench.worker import control_groups
from tests.conftest import TINY, Framebench
from tests.test_runner import ADAPTER, STEP, late


def by_task(folder: Path) -> dict[str, Record]:
    """The records of the run r, one of each task."""
    return {
        record.job.cell.task: record for record in run_folder.read(folder / "results" / "r").records
    }


@pytest.mark.frameworks
def test_jobs_out_of_bounds_are_rows(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    greedy = late("if self._task.name == 'mnist-mlp': held = bytearray(1 << 36)")
    noise = r"import os, sys; os.write(int(sys.argv[1]), b'oh no\n')"
    noisy = late(f"if self._task.name == 'mnist-softmax': {noise}")
    tree = plant(ADAPTER, STEP, greedy.removesuffix(STEP) + noisy)
    done = framebench(
        *(*TINY, "-t", "mnist-mlp", "-n", "1", "--memory-limit", "1G"), tree=tree, expect=1
    )
    found = by_task(tmp_path)
    assert {record.status for record in found.values()} == {"failed"}
    refused = "out of memory, of which it may take 1 GiB (--memory-limit): MemoryError"
    assert found["mnist-mlp"].reason.startswith(refused) and refused in done.stdout
    assert "sent what is no message" in found["mnist-softmax"].reason


@pytest.mark.frameworks
def test_a_job_that_is_alive_and_does_not_end_is_ended(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    tree = plant(ADAPTER, STEP, late("import time; time.sleep(2)"))
    framebench(*TINY, "-n", "1", "--time-limit", "6s", tree=tree, expect=1)
    record = by_task(tmp_path)["mnist-softmax"]
    assert record.status == "timeout"
    assert record.reason.startswith("not done after 6 s (--time-limit), killed; see 0001-")


def test_a_control_group_holds_the_limit_where_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up tree of groups: what is written there is what the kernel would read."""
    own = tmp_path / "sys" / "fs" / "cgroup" / "user"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpu memory\n", encoding="ascii")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/user\n", encoding="ascii")
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    with memory_limit.held(5 * GIB, "cuda") as limit:
        assert limit.group and limit.group.parent == own and not limit.data
        assert (limit.group / "memory.max").read_text(encoding="ascii") == str(5 * GIB)
        with children.started(["/bin/true"], env={}, group=limit.group) as child:
            assert child.wait() == 0
            joined = (limit.group / "cgroup.procs").read_text(encoding="ascii")
            assert joined == str(child.pid)
        assert limit.explained("killed by SIGKILL") == "killed by SIGKILL"
        (limit.group / "memory.events").write_text("oom 1\noom_kill 1\n", encoding="ascii")
        assert limit.explained("killed by SIGKILL") == (
            "out of memory, of which it may take 5 GiB (--memory-limit): killed by SIGKILL"
        )


def test_without_a_control_group_what_is_allocated_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    with memory_limit.held(GIB, "cpu") as limit:
        assert (limit.group, limit.data) == (None, GIB + memory_limit.HEADROOM)
    with memory_limit.held(GIB, "cuda") as limit:
        assert not limit.data  # a GPU's driver sets aside far more than it uses
    with memory_limit.held(None, "cpu") as limit:
        assert limit.bytes == memory_limit.machine_bytes()


def test_what_a_worker_may_take_beyond_its_limit_is_told(framebench: Framebench) -> None:
    slack = f"{memory_limit.HEADROOM // GIB}G more"
    told = re.sub(r"[\s│]+", " ", framebench("run", "--help").stdout)
    assert f"a worker may allocate {slack} on a CPU, and any amount on a GPU" in told
    for page in ("commands.md", "reliability.md"):
        assert slack in (catalogue.TREE / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["0", "1K", "nan", "inf", "-1G", "8 bananas", ""])
def test_a_limit_that_makes_no_sense_is_bad_usage(framebench: Framebench, value: str) -> None:
    done = framebench("run", f"--memory-limit={value}", expect=2)
    assert done.stderr.startswith("framebench: ") and done.stderr.count("\n") == 1
