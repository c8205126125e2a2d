"""What a run on a cluster reports while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bench.core.record import Record


class ClusterListener(Protocol):
    """Receives a cluster's records, and what each of its nodes is at."""

    def recorded(self, record: Record) -> None:
        """A job is done, and its record is on the disk."""

    def nodes(self, states: Mapping[str, str], *, done: int, blocks: int) -> None:
        """What each node is at, by its name; `done` of the `blocks` of a task are done."""
