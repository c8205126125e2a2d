"""What a campaign reports while it runs."""

from __future__ import annotations

from typing import Protocol

from bench.core.listener import Listener
from bench.core.record import Record


class CampaignListener(Listener, Protocol):
    """Receives a run's records and added blocks, besides the progress of its jobs."""

    def recorded(self, record: Record) -> None:
        """A job is done, and its record is on the disk."""

    def extended(self, jobs: int, why: str) -> None:
        """Another block, of `jobs` jobs, is added to the planned ones."""
