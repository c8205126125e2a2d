"""`framebench doctor` on made-up machines, and on this one with a planted load."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import psutil
import pytest
import typer
from rich.console import Console

from bench.cli.command_line import app
from bench.health import gpus, load_checks, processor, room
from bench.health.check import VERDICTS, Finding, HealthCheck, graded
from bench.health.examination import CHECKS, MACHINE, Fitness, checks_of_a_run, examine
from bench.health.load_checks import LoadAverage, OtherLoad
from bench.report.task.health_forms import to_terminal
from bench.worker.cores import affinity
from tests.conftest import FinishedRun, Framebench
from tests.faults.test_telemetry import Odd, fail
from tests.faults.test_usable_cores import FOUR, GROUP, MOUNTS, V2, plant
from tests.test_core import some_record

# They start the command, and look at a machine.
pytestmark = pytest.mark.frameworks


def finding(check: HealthCheck[Any], root: Path, *, threads: int = 1) -> Finding:
    (found,) = examine([check], results=root, threads=threads, seconds=0.0, root=root).findings
    return found


def each_core(name: str, text: str) -> dict[str, str]:
    """A file of that name about the frequency of each core that this process may run on."""
    cores = (f"sys/devices/system/cpu/cpu{core}/cpufreq/{name}" for core in affinity())
    return dict.fromkeys(cores, text)


CPU = "sys/devices/system/cpu"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
HUGE = "sys/kernel/mm/transparent_hugepage/enabled"
DMI = "sys/class/dmi/id/product_name"
MADE_UP: list[tuple[HealthCheck[Any], dict[str, str], str, str]] = [
    (processor.GOVERNOR, each_core("scaling_governor", "performance\n"), "good", "performance"),
    (processor.GOVERNOR, each_core("scaling_governor", "powersave\n"), "mind", "powersave"),
    (processor.GOVERNOR, {}, "not told", "not told"),
    (processor.TURBO, {f"{CPU}/cpufreq/boost": "0\n"}, "good", "off"),
    (processor.TURBO, {f"{CPU}/cpufreq/boost": "1\n"}, "mind", "on: "),
    (processor.TURBO, {f"{CPU}/intel_pstate/no_turbo": "1\n"}, "good", "off"),
    (processor.TURBO, {f"{CPU}/intel_pstate/no_turbo": "0\n"}, "mind", "on: "),
    (processor.TURBO, {f"{CPU}/intel_pstate/no_turbo": "?\n"}, "not told", "not told"),
    (processor.HYPERTHREADS, {f"{CPU}/smt/active": "1\n"}, "good", "on; a run uses one a core"),
    (
        processor.FREQUENCY,
        {
            **each_core("scaling_cur_freq", "1200000\n"),
            **each_core("scaling_max_freq", "1600000\n"),
            **each_core("cpuinfo_max_freq", "3600000\n"),
        },
        "bad",
        "1,200 to 1,200 MHz now, at most 1,600 MHz of 3,600",
    ),
    (
        processor.FREQUENCY,
        {
            **each_core("scaling_cur_freq", "1200000\n"),
            **each_core("scaling_max_freq", "3600000\n"),
            **each_core("cpuinfo_max_freq", "3600000\n"),
        },
        "good",
        "1,200 to 1,200 MHz now, at most 3,600 MHz",
    ),
    (processor.CLOCK_SOURCE, {CLOCK: "tsc\n"}, "good", "tsc"),
    (processor.CLOCK_SOURCE, {CLOCK: "hpet\n"}, "bad", "hpet"),
    (processor.CLOCK_SOURCE, {CLOCK: "xen\n"}, "mind", "xen"),
    (
        processor.VIRTUALISATION,
        {"proc/cpuinfo": "flags\t: fpu hypervisor\n", DMI: "VMware7,1\n"},
        "mind",
        "a guest of VMware7,1",
    ),
    (processor.VIRTUALISATION, {"proc/cpuinfo": "flags\t: fpu sse\n"}, "good", "none"),
    (processor.VIRTUALISATION, {DMI: "Standard PC (Q35)\n"}, "mind", "a guest of Standard PC"),
    (processor.VIRTUALISATION, {DMI: "a\x1b[31m KVM\n"}, "mind", r"a guest of a\x1b[31m KVM"),
    (processor.VIRTUALISATION, {}, "not told", "not told"),
    (processor.HUGE_PAGES, {HUGE: "always [madvise] never\n"}, "good", "madvise"),
    (processor.HUGE_PAGES, {HUGE: "always madvise [never]\n"}, "mind", "never"),
    (
        room.MEMORY,
        {GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/memory.max": "1000000000\n"},
        "bad",
        "limited to 1.0 GB",
    ),
]


@pytest.mark.parametrize("case", MADE_UP, ids=lambda case: f"{case[0].name} {case[3]}")
def test_a_made_up_machine_is_judged(
    case: tuple[HealthCheck[Any], Mapping[str, str], str, str], tmp_path: Path
) -> None:
    check, files, verdict, text = case
    plant(tmp_path, files)
    found = finding(check, tmp_path)
    assert found.verdict == verdict and text in found.text
    assert bool(found.remedy) == (verdict in ("mind", "bad"))


@pytest.mark.parametrize(
    ("quota", "threads", "verdict"),
    [("max", 1, "good"), ("50000", 1, "bad"), ("300000", 2, "mind"), ("max", 1024, "bad")],
)
def test_threads_are_judged_by_the_cores_that_may_be_used(
    quota: str, threads: int, verdict: str, tmp_path: Path
) -> None:
    plant(
        tmp_path,
        {**FOUR, GROUP: "0::/\n", MOUNTS: V2, "sys/fs/cgroup/cpu.max": f"{quota} 100000\n"},
    )
    if threads > len(affinity()) and verdict == "mind":
        pytest.skip("this machine has fewer cores than the case has threads")
    assert finding(processor.CORES, tmp_path, threads=threads).verdict == verdict


def test_load_is_judged_by_the_cores_that_are_left_over() -> None:
    load = OtherLoad(cores=1.0, allowed=0.1, makers={"a": 0.7, "b": 0.3})
    assert (load.verdict(), str(load)) == ("bad", "1.00 cores: a 0.70, b 0.30")
    assert OtherLoad(cores=1.0, allowed=2.1, makers={}).verdict() == "good"
    assert OtherLoad(cores=0.3, allowed=0.1, makers={}).verdict() == "mind"
    assert LoadAverage(averages=(0.2, 0.1, 9.0), cores=2).verdict() == "good"
    assert LoadAverage(averages=(0.2, 3.0, 0.0), cores=2).verdict() == "mind"
    assert [graded(value, mind=1, bad=2) for value in (1, 2, 3)] == ["good", "mind", "bad"]


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[str]:
    """The name of a busy process that is no child of this one."""
    (tmp_path / "busy_neighbour").symlink_to(shutil.which("sh") or "/bin/sh")
    busy = f"{shlex.quote(str(tmp_path / 'busy_neighbour'))} -c 'while :; do :; done'"
    started = subprocess.run(
        ["sh", "-c", f"{busy} >/dev/null 2>&1 & echo $!"],
        capture_output=True,
        text=True,
        check=True,
    )
    try:
        yield "busy_neighbour"
    finally:
        os.kill(int(started.stdout), signal.SIGKILL)


def test_who_makes_the_load_is_named(neighbour: str, tmp_path: Path) -> None:
    found = examine(load_checks.CHECKS, results=tmp_path, seconds=1.0)
    load = found.findings[0]
    assert load.check == "other load" and neighbour in load.value["makers"], load
    assert load.value["makers"][neighbour] > 0.1 and f"{neighbour} " in load.text


CONDITIONS = {
    "nvmlDeviceGetPersistenceMode": lambda handle: 0,
    "nvmlDeviceGetMigMode": lambda handle: [1, 1],
    "nvmlDeviceGetClockInfo": lambda handle, which: 900,
    "nvmlDeviceGetMaxClockInfo": lambda handle, which: 1980,
    "nvmlDeviceGetCurrentClocksEventReasons": lambda handle: 0x20,
    "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=os.getpid())],
}


def test_a_gpu_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Odd(**CONDITIONS))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    found = examine(gpus.CHECKS, results=tmp_path, seconds=0.0)
    assert [(one.verdict, one.text) for one in found.findings[2:]] == [
        ("bad", "900 of 1,980 MHz (heat)"),
        ("mind", "off"),
        ("mind", "on"),
    ]
    shown, processes = found.findings[:2]
    assert shown.verdict == "mind" and shown.text.startswith("A GPU (memory not told, driver not")
    assert processes.verdict == "bad" and f"(process {os.getpid()})" in processes.text
    monkeypatch.setitem(sys.modules, "pynvml", Odd())
    silent = examine(gpus.CHECKS, results=tmp_path, seconds=0.0)
    assert {one.verdict for one in silent.findings[1:]} == {"not told"}
    monkeypatch.setitem(sys.modules, "pynvml", Odd(nvmlInit=fail))
    (none,) = examine(gpus.CHECKS, results=tmp_path, seconds=0.0).findings
    assert (none.verdict, none.text) == ("good", "no NVIDIA GPU")


def test_a_machine_that_tells_nothing_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("virtual_memory", "swap_memory", "process_iter", "Process"):
        monkeypatch.setattr(psutil, name, fail)
    monkeypatch.setattr(os, "getloadavg", fail)
    monkeypatch.setattr(shutil, "disk_usage", fail)
    found = examine([*MACHINE, *gpus.CHECKS], results=tmp_path / "none", seconds=0.0, root=tmp_path)
    told = {one.check for one in found.findings if one.verdict != "not told"}
    # What is always known, and what is read from this machine's own /proc/stat.
    assert told <= {"threads", "GPU", "other load", "stolen time"}


def test_names_from_elsewhere_act_on_nothing(tmp_path: Path) -> None:
    name = "a\x1b[31m\udcff\n| x"
    load = OtherLoad(cores=1.0, allowed=0.1, makers={name: 1.0})
    check: HealthCheck[OtherLoad] = HealthCheck(
        name="x", find=lambda machine: load, judge=OtherLoad.verdict, remedy="`top`"
    )
    found = finding(check, tmp_path)
    assert found.text.isprintable() and json.dumps(found.value).isascii()
    assert all("\x1b" not in maker and "\udcff" not in maker for maker in found.value["makers"])
    listed: HealthCheck[tuple[str, ...]] = HealthCheck(
        name="y", find=lambda machine: (name,), judge=lambda names: "good", remedy=""
    )
    assert "\x1b" not in finding(listed, tmp_path).value[0]


def test_a_run_on_the_cpu_does_not_ask_for_gpus() -> None:
    cell = some_record().job.cell
    assert not set(gpus.CHECKS) & set(checks_of_a_run([cell]))
    assert set(gpus.CHECKS) < set(checks_of_a_run([cell, cell.with_setting(device="cuda")]))


def test_what_a_check_raises_is_not_told(tmp_path: Path) -> None:
    broken: HealthCheck[int] = HealthCheck(name="x", find=fail, judge=fail, remedy="")
    odd: HealthCheck[int] = HealthCheck(name="y", find=lambda machine: 1, judge=fail, remedy="")
    assert {finding(check, tmp_path).verdict for check in (broken, odd)} == {"not told"}


def test_the_page_fits_a_small_terminal(tmp_path: Path) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(to_terminal(examine(CHECKS, results=tmp_path, seconds=0.0)))
    lines = console.export_text().splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80


def test_the_json_has_every_check_with_its_type(framebench: Framebench) -> None:
    printed = json.loads(framebench("doctor", "--json").stdout)
    assert printed["fitness"] in get_args(Fitness) and printed["threads"] >= 1
    names = [one["check"] for one in printed["findings"]]
    assert len(names) == len(set(names)) and set(names) <= {check.name for check in CHECKS}
    for one in printed["findings"]:
        assert set(one) == {"check", "verdict", "value", "unit", "text", "remedy"}
        assert one["verdict"] in VERDICTS and one["text"]
        assert (one["value"] is None) == (one["verdict"] == "not told")


def test_the_exit_code_is_of_a_verdict_only_if_asked(framebench: Framebench) -> None:
    done = framebench("doctor", "--threads", "1024")
    assert "1024 threads on" in done.stdout and done.stdout.splitlines()[-1].startswith("not fit")
    framebench("doctor", "--threads", "1024", "--strict", expect=1)
    framebench("doctor", "--threads", "0", expect=2)


@pytest.mark.frameworks  # starts workers of the reference
def test_a_run_says_and_keeps_how_the_machine_was(finished_run: FinishedRun) -> None:
    health = json.loads((finished_run.folder / "run.json").read_text(encoding="utf-8"))["health"]
    assert health["fitness"] in get_args(Fitness) and health["threads"] == 1
    (line,) = re.findall(r"^machine: (.*)$", finished_run.process.stderr, re.MULTILINE)
    assert line.startswith(f"{health['fitness']}") and health["reason"] in line


COMMANDS = sorted(
    {
        command.strip()
        for check in CHECKS
        for quoted in re.findall(r"`([^`]+)`", check.remedy)
        for command in re.split(r"&&|\|", quoted)
    }
)
# Part of a shell, of a GPU's driver, or of what another command in the same remedy makes.
ELSEWHERE = {"unset", "nvidia-smi", "sudo", ".venv/bin/pip"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_of_a_remedy_exists(command: str) -> None:
    words = shlex.split(command)
    while "=" in words[0] or (words[0] == "sudo" and len(words) > 1):
        words.pop(0)
    program, *arguments = words
    if program == "framebench":
        group: Any = typer.main.get_command(app)
        group.commands[arguments[0]].make_context(arguments[0], arguments[1:])
    else:
        assert program in ELSEWHERE or shutil.which(program), program
