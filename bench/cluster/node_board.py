"""Where the nodes of a cluster tell each other and the driver what they are at."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.cluster.cluster_listener import NodeState

# Seconds between two words of a node.
WORD = 5.0


class Board:
    """Where nodes write what they are at, and read whether their rates are known; an actor."""

    def __init__(self) -> None:
        self._states: dict[str, NodeState] = {}
        self._with_rates: set[str] = set()

    def keep_rates(self, node: str) -> None:
        self._with_rates.add(node)

    def has_rates(self, node: str) -> bool:
        return node in self._with_rates

    def tell(self, node: str, state: NodeState | None) -> None:
        if state:
            self._states[node] = state
        else:
            self._states.pop(node, None)

    def read(self) -> dict[str, NodeState]:
        return self._states


def seldom(tell: Callable[[NodeState], object]) -> Callable[[NodeState], None]:
    """Passes on few of many states, so that telling them disturbs nothing that is measured.

    That a node is ready is always passed on.
    """
    last, ready = -WORD, False

    def sometimes(state: NodeState) -> None:
        nonlocal last, ready
        if time.monotonic() - last >= WORD or state.ready != ready:
            last, ready = time.monotonic(), state.ready
            tell(state)

    return sometimes
