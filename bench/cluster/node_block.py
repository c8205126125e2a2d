"""What a node of a cluster does: prepare whatever it lacks, and measure one block of a task.

A block is a shard of the run that has nothing else in it, so it has the seeds, the proofs and the
order of the whole run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.cluster.cluster_listener import NodeState
from bench.core.errors import FramebenchError
from bench.core.record import Cell, Record
from bench.records import run_folder
from bench.records.kept_pictures import pictures_of
from bench.run import campaign, given_weights, run_info, schedule
from bench.run.campaign_listener import CampaignListener
from bench.run.part_differences import check_origin
from bench.run.plan import plan_in
from bench.run.preparation import prepare
from bench.run.request import Request
from bench.run.task_blocks import TaskBlock

NAME = "block"


@dataclass(frozen=True, kw_only=True)
class NodeBlock:
    """A block of a task from a node: its `run.json`, its records' lines, and their pictures."""

    node: str
    info: Mapping[str, Any]
    lines: tuple[str, ...]
    pictures: Mapping[str, bytes]


class NodeListener(CampaignListener):
    """Tells what a node is at for a block."""

    def __init__(self, block: TaskBlock, tell: Callable[[NodeState], None]) -> None:
        self._state = NodeState(block=f"block {block.block} of {block.task}")
        self._tell = tell
        self._say("preparing")

    def ready(self) -> None:
        """All is prepared, and the block begins."""
        self._state = replace(self._state, ready=True)
        self._say("beginning")

    def _say(self, doing: str) -> None:
        self._tell(replace(self._state, doing=doing))

    def phase(self, subject: str, name: str) -> None:
        self._say(f"{subject}: {name}")

    def progress(self, subject: str, done: int, total: int) -> None:
        self._say(f"{subject}: {done:,} of {total:,}")

    def finished(self, subject: str, outcome: str) -> None:
        self._say(f"{subject}: {outcome}")

    def turns(self, cells: Sequence[Cell], done: float) -> None:
        if cells:
            self._say(f"{len(cells)} cells take turns, {done:.0%} done")

    def recorded(self, record: Record) -> None:
        self._say(f"{record.job.cell}: {record.status}")

    def extended(self, jobs: int, why: str) -> None:
        raise AssertionError("a node measures what is planned")

    def proved(self, summary: str, objections: Sequence[str]) -> None:
        self._say(f"after the timing: {summary}")


def measure(
    request: Request,
    cells: Sequence[Cell],
    origin: Mapping[str, Any],
    weights: Mapping[str, bytes],
    *,
    node: str,
    has_rates: bool,
    tell: Callable[[NodeState], None],
) -> NodeBlock:
    """Measure the block that the request's shard is, on this machine, which is called `node`.

    The machine's rates are measured unless it `has_rates` from an earlier block.
    `cells` are those of the whole run, `origin` tells its source, and `weights` are those that a
    user gave, by task. Raises FramebenchError if this machine has others, or the data cannot be
    obtained.
    """
    with tempfile.TemporaryDirectory(prefix="framebench-") as folder:
        place = Path(folder) / NAME
        plan = plan_in(place, replace(request, results=Path(folder), name=NAME))
        check_origin(origin, run_info.origin(plan), of=f"node {node}")
        if list(plan.whole) != list(cells):
            raise FramebenchError(f"node {node} does not belong to the run: it has other cells")
        given_weights.receive(request.weights, weights)
        (part,) = schedule.own_parts(plan)
        listener = NodeListener(part, tell)
        preparation = prepare(plan, listener, rates=[] if has_rates else None)
        listener.ready()
        campaign.run(plan, preparation, listener)
        run = run_folder.read(place)
        return NodeBlock(
            node=node,
            info={**run.info, "nodes": {node: run.info["machine"]}},
            lines=tuple(replace(record, node=node).to_json() for record in run.records),
            pictures=pictures_of(run),
        )
