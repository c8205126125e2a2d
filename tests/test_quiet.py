"""Waiting for a quiet machine: it ends when it is quiet, or when the time is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.core.listener import Listener
from bench.health import quiet
from bench.health.load_sample import LoadSample
from tests.conftest import Framebench

BUSY, CALM, UNTOLD = 1.6, 0.01, None


class Heard(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def phase(self, subject: str, name: str) -> None:
        self.lines.append(f"{subject}: {name}")

    def progress(self, subject: str, done: int, total: int) -> None:
        raise AssertionError("there is nothing to count")

    def finished(self, subject: str, outcome: str) -> None:
        self.lines.append(f"{subject}: {outcome}")


def waited(loads: list[float | None], seconds: float) -> tuple[bool, list[str], float]:
    """Whether the machine was quiet in time, what was told, and the seconds that it took."""
    now = 0.0
    left: Iterator[float | None] = iter(loads)

    def sample() -> LoadSample:
        nonlocal now
        now += quiet.SPAN
        makers = {"firefox": 1.6}
        return LoadSample(seconds=quiet.SPAN, others=next(left), stolen=0.0, makers=makers)

    heard = Heard()
    was_quiet = quiet.wait(seconds, 64, heard, sample=sample, clock=lambda: now)
    return was_quiet, heard.lines, now


def test_a_quiet_machine_is_not_waited_for_long() -> None:
    assert waited([CALM] * 3, 60) == (True, ["machine: quiet"], 6)


def test_a_busy_one_is_waited_for_and_who_keeps_it_busy_is_told() -> None:
    was_quiet, lines, seconds = waited([BUSY, CALM, BUSY, *[CALM] * 3], 60)
    assert was_quiet and seconds == 12
    assert lines[0] == "machine: waiting for quiet: others use 1.60 cores: firefox 1.60"
    assert lines[-1] == "machine: quiet"


def test_it_ends_when_the_time_is_up() -> None:
    was_quiet, lines, seconds = waited([BUSY] * 20, 10)
    assert not was_quiet and seconds == 10
    assert lines[-1] == "machine: still busy: others use 1.60 cores: firefox 1.60"


def test_a_system_that_does_not_tell_is_not_waited_for() -> None:
    assert waited([UNTOLD], 60) == (True, ["machine: quiet"], 2)


@pytest.mark.parametrize("time", ["soon", "-1s"])
def test_a_malformed_time_is_refused(time: str, framebench: Framebench) -> None:
    error = framebench("run", "--wait-for-quiet", time, expect=2).stderr
    assert error.startswith("framebench: ") and time in error
