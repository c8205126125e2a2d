"""The machines of a run, which of them are alike, and what to mind where there are several.

Ratios are taken within a block of a task, and so within a machine; a pace is that of its machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.grouping import grouped


@dataclass(frozen=True, kw_only=True)
class NodeKind:
    """Machines with the same processor, number of usable cores, and GPUs.

    `nodes` are their names in records, and `machine` the facts of the first, as
    `bench.launch.machine.describe` tells them.
    """

    nodes: tuple[str, ...]
    machine: Mapping[str, Any]


def node_kinds(info: Mapping[str, Any], names: Iterable[str]) -> tuple[NodeKind, ...]:
    """The kinds of the machines with these names in records, in their order; at least one.

    `info` is the run's `run.json`. A machine that it does not describe is taken to be the run's
    own, as are those of records that name none.
    """
    nodes: Mapping[str, Mapping[str, Any]] = info.get("nodes", {})
    names = list(dict.fromkeys(names)) or [""]
    groups = grouped(names, lambda name: _kind(nodes.get(name, info.get("machine", {}))))
    return tuple(
        NodeKind(nodes=tuple(group), machine=nodes.get(group[0], info.get("machine", {})))
        for group in groups.values()
    )


def _kind(machine: Mapping[str, Any]) -> tuple[object, ...]:
    gpus = tuple(gpu["name"] for gpu in machine.get("gpus", []))
    return machine.get("cpu"), machine.get("cores_usable"), gpus


def node_words(kinds: Sequence[NodeKind]) -> str:
    """What readers must know of figures from several machines; "" for those from one."""
    nodes = sum(len(kind.nodes) for kind in kinds)
    if len(kinds) > 1:
        return (
            f"measured on {nodes} machines of {len(kinds)} kinds: ratios are taken within a block, "
            "and so within a machine; paces, seconds, memory and energy are means over unlike "
            "machines, and the pace on each kind has a table of its own"
        )
    if nodes > 1:
        return (
            f"measured on {nodes} machines of one kind, each block of a task on one of them: "
            "machines of a kind differ too, which widens the intervals of paces, but not those of "
            "ratios"
        )
    return ""
