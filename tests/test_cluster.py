"""A run on the nodes of a Ray cluster equals that of one machine, also if a node is lost."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.cluster_display import ClusterDisplay
from bench.cli.display import PlainConsole
from bench.cluster.cluster_listener import NodeState
from bench.cluster.node_block import NodeListener
from bench.cluster.node_board import seldom
from bench.cluster.ray_engine import RESOURCE, _board, _connected, _kinds
from bench.launch import catalogue
from bench.records import run_folder
from bench.run.task_blocks import TaskBlock
from bench.run.time_left import TimeLeft
from tests.conftest import Framebench, in_a_process
from tests.test_boundaries import PYTHON_FILES, imported, path_in_tree
from tests.test_merge import REAL, outcome

# Seconds that a whole run on the cluster may take.
PATIENCE = 400


def test_only_the_engine_imports_ray() -> None:
    importing = [
        path_in_tree(file)
        for file in PYTHON_FILES
        if any(module.split(".")[0] == "ray" for module in imported(file))
    ]
    assert importing == ["bench/cluster/ray_engine.py"]


def test_without_ray_the_error_says_what_to_install(tmp_path: Path) -> None:
    """In a process that cannot import it, as where the extra is not installed."""
    code = (
        "import sys; sys.modules['ray'] = None; "
        "sys.argv = ['framebench', 'run', '--engine', 'ray', '-t', 'mnist-mlp', '--name', 'r']; "
        "from bench.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install '.[ray]'" in done.stderr
    assert not (tmp_path / "results" / "r").exists()  # its name is still free


def test_an_address_where_nothing_answers_is_said_at_once(framebench: Framebench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        where = f"127.0.0.1:{closed.getsockname()[1]}"
        arguments = ("run", "--engine", "ray", "--address", where, "-t", "mnist-mlp", "--name", "r")
        error = framebench(*arguments, expect=2).stderr
    assert f"no Ray cluster answers at {where}" in error


def test_the_time_left_on_a_cluster_runs_down(monkeypatch: pytest.MonkeyPatch) -> None:
    display = ClusterDisplay(TimeLeft(cells=[], blocks=4, done=set()))
    display._started = 0.0
    lefts = []
    for done, now in ((0, 50.0), (1, 100.0), (1, 110.0), (1, 500.0), (2, 500.0)):
        monkeypatch.setattr("bench.cli.cluster_display.time.monotonic", lambda now=now: now)
        lefts.append(display._until_end(done, 4 - done))
    times = ("5 min 00 s", "4 min 50 s", "0.0 ms", "8 min 20 s")
    assert lefts == ["time left: unknown yet", *(f"about {time} left" for time in times)]


def test_where_nobody_watches_the_beginning_is_said_at_once() -> None:
    """That the head is reached, and once of each node that it prepares, and that it begins."""
    out = io.StringIO()
    display = ClusterDisplay(
        TimeLeft(cells=[], blocks=3, done=set()), console=PlainConsole(file=out)
    )
    display.reached("head:6379", {"16 CPUs": 2, "8 CPUs, 1 GPU (H100)": 1})
    preparing = NodeState(block="block 0 of mnist-mlp", doing="pytorch: installing")
    ready = replace(preparing, ready=True)
    for states in ({"a": preparing}, {"a": preparing}, {"a": ready, "b": preparing}, {}):
        display.nodes(states, done=0, blocks=3)
    display.nodes({"a": replace(ready, block="block 2 of mnist-mlp")}, done=1, blocks=3)
    assert out.getvalue().splitlines() == [
        "the Ray cluster at head:6379 is reached, with 3 nodes to measure: 2 with 16 CPUs; 1 with "
        "8 CPUs, 1 GPU (H100)",
        "each node prepares environments, data and proofs before its first block",
        "node a prepares for block 0 of mnist-mlp",
        "node a is ready and begins block 0 of mnist-mlp",
        "node b prepares for block 0 of mnist-mlp",
        "node a is ready and begins block 2 of mnist-mlp",
    ]


def test_only_nodes_that_measure_are_counted() -> None:
    offers: list[tuple[bool, dict[str, float]]] = [
        (True, {"CPU": 4.0}),
        (False, {"CPU": 4.0, RESOURCE: 1.0}),
        (True, {"CPU": 16.0, RESOURCE: 1.0}),
        (True, {"CPU": 16.0, "GPU": 2.0, "accelerator_type:H100": 1.0, RESOURCE: 1.0}),
    ]
    nodes = [{"Alive": alive, "Resources": resources} for alive, resources in offers]
    assert _kinds(nodes) == {"16 CPUs": 1, "16 CPUs, 2 GPUs (H100)": 1}


def test_that_a_node_is_ready_is_told_at_once() -> None:
    told: list[NodeState] = []
    listener = NodeListener(TaskBlock(task="mnist-mlp", block=2), seldom(told.append))
    listener.phase("pytorch", "installing")
    listener.ready()
    listener.phase("pytorch", "warm-up")
    assert [(state.block, state.ready) for state in told] == [
        ("block 2 of mnist-mlp", False),
        ("block 2 of mnist-mlp", True),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--engine", "slurm"), "slurm"),
        (("--engine", "ray", "--shard", "1/2"), "--engine ray and --shard exclude each other"),
        (("--engine", "ray", "--until", "2%"), "--engine ray and --until exclude each other"),
        (("--engine", "ray", "--env", "like:x"), "--env like:RUN exclude each other"),
        (("--engine", "ray", "--wait-for-quiet", "1m"), "--wait-for-quiet waits on this machine"),
        (("--address", "head"), "--address has no effect without --engine ray"),
    ],
)
def test_options_that_exclude_each_other(
    arguments: tuple[str, ...], words: str, framebench: Framebench, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    error = framebench("run", "-t", "mnist-mlp", "--name", "r", *arguments, expect=2).stderr
    assert words in error and error.count("\n") == 1


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Ray cluster of a head without blocks and three nodes, all on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(catalogue.TREE))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # What the machine has of it is shared by all; without it a node is not lost for want of memory.
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        for _ in range(3):
            cluster.add_node(num_cpus=1, resources={RESOURCE: 1})
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_nodes_that_are_lost_take_no_board_along(cluster: Any) -> None:
    """And who asks one that is being restarted gets an answer, not an error."""
    with _connected(cluster.address) as ray:
        boards = [_board(ray) for _ in range(4)]  # that all lie with the driver by chance is rare
        ray.get([board.keep_rates.remote("a") for board in boards])
        for node in list(cluster.worker_nodes):
            cluster.remove_node(node, allow_graceful=False)
        assert ray.get([board.has_rates.remote("a") for board in boards]) == [True] * 4
        ray.kill(boards[0], no_restart=False)
        # Of the old one or of the new, which knows nothing; a call that fails would raise here.
        answers = ray.get([boards[0].has_rates.remote("a") for _ in range(20)])
        assert set(answers) <= {True, False}


def node_of_a_worker(cluster: Any) -> Any:
    """The node on which a framework's worker trains, once there is one."""
    import psutil

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for node in cluster.worker_nodes:
            (raylet,) = node.all_processes["raylet"]
            for child in psutil.Process(raylet.process.pid).children(recursive=True):
                if any("worker/launch.py" in word for word in child.cmdline()):
                    return node
        time.sleep(0.2)
    raise AssertionError("no node has begun to measure")


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_that_loses_a_node_measures_what_one_machine_does(
    cluster: Any, framebench: Framebench, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    framebench(*REAL, "--spare", "0", "--name", "alone")
    driver = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench", *REAL, "--name", "r", "--engine", "ray"),
            *("--address", cluster.address),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE), "COLUMNS": "160"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lost = node_of_a_worker(cluster)
    name = lost.node_id[:8]
    cluster.remove_node(lost, allow_graceful=False)
    printed, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, errors
    alone, run = run_folder.read(results / "alone"), run_folder.read(results / "r")
    assert sorted(map(outcome, run.records)) == sorted(map(outcome, alone.records))
    assert run.finished and not run.lost and not run.lines.left_out
    nodes = {record.node for record in run.records}
    assert nodes == set(run.info["nodes"]) and name not in nodes and 1 <= len(nodes) <= 2
    assert {proof.status for proof in run.late_proofs} == {"ok"} and len(run.late_proofs) == 1
    assert run.certificates == alone.certificates
    assert re.search(r"stopped: 3 blocks on \d nodes?, as planned", printed)
    assert not any("processor's vendor" in caveat.text for caveat in run.caveats)
    assert "is reached, with 3 nodes to measure: 3 with 1 CPU" in errors
    begun = re.findall(r"^node (\w+) is ready and begins block \d of mnist-mlp$", errors, re.M)
    assert nodes <= set(begun) and "side by side, with what they prepared" in printed


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")
def test_a_driver_that_is_killed_goes_on(cluster: Any, tmp_path: Path) -> None:
    """With what is on the disk: blocks that are there are not measured again."""
    arguments = (*REAL, "--name", "r", "--engine", "ray", "--address", cluster.address)
    run = tmp_path / "results" / "r"
    driver = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(catalogue.TREE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + PATIENCE
    while not (run / "records.jsonl").exists() and time.monotonic() < until:
        time.sleep(0.2)
    driver.kill()
    driver.wait()
    first = (run / "records.jsonl").read_bytes().splitlines()[0]
    assert not run_folder.read(run).finished
    done = in_a_process(*("run", "--resume", "r", "--address", cluster.address), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    finished = run_folder.read(run)
    assert (run / "records.jsonl").read_bytes().splitlines()[0] == first
    assert finished.finished and sorted(r.job.seed for r in finished.records) == [0, 1, 2]
