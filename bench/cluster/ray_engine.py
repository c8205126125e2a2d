"""The engine `ray`: Ray chooses the node of each block of a task, and another one if that is lost.

Only this module imports Ray. A node offers the custom resource `framebench_node`, of which a block
takes all, so that no two blocks disturb each other.
"""

from __future__ import annotations

import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bench.cluster.cluster_listener import ClusterListener, NodeState
from bench.cluster.node_block import NodeBlock, measure
from bench.cluster.node_board import Board, seldom
from bench.core.errors import FramebenchError, UsageError
from bench.core.record import Cell
from bench.core.shard import Shard
from bench.records import record_lines
from bench.records.kept_pictures import write_pictures
from bench.records.run_folder import RunFolder, read_info
from bench.run import given_weights, run_info
from bench.run.merging import merged_info
from bench.run.part_differences import check_origin
from bench.run.plan import Plan, devices_of
from bench.run.request import Request
from bench.run.resumption import EarlierRun
from bench.run.task_blocks import TaskBlock, planned

RESOURCE = "framebench_node"
PORT = 6379
# How often Ray gives a block to another node after one was lost; a block that takes its node with
# it, such as by its memory, would else go through all of them.
RETRIES = 3
# Seconds between two looks at what the nodes are at.
LOOK = 1.0
# Seconds for a head node to answer.
PATIENCE = 5.0


def _board(ray: Any) -> Any:
    """A board on the driver's node, so that none that measures takes it along when it is lost.

    A node that asks while it is being restarted waits for its answer.
    """
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        node_id=ray.get_runtime_context().get_node_id(), soft=False
    )
    board = ray.remote(Board).options(
        num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here
    )
    return board.remote()


def _on_node(
    request: Request,
    cells: Sequence[Cell],
    origin: Mapping[str, Any],
    weights: Mapping[str, bytes],
    board: Any,
) -> NodeBlock:
    """Measure a block on the node to which Ray has given it."""
    import ray

    node = ray.get_runtime_context().get_node_id()[:8]
    tell = seldom(lambda state: board.tell.remote(node, state))
    try:
        has_rates = ray.get(board.has_rates.remote(node))
        return measure(request, cells, origin, weights, node=node, has_rates=has_rates, tell=tell)
    finally:
        board.tell.remote(node, None)


def run(
    plan: Plan,
    listener: ClusterListener,
    earlier: EarlierRun | None,
    *,
    address: str | None,
) -> None:
    """Have nodes measure every block that is not there yet, and write their records as they come.

    No record is kept in memory. Raises UsageError if there is no cluster with nodes for it, and
    FramebenchError for nodes that do not belong together, and at the end for blocks that were lost.
    """
    started = time.monotonic()
    before = earlier.seconds if earlier else 0.0
    settled = earlier.settled if earlier else ()
    there = {TaskBlock(task=record.job.cell.task, block=record.job.block) for record in settled}
    repeats = plan.stopping.repeats
    every = planned(plan.whole, seed=plan.request.seed, blocks=repeats, shard=None)
    requests = [
        _of_block(plan, Shard(number=number, count=len(every)))
        for number, part in enumerate(every, start=1)
        if part not in there
    ]
    done, lost = len(every) - len(requests), []
    with _connected(address) as ray:
        listener.reached(ray.get_runtime_context().gcs_address, _kinds(ray.nodes()))
        folder = RunFolder(plan.folder)
        folder.write_info(_first_info(plan, earlier))
        info = read_info(plan.folder)  # in JSON's types, as nodes tell theirs
        board = _board(ray)
        pending = _submitted(ray, requests, plan, board)
        while pending:
            ready, pending = ray.wait(pending, timeout=LOOK)
            for reference in ready:
                block = _answer(ray, reference)
                if isinstance(block, str):
                    lost.append(block)
                    continue
                done += 1
                info = _with_block(info, block)
                board.keep_rates.remote(block.node)
                write_pictures(plan.folder, block.pictures)
                folder.append_lines(block.lines)
                folder.write_info(info)
                for line in block.lines:
                    listener.recorded(record_lines.record(line.encode()))
            listener.nodes(_states(ray, board), done=done, blocks=len(every))
    if lost:
        raise FramebenchError(f"{len(lost)} of {len(every)} blocks were lost: {lost[0]}")
    nodes = "1 node" if len(info["nodes"]) == 1 else f"{len(info['nodes'])} nodes"
    info["stopped"] = f"{repeats} blocks on {nodes}, as planned"
    info["wall_seconds"] = round(before + time.monotonic() - started, 1)
    folder.write_info(info)


def _first_info(plan: Plan, earlier: EarlierRun | None) -> dict[str, Any]:
    """What `run.json` says before a node measures; a new run has no node yet.

    As the nodes are not done in order, it says how many blocks of each task there will be.
    """
    info = earlier.info_from_now() if earlier else {**run_info.requested(plan), "nodes": {}}
    tasks = dict.fromkeys(cell.task for cell in plan.whole)
    return {**info, "blocks_by_task": dict.fromkeys(tasks, plan.stopping.repeats)}


def _of_block(plan: Plan, shard: Shard) -> Request:
    """The request of a block: with all that a node would else decide by what it is itself."""
    return replace(
        plan.request,
        engine="local",
        shard=shard,
        repeats=plan.stopping.repeats,
        spare=0,
        threads=plan.whole[0].threads,
        devices=devices_of(plan.request.devices),
        frameworks=list(dict.fromkeys(cell.framework for cell in plan.whole)),
        command="",
    )


def _with_block(info: dict[str, Any], block: NodeBlock) -> dict[str, Any]:
    """The run's `run.json` with what a node's block adds to it.

    Raises FramebenchError if the node's packages or data are not those of the others.
    """
    first = not info["nodes"]
    if not first:
        check_origin(info, block.info, of=f"node {block.node}")
    known = block.node in info["nodes"]
    added = {**block.info, "rates": [] if known else block.info["rates"]}
    merged = merged_info([info, added], [*info["nodes"], block.node])
    kept = ("request", "blocks_by_task", "resumed", "started")
    merged |= {key: info[key] for key in kept if key in info}
    if first:
        merged |= {key: block.info[key] for key in ("machine", "health")}
    return merged


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster. Raises UsageError without Ray, cluster, or nodes for blocks."""
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--engine ray needs Ray, here and on every node: install framebench with its extra, as "
            "by pip install '.[ray]' in its source"
        ) from None
    where = address if address is None or ":" in address else f"{address}:{PORT}"
    if where:
        _check_reachable(where)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=where or "auto", log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        what = f"at {where}" if where else "on this machine; give its --address"
        raise UsageError(f"no Ray cluster is found {what} ({error})") from None
    finally:
        for number, handler in handlers.items():  # of which Ray takes some
            signal.signal(number, handler)
    try:
        if not ray.cluster_resources().get(RESOURCE):
            raise UsageError(
                f"no node of the Ray cluster offers {RESOURCE}: start each that is to measure with "
                f"ray start --resources '{{\"{RESOURCE}\": 1}}'"
            )
        yield ray
    finally:
        ray.shutdown()


def _check_reachable(where: str) -> None:
    """Raises UsageError if nothing answers at HOST:PORT, for which Ray would wait for minutes."""
    host, _, port = where.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        raise UsageError(f"no Ray cluster answers at {where} ({error})") from None


def _submitted(ray: Any, requests: Sequence[Request], plan: Plan, board: Any) -> list[Any]:
    """References to the blocks, which Ray gives to nodes as they become free."""
    task = ray.remote(
        num_cpus=0,
        resources={RESOURCE: 1},
        max_retries=RETRIES,
        scheduling_strategy="SPREAD",
        # Else Ray hides the GPUs from a task that does not count them.
        runtime_env={"env_vars": {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}},
    )(_on_node)
    cells, origin = ray.put(plan.whole), ray.put(run_info.origin(plan))
    named = [cell.task for cell in plan.whole]
    weights = ray.put(given_weights.contents(plan.request.weights, named))
    return [task.remote(request, cells, origin, weights, board) for request in requests]


def _answer(ray: Any, reference: Any) -> NodeBlock | str:
    """A node's block, or why it was lost with its nodes.

    Raises FramebenchError for a block that failed, as the others would fail likewise.
    """
    try:
        block: NodeBlock = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise FramebenchError(f"a node cannot measure its block: {error.cause}") from error
    except ray.exceptions.RayError as error:
        return str(error).partition("\n")[0]
    return block


def _kinds(nodes: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """How many nodes are to measure, by the processors and GPUs that Ray counts in each."""
    offers = [node["Resources"] for node in nodes if node["Alive"]]
    return Counter(_kind(offer) for offer in offers if offer.get(RESOURCE))


def _kind(offer: Mapping[str, float]) -> str:
    types = [name.partition(":")[2] for name in offer if name.startswith("accelerator_type:")]
    words = [
        f"{offer[name]:g} {name}{'s' * (offer[name] != 1)}"
        for name in ("CPU", "GPU")
        if offer.get(name)
    ]
    return " ".join([", ".join(words), *(f"({name})" for name in types)])


def _states(ray: Any, board: Any) -> dict[str, NodeState]:
    """What nodes are at; nothing while the board is being restarted."""
    try:
        states: dict[str, NodeState] = ray.get(board.read.remote(), timeout=LOOK)
    except ray.exceptions.RayError:
        return {}
    return states
