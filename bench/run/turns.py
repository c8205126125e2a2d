"""Jobs whose processes take turns, so that what slows the machine for a while slows all alike.

All processes are made ready, one after the other. From then on only one at a time may run, and the
others are stopped, for a tenth of a second each. A job that has more to do takes more turns: all
advance evenly, and end at about the same time. Within these limits the order is drawn by lot.

A job that other programs have slowed tenfold is given up: it would show nothing but their load.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import psutil

from bench.core.record import Cell, Record
from bench.core.setting import Device
from bench.health.load_checks import OtherLoad
from bench.launch import gpu_state
from bench.launch.conversation import JobEndedError
from bench.launch.worker_messages import Waiting
from bench.launch.worker_process import JobInTurns
from bench.run.campaign_listener import CampaignListener
from bench.system.plain_text import one_line
from bench.worker.control_groups import memory_limit

# Seconds of a turn, its first step included.
TURN = 0.1
# Another process is started if that leaves free so many times the memory of the largest one yet,
# and so many bytes more.
ROOM, SPARE = 1.5, 1 << 30
# A job may take so many times as long as its cell took before, however busy the machine is.
SLOWED = 10


@dataclass(kw_only=True)
class _Started:
    """A job whose process waits; of those that wait, the one with the least `due` is the next.

    It has run for so many `seconds`; after `patience` of them it may have to be given up.
    """

    cell: Cell
    life: JobInTurns[Record]
    waiting: Waiting
    due: float
    seconds: float
    patience: float


class Together:
    """Jobs of one device that take turns. `seed` draws their order.

    `usual` are the seconds that cells took before, as far as they were measured, and `others` tells
    what other programs use of the processor while all jobs are stopped.
    """

    def __init__(
        self,
        device: Device,
        *,
        seed: int,
        usual: Mapping[Cell, float],
        others: Callable[[], OtherLoad | None],
        listener: CampaignListener,
    ) -> None:
        self._device = device
        self._random = random.Random(seed)
        self._usual = usual
        self._others = others
        self._listener = listener

    def run(self, jobs: Mapping[Cell, JobInTurns[Record]]) -> Iterator[Record]:
        """Run all jobs, which start in their order. Yields each record when its job ends.

        Where memory does not hold all processes at once, they take turns in several groups.
        """
        left = list(jobs.items())
        while left:
            started: list[_Started] = []
            try:
                while left and self._has_room(started):
                    if record := self._start(*left.pop(0), started):
                        yield record
                yield from self._take_turns(started)
            finally:
                for one in started:
                    one.life.close()

    def _start(
        self, cell: Cell, life: JobInTurns[Record], started: list[_Started]
    ) -> Record | None:
        """Make a job ready, and add it to those that have started, or return how it has ended."""
        begun = time.monotonic()
        try:
            waiting = next(life)
        except StopIteration as end:
            ended: Record = end.value
            return ended
        started.append(
            _Started(
                cell=cell,
                life=life,
                waiting=waiting,
                due=-self._random.random(),
                seconds=time.monotonic() - begun,
                patience=SLOWED * self._usual.get(cell, math.inf),
            )
        )
        return None

    def _take_turns(self, started: list[_Started]) -> Iterator[Record]:
        companions = len(started)
        while started:
            least = min(one.waiting.done for one in started)
            self._listener.turns([one.cell for one in started], min(1.0, least))
            chosen = min(started, key=lambda one: one.due)
            # Once it is the only one, until its end, or until it may have to be given up.
            alone = len(started) == 1
            seconds = max(TURN, chosen.patience - chosen.seconds) if alone else TURN
            if record := self._given_up(chosen) or self._turn(chosen, seconds):
                started.remove(chosen)
                yield replace(record, companions=companions)
        self._listener.turns([], 1.0)

    def _turn(self, chosen: _Started, seconds: float) -> Record | None:
        """Let a job run for a turn. Returns its record if that was its end."""
        done, begun = chosen.waiting.done, time.monotonic()
        try:
            chosen.waiting = chosen.life.send(seconds)
        except StopIteration as end:
            ended: Record = end.value
            return ended
        chosen.seconds += time.monotonic() - begun
        # One turn somewhere in every stretch that is as long as a turn.
        step = chosen.waiting.done - done
        chosen.due = chosen.waiting.done + self._random.random() * step
        return None

    def _given_up(self, chosen: _Started) -> Record | None:
        """End a job that others have slowed too much. Returns its record if that is so."""
        if chosen.seconds < chosen.patience:
            return None
        load = self._others()
        if load is None or load.verdict() != "bad":
            chosen.patience = 2 * chosen.seconds  # it is slow by itself
            return None
        usual = self._usual[chosen.cell]
        reason = (
            f"given up after {chosen.seconds:.1f} s, where it took {usual:.1f} s before, as others "
            f"use {one_line(str(load))}; --resume measures it again"
        )
        try:
            chosen.life.throw(JobEndedError("timeout", reason))
        except StopIteration as end:
            ended: Record = end.value
            return ended
        raise AssertionError("a job that is ended returns its record")

    def _has_room(self, started: Sequence[_Started]) -> bool:
        """Whether memory holds another process; the first one always starts."""
        if not started:
            return True
        resident = [one.waiting.resident_bytes for one in started]
        free, limit = psutil.virtual_memory().available, memory_limit()
        if limit is not None:
            free = min(free, limit - sum(resident))
        if not _is_enough(free, resident):
            return False
        device = [one.waiting.device_bytes or 0 for one in started]
        return self._device == "cpu" or _is_enough(gpu_state.free_bytes() or 0, device)


def _is_enough(free: int, taken: Sequence[int]) -> bool:
    return free >= ROOM * max(taken) + SPARE
