"""The progress of long work: live in a terminal, and line by line elsewhere.

All of it goes to standard error; standard output is for results. The display is only redrawn when
there is news, so that it uses no processor time while a worker measures.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bench.analysis import contention, processes
from bench.core.listener import Listener
from bench.core.plugins import Broken
from bench.core.record import Cell, Record
from bench.report.common.text import count_text, seconds_text
from bench.run.campaign_listener import CampaignListener
from bench.run.time_left import TimeLeft
from bench.system.plain_text import plain


class PlainConsole(Console):
    """A console that shows texts as they are: nothing in them is markup, or acts on a terminal.

    Whoever reads its output may go away, which raises BrokenPipeError.
    """

    def __init__(self, *, force_terminal: bool | None = None, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, force_terminal=force_terminal, **options)
        self._in_terminal = force_terminal

    @property
    def in_terminal(self) -> bool:
        """Whether it writes to a terminal.

        Rich's own `is_terminal` also takes a file for one where colours are forced (FORCE_COLOR).
        """
        return self.file.isatty() if self._in_terminal is None else self._in_terminal

    @property
    def can_redraw(self) -> bool:
        """Whether it writes to a terminal, in which rich moves the cursor."""
        return self.in_terminal and self.is_terminal and not self.is_dumb_terminal

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            # Those with a control code are the console's own.
            if segment.control:
                yield segment
            else:
                yield Segment(plain(segment.text, keep="\n"), segment.style)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # instead of ending the process


STDERR = PlainConsole(stderr=True)

_GOOD = ("ready", "proved")
# Where nobody watches, a line says after so many seconds how far a run is.
SECONDS_A_LINE = 60.0


def wide_console() -> PlainConsole:
    """Standard output; wide if it is a file or a pipe, so that nothing is cut off."""
    console = PlainConsole()
    if not console.in_terminal:
        console.size = ConsoleDimensions(160, console.height)
    return console


Shown = TypeVar("Shown", bound="_Display")


class _Display:
    """A display that is live in a terminal within its `with` block."""

    def __init__(self, console: PlainConsole) -> None:
        self._console = console
        self._started = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self: Shown) -> Shown:
        if self._console.can_redraw:
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
    """One line for each environment, data set and proof that is being prepared."""

    def __init__(self, console: PlainConsole = STDERR) -> None:
        super().__init__(console)
        self._states: dict[str, str] = {}

    def leave_out(self, parts: Iterable[Broken]) -> None:
        """Say what of the installed plug-ins cannot be used, and why."""
        for part in parts:
            self.finished(part.distribution, f"{part.what} is left out: {part.reason}")

    def phase(self, subject: str, name: str) -> None:
        self._show(subject, name, final=False)

    def progress(self, subject: str, done: int, total: int) -> None:
        self._show(subject, f"{done:,} of {total:,}", final=False)

    def finished(self, subject: str, outcome: str) -> None:
        self._show(subject, outcome, final=True)

    def _show(self, subject: str, state: str, *, final: bool) -> None:
        # Called from several threads at once; rich's console has a lock of its own.
        elapsed = seconds_text(time.monotonic() - self._started)
        if not self._console.can_redraw:
            if final or subject not in self._states:
                line = f"{subject}: {state} ({elapsed})"
                self._console.print(line, highlight=False, soft_wrap=True)
            self._states[subject] = state
            return
        self._states[subject] = state
        grid = Table.grid(padding=(0, 2))
        for name, latest in sorted(self._states.items()):
            grid.add_row(Text(name, "bold"), Text(latest, "green" if latest in _GOOD else "dim"))
        grid.add_row(Text("elapsed", "dim"), Text(elapsed, "dim"))
        self._live.update(grid, refresh=True)


class RunDisplay(_Display, CampaignListener):
    """A run: the current cell and its progress, the finished jobs, and the time left.

    Where nobody watches, as in CI or a pipe, a line a minute says how far it is.
    """

    def __init__(self, time_left: TimeLeft, *, console: PlainConsole = STDERR) -> None:
        super().__init__(console)
        self._time_left = time_left
        self._jobs = time_left.jobs
        self._finished = len(time_left.done)
        self._together = 0  # jobs that take turns, whose own phases change too often to be read
        self._printed = self._started

    def _left(self) -> str:
        seconds = self._time_left.seconds()
        return (
            "time left: unknown yet" if seconds is None else f"about {seconds_text(seconds)} left"
        )

    def _show(self, subject: str, activity: str) -> None:
        position = f"[{min(self._finished + 1, self._jobs)}/{self._jobs}]"
        if not self._console.can_redraw:
            if time.monotonic() - self._printed > SECONDS_A_LINE:
                self._printed = time.monotonic()
                text = f"{position} {subject}  {activity}  ({self._left()})"
                self._console.print(text, style="dim", highlight=False, soft_wrap=True)
            return
        line = Text.assemble(
            (position, "bold"), f" {subject}  {activity}  ", (f"({self._left()})", "dim")
        )
        line.no_wrap = True
        line.truncate(self._console.width, overflow="ellipsis")
        self._live.update(line, refresh=True)

    def phase(self, subject: str, name: str) -> None:
        self._time_left.begin()
        if self._together < 2:
            self._show(subject, name)

    def progress(self, subject: str, done: int, total: int) -> None:
        if self._together < 2:
            self._show(subject, f"train, step {done:,} of {total:,}")

    def turns(self, cells: Sequence[Cell], done: float) -> None:
        """Show how far the jobs are that take turns."""
        self._together = len(cells)
        if cells:
            self._time_left.begin(cells)
        else:
            self._time_left.idle()
        if self._together > 1:
            self._show(cells[0].task, f"{len(cells)} cells take turns, {done:.0%} done")

    def finished(self, subject: str, outcome: str) -> None:
        self._show(subject, outcome)

    def extended(self, jobs: int, why: str) -> None:
        """Print why another block, of `jobs` jobs, is added."""
        self._jobs += jobs
        self._time_left.extended()
        self._console.print(f"one more block: {why}", style="dim", highlight=False)

    def proved(self, summary: str, objections: Sequence[str]) -> None:
        """Print of how many cells it was the task to the end, and a line for each other one."""
        self._console.print(f"after the timing: {summary}", style="dim", highlight=False)
        for objection in objections:
            self._console.print(objection, style="yellow", highlight=False, soft_wrap=True)

    def recorded(self, record: Record) -> None:
        """Print the result of a job, in a line that stays."""
        from bench.records import snapshot_taking  # what a run has loaded, but not its help

        self._finished += 1
        self._printed = time.monotonic()
        self._time_left.recorded(record)
        result, disturbed = record.reason, ""
        if record.measurement:
            marks = contention.contended(record)
            pace = count_text(processes.throughput(record, marks))
            metric = snapshot_taking.metric(record.job.cell.task)
            final = metric.text(record.measurement.evaluations[-1].metric)
            result = f"{pace} samples/s, {metric.name} {final}"
            if contention.disturbed(marks):
                disturbed = f"  disturbed: others took cores in {contention.share(marks):.0%} of it"
        style = "green" if record.status == "ok" else "yellow"
        self._console.print(
            Text.assemble(
                f"[{self._finished}/{self._jobs}] {record.job.cell} ",
                (record.status, style),
                f" {result} ({seconds_text(record.wall_seconds)})",
                (disturbed, "yellow"),
            ),
            highlight=False,
            soft_wrap=True,
        )
