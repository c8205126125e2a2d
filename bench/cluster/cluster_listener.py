"""What a run on a cluster reports while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.core.record import Record


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """What a node is at: its block of a task, and in words what it is `doing` for it.

    It is `ready` when environments, data and proofs are there, so that the block begins.
    """

    block: str
    ready: bool = False
    doing: str = ""


class ClusterListener(Protocol):
    """Receives a cluster's records, and what each of its nodes is at."""

    def reached(self, address: str, kinds: Mapping[str, int]) -> None:
        """The cluster's head has answered: how many nodes are to measure, by what they have."""

    def recorded(self, record: Record) -> None:
        """A job is done, and its record is on the disk."""

    def nodes(self, states: Mapping[str, NodeState], *, done: int, blocks: int) -> None:
        """What each node is at, by its name; `done` of the `blocks` of a task are done."""
