"""The progress of a run on a cluster: what every node is at, in one display.

Where nobody watches, a line says when a node has another block, and when it begins to measure it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from bench.cli.display import SECONDS_A_LINE, STDERR, PlainConsole, RunDisplay
from bench.cluster.cluster_listener import ClusterListener, NodeState
from bench.report.common.text import seconds_text
from bench.run.time_left import TimeLeft


class ClusterDisplay(RunDisplay, ClusterListener):
    """The finished jobs, and the nodes with the blocks that are done and the time left."""

    _before: int | None = None
    _done: int = 0
    _end: float = 0.0  # by the clock, as of the last block that was done

    def __init__(self, time_left: TimeLeft, *, console: PlainConsole = STDERR) -> None:
        super().__init__(time_left, console=console)
        self._told: dict[str, tuple[str, bool]] = {}

    def reached(self, address: str, kinds: Mapping[str, int]) -> None:
        """Print which nodes are to measure, and what they begin with."""
        counted = [f"{count} with {kind or 'no CPU'}" for kind, count in kinds.items()]
        nodes = f"{_nodes(sum(kinds.values()))} to measure: {'; '.join(counted)}"
        self._line(f"the Ray cluster at {address} is reached, with {nodes}")
        self._line("each node prepares environments, data and proofs before its first block")

    def nodes(self, states: Mapping[str, NodeState], *, done: int, blocks: int) -> None:
        """Show what each node is at; where nobody watches, what is new, and a line a minute."""
        self._before = done if self._before is None else self._before
        left = self._until_end(done - self._before, blocks - done)
        title = f"[{done}/{blocks} blocks of a task] {_nodes(len(states))} at work ({left})"
        if not self._console.can_redraw:
            self._tell_new(states)
            if time.monotonic() - self._printed > SECONDS_A_LINE:
                self._printed = time.monotonic()
                self._line(title)
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_row(Text(title, "bold"))
        for node, state in sorted(states.items()):
            text = f"node {node}: {state.block}: {state.doing}"
            grid.add_row(Text(text, "dim", no_wrap=True, overflow="ellipsis"))
        self._live.update(grid, refresh=True)

    def _tell_new(self, states: Mapping[str, NodeState]) -> None:
        """Print which nodes prepare or begin another block than when they were last seen."""
        for node, state in sorted(states.items()):
            if self._told.get(node) != (state.block, state.ready):
                self._told[node] = (state.block, state.ready)
                what = "is ready and begins" if state.ready else "prepares for"
                self._line(f"node {node} {what} {state.block}")

    def _line(self, text: str) -> None:
        self._console.print(text, style="dim", highlight=False, soft_wrap=True)

    def _until_end(self, done: int, left: int) -> str:
        """The time for the blocks left, if they take as long as those that are done."""
        if not done:
            return "time left: unknown yet"
        now = time.monotonic()
        if done != self._done:
            self._done, self._end = done, now + (now - self._started) / done * left
        return f"about {seconds_text(max(0.0, self._end - now))} left"


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
