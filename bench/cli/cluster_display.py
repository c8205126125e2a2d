"""The progress of a run on a cluster: what every node is at, in one display."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from bench.cli.display import SECONDS_A_LINE, RunDisplay
from bench.cluster.cluster_listener import ClusterListener
from bench.report.common.text import seconds_text


class ClusterDisplay(RunDisplay, ClusterListener):
    """The finished jobs, and the nodes with the blocks that are done and the time left."""

    _before: int | None = None
    _done: int = 0
    _end: float = 0.0  # by the clock, as of the last block that was done

    def nodes(self, states: Mapping[str, str], *, done: int, blocks: int) -> None:
        """Show what each node is at; where nobody watches, a line a minute."""
        self._before = done if self._before is None else self._before
        left = self._until_end(done - self._before, blocks - done)
        nodes = "1 node" if len(states) == 1 else f"{len(states)} nodes"
        title = f"[{done}/{blocks} blocks of a task] {nodes} at work ({left})"
        if not self._console.is_terminal:
            if time.monotonic() - self._printed > SECONDS_A_LINE:
                self._printed = time.monotonic()
                self._console.print(title, style="dim", highlight=False, soft_wrap=True)
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_row(Text(title, "bold"))
        for node, state in sorted(states.items()):
            grid.add_row(Text(f"node {node}: {state}", "dim", no_wrap=True, overflow="ellipsis"))
        self._live.update(grid, refresh=True)

    def _until_end(self, done: int, left: int) -> str:
        """The time for the blocks left, if they take as long as those that are done."""
        if not done:
            return "time left: unknown yet"
        now = time.monotonic()
        if done != self._done:
            self._done, self._end = done, now + (now - self._started) / done * left
        return f"about {seconds_text(max(0.0, self._end - now))} left"
