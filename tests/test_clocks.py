"""The clocks of both sides: the worker's, which no adapter can change, and the runner's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.listener import SILENT
from bench.launch.phase_clock import PhaseClock
from bench.records import run_folder
from tests.conftest import TINY, FinishedRun, Framebench

ADAPTER = "frameworks/reference/adapter.py"
STEP_SECONDS = 2e-3

# An adapter under which ten seconds look like one, and whose every step takes 2 ms at least.
SLOWED = """
import time

for _name in ("perf_counter", "process_time", "monotonic", "time"):
    def _slowed(clock=getattr(time, _name)):
        return clock() / 10
    setattr(time, _name, _slowed)

MODES ="""
SLEEPING = f"""        time.sleep({STEP_SECONDS})
        steps = []
"""


@pytest.mark.frameworks
def test_an_adapter_cannot_slow_the_clock(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    tree = plant(ADAPTER, "        steps = []\n", SLEEPING)
    adapter = tree / ADAPTER
    text = adapter.read_text(encoding="utf-8")
    adapter.write_text(text.replace("\nMODES =", SLOWED, 1), encoding="utf-8")
    framebench(*TINY, "-n", "1", tree=tree)
    (record,) = run_folder.read(tmp_path / "results" / "r").records
    assert record.measurement
    windows = record.measurement.windows
    for wall, steps in zip(windows.wall, windows.steps, strict=True):
        assert wall >= steps * STEP_SECONDS


class Moments:
    """The clock of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_a_phase_lasts_until_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = Moments(monkeypatch)
    clock = PhaseClock(SILENT)
    moments.now += 5  # before the first phase nothing is counted
    for name, seconds in (("train", 1), ("evaluate", 2), ("train", 4)):
        clock.phase("cell", name)
        moments.now += seconds
    clock.stop()
    moments.now += 8
    clock.stop()
    assert clock.seconds == {"train": 5, "evaluate": 2}


def test_a_pause_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = Moments(monkeypatch)
    clock = PhaseClock(SILENT)
    clock.phase("cell", "warm-up")
    moments.now += 1
    with clock.paused():
        moments.now += 10
    moments.now += 2
    clock.phase("cell", "train")
    moments.now += 4
    clock.stop()
    assert clock.seconds == {"warm-up": 3, "train": 4}
    assert clock.total == 7


def test_the_runner_counts_every_phase(finished_run: FinishedRun) -> None:
    records = run_folder.read(finished_run.folder).records
    # The end of one process of each cell is traced.
    assert sum("trace the end" in record.phases for record in records) == 2
    for record in records:
        assert [phase for phase in record.phases if phase != "trace the end"] == [
            "import",
            "build",
            "first step",
            "warm-up",
            "compile evaluation",
            "train",
            "evaluate",
            "finish",
        ]
        assert 0 < sum(record.phases.values()) <= record.wall_seconds + 1e-3
        assert record.companions == 1
