"""What a person sees while something long goes on: live in a terminal, a line a step elsewhere.

All of it goes to standard error; standard output is for results. Nothing redraws by itself: the
display moves when there is news, so that it costs no processor time while a worker measures.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.analysis import contention, processes
from bench.core.listener import Listener
from bench.core.record import Record
from bench.report.common.text import count_text, percent, seconds_text
from bench.run.campaign import CampaignListener

STDERR = Console(stderr=True)

_GOOD = ("ready", "proved")


def wide_console() -> Console:
    """Standard output. A file or a pipe has no width of its own: there nothing is cut."""
    console = Console()
    if not console.is_terminal:
        console.width = 160
    return console


Shown = TypeVar("Shown", bound="_Display")


class _Display:
    """Live in a terminal while it is entered."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self: Shown) -> Shown:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()


class SetupDisplay(_Display, Listener):
    """Environments, data and proofs being made: a line each."""

    def __init__(self, console: Console = STDERR) -> None:
        super().__init__(console)
        self._states: dict[str, str] = {}

    def phase(self, subject: str, name: str) -> None:
        self._show(subject, name, final=False)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._show(subject, f"{done:,} of {total:,}", final=False)

    def finished(self, subject: str, outcome: str) -> None:
        self._show(subject, outcome, final=True)

    def _show(self, subject: str, state: str, *, final: bool) -> None:
        # Called from several threads at once; rich's console has a lock of its own.
        elapsed = seconds_text(time.monotonic() - self._begun)
        if not self._console.is_terminal:
            if final or subject not in self._states:
                line = f"{subject}: {state} ({elapsed})"
                self._console.print(line, highlight=False, soft_wrap=True)
            self._states[subject] = state
            return
        self._states[subject] = state
        grid = Table.grid(padding=(0, 2))
        for name, at in sorted(self._states.items()):
            grid.add_row(Text(name, "bold"), Text(at, "green" if at in _GOOD else "dim"))
        grid.add_row(Text("elapsed", "dim"), Text(elapsed, "dim"))
        self._live.update(grid, refresh=True)


class RunDisplay(_Display, CampaignListener):
    """A run: the cell that is measured, how far it is, what is done, and the time left."""

    def __init__(self, jobs: int, console: Console = STDERR) -> None:
        super().__init__(console)
        self._jobs = jobs
        self._finished = 0

    def _left(self) -> str:
        """Time left, by the pace so far."""
        if not self._finished:
            return "time left: not known yet"
        pace = (time.monotonic() - self._begun) / self._finished
        return f"about {seconds_text(pace * (self._jobs - self._finished))} left"

    def _show(self, subject: str, doing: str) -> None:
        if not self._console.is_terminal:
            return
        position = f"[{self._finished + 1}/{self._jobs}]"
        line = Text.assemble(
            (position, "bold"), f" {subject}  {doing}  ", (f"({self._left()})", "dim")
        )
        line.no_wrap = True
        line.truncate(self._console.width, overflow="ellipsis")
        self._live.update(line, refresh=True)

    def phase(self, subject: str, name: str) -> None:
        self._show(subject, name)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._show(subject, f"train, step {done:,} of {total:,}")

    def finished(self, subject: str, outcome: str) -> None:
        self._show(subject, outcome)

    def extended(self, jobs: int, why: str) -> None:
        """So many jobs are added to the run."""
        self._jobs += jobs
        self._console.print(f"one more block: {why}", style="dim", highlight=False)

    def recorded(self, record: Record) -> None:
        """A line that stays: what came of one job."""
        self._finished += 1
        found = record.reason
        if record.measurement:
            pace = count_text(processes.throughput(record, contention.contended(record)))
            accuracy = percent(record.measurement.evaluations[-1].accuracy)
            found = f"{pace} samples/s, accuracy {accuracy}"
        style = "green" if record.status == "ok" else "yellow"
        self._console.print(
            Text.assemble(
                f"[{self._finished}/{self._jobs}] {record.job.cell} ",
                (record.status, style),
                f" {found} ({seconds_text(record.wall_seconds)})",
            ),
            highlight=False,
            soft_wrap=True,
        )
