"""What a campaign reports while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bench.core.listener import Listener
from bench.core.record import Cell, Record


class CampaignListener(Listener, Protocol):
    """Receives a run's records, turns and added blocks, besides the progress of its jobs."""

    def turns(self, cells: Sequence[Cell], done: float) -> None:
        """The jobs of these cells take turns; `done` is the share of the one with most to do.

        None of them is left when all have ended.
        """

    def recorded(self, record: Record) -> None:
        """A job is done, and its record is on the disk."""

    def extended(self, jobs: int, why: str) -> None:
        """Another block, of `jobs` jobs, is added to the planned ones."""

    def proved(self, summary: str, objections: Sequence[str]) -> None:
        """All is timed, and it is known of which cells it was the task to the end."""
