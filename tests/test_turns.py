"""Processes that take turns: their order, their memory, and what becomes of those that fail."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from itertools import repeat
from pathlib import Path

import psutil
import pytest

from bench import tasks
from bench.core.listener import SILENT, Silent
from bench.core.record import Cell, Job, Record, Status
from bench.core.setting import Setting
from bench.core.task import Budget
from bench.health.load_checks import OtherLoad
from bench.launch import catalogue, worker_process
from bench.launch.conversation import JobEndedError
from bench.launch.virtual_environments import make
from bench.launch.worker_messages import Waiting
from bench.launch.worker_process import WorkerSpec
from bench.run.campaign_listener import CampaignListener
from bench.run.preparation import prepare_data
from bench.run.turns import ROOM, SPARE, Together
from bench.system import children
from bench.worker.clock import Account
from bench.worker.own_turns import Turns
from bench.worker.training import measure
from frameworks.reference.adapter import ReferenceAdapter

MEBIBYTE = 1 << 20


class Heard(Silent, CampaignListener):
    """The shares that were done before each turn."""

    def __init__(self) -> None:
        self.shares: list[float] = []

    def turns(self, cells: Sequence[Cell], done: float) -> None:
        self.shares.append(done)

    def recorded(self, record: Record) -> None: ...

    def extended(self, jobs: int, why: str) -> None: ...


def cell_of(name: str) -> Cell:
    return Cell(framework=name, task="mnist-mlp", mode="eager", setting=Setting())


def life(
    name: str,
    diary: list[str],
    *,
    turns: int,
    memory: int = MEBIBYTE,
    fails_in: int | None = None,
    seconds: float = 0.0,
) -> Generator[Waiting, float, Record]:
    """A job that is done after so many turns, or fails in one; it keeps a diary."""
    status: Status = "ok"
    reason = ""
    try:
        for turn in range(turns):
            yield Waiting(done=turn / turns, resident_bytes=memory, device_bytes=None)
            diary.append(name)
            time.sleep(seconds)
            if turn == fails_in:
                status = "crashed"
                break
    except JobEndedError as error:
        status, reason = error.status, str(error)
    finally:
        diary.append(f"{name} ends")
    job = Job(cell=cell_of(name), block=0, seed=0, budget=Budget(epochs=1), data="data")
    return Record(job=job, batch=1, status=status, reason=reason, source_digest="")


def together(
    *,
    seed: int = 0,
    usual: Mapping[Cell, float] | None = None,
    load: OtherLoad | None = None,
    listener: Heard | None = None,
) -> Together:
    heard = listener or Heard()
    return Together("cpu", seed=seed, usual=usual or {}, others=lambda: load, listener=heard)


def take_turns(
    diary: list[str], *, seed: int = 0, memory: int = MEBIBYTE, **turns: int
) -> list[Record]:
    jobs = {
        cell_of(name): life(name, diary, turns=count, memory=memory)
        for name, count in turns.items()
    }
    return list(together(seed=seed).run(jobs))


def test_every_round_has_each_job_once_in_an_order_of_its_own() -> None:
    diary: list[str] = []
    records = take_turns(diary, a=50, b=50, c=50)
    assert {record.companions for record in records} == {3} and len(records) == 3
    turns = [entry for entry in diary if len(entry) == 1]
    rounds = [tuple(turns[at : at + 3]) for at in range(3, 3 * 49, 3)]
    assert sum(sorted(order) == ["a", "b", "c"] for order in rounds) > len(rounds) / 2
    assert len(set(rounds)) > 5
    again: list[str] = []
    take_turns(again, a=50, b=50, c=50)
    assert again == diary  # the seed decides
    other: list[str] = []
    take_turns(other, seed=1, a=50, b=50, c=50)
    assert other != diary


def test_a_job_with_more_to_do_takes_more_turns_and_ends_with_the_others() -> None:
    diary: list[str] = []
    take_turns(diary, short=5, long=100)
    done = {"short": 0, "long": 0}
    for entry in diary:
        if entry in done:
            done[entry] += 1
            if max(done.values()) > 1 and done["short"] < 5:
                # never further apart than two turns of the one with the fewest
                assert abs(done["short"] / 5 - done["long"] / 100) <= 2 / 5
    assert done == {"short": 5, "long": 100}


def test_a_job_that_fails_leaves_the_others_their_turns() -> None:
    diary: list[str] = []
    jobs = {
        cell_of("a"): life("a", diary, turns=3, fails_in=0),
        cell_of("b"): life("b", diary, turns=3),
        cell_of("c"): life("c", diary, turns=0),  # ends before its first turn
    }
    records = {record.job.cell.framework: record for record in together().run(jobs)}
    assert {name: record.status for name, record in records.items()} == {
        "a": "crashed",
        "b": "ok",
        "c": "ok",
    }
    assert records["b"].companions == 2 and records["c"].companions is None


def test_where_memory_is_short_they_go_one_after_another() -> None:
    diary: list[str] = []
    huge = int(psutil.virtual_memory().total / ROOM) + SPARE
    records = take_turns(diary, memory=huge, a=2, b=2)
    assert diary == ["a", "a", "a ends", "b", "b", "b ends"]
    assert [record.companions for record in records] == [1, 1]


def test_all_processes_are_ended_when_a_run_is_interrupted() -> None:
    diary: list[str] = []
    jobs = {cell_of(name): life(name, diary, turns=9 if name == "a" else 1) for name in "abc"}
    running = together().run(jobs)
    next(running)
    running.close()
    assert {entry for entry in diary if entry.endswith("ends")} == {"a ends", "b ends", "c ends"}


def test_the_share_that_is_done_never_falls() -> None:
    heard = Heard()
    jobs = {cell_of(name): life(name, [], turns=7) for name in "abc"}
    list(together(listener=heard).run(jobs))
    assert heard.shares == sorted(heard.shares) and heard.shares[-1] == 1


BUSY = OtherLoad(cores=1.9, allowed=0.1, makers={"make": 1.9})


@pytest.mark.parametrize(
    ("usual", "load", "given_up"),
    [
        (0.001, BUSY, True),
        (0.001, OtherLoad(cores=0.05, allowed=0.1, makers={}), False),  # slow by itself
        (0.001, OtherLoad(cores=0.3, allowed=0.1, makers={}), False),  # not for so little
        (0.001, None, False),  # the system does not tell
        (60.0, BUSY, False),
        (None, BUSY, False),  # never measured before
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_a_job_that_others_slow_tenfold_is_given_up(
    usual: float | None, load: OtherLoad | None, given_up: bool, alone: bool
) -> None:
    diary: list[str] = []
    jobs = {cell_of("a"): life("a", diary, turns=9, seconds=0.005)}
    if not alone:
        jobs[cell_of("b")] = life("b", diary, turns=9)
    before = {} if usual is None else {cell_of("a"): usual}
    records = list(together(usual=before, load=load).run(jobs))
    found = {record.job.cell.framework: record for record in records}
    if not alone:
        assert found["b"].status == "ok" and diary.count("b") == 9
    if given_up:
        assert found["a"].status == "timeout" and 2 <= diary.count("a") < 9
        assert found["a"].reason == (
            "given up after 0.0 s, where it took 0.0 s before, as others use 1.90 cores: "
            "make 1.90; --resume measures it again"
        )
    else:
        assert found["a"].status == "ok" and diary.count("a") == 9
    assert "a ends" in diary


def test_others_are_seldom_looked_at_for_a_job_that_is_slow_by_itself() -> None:
    looked: list[int] = []

    def others() -> OtherLoad | None:
        looked.append(1)
        return None

    jobs = {cell_of("a"): life("a", [], turns=200, seconds=0.001)}
    usual = {cell_of("a"): 0.0}  # rounded to nothing
    list(Together("cpu", seed=0, usual=usual, others=others, listener=Heard()).run(jobs))
    assert 2 <= len(looked) <= 12  # 200 times as long: half as often each time


def job_of_the_reference(tmp_path: Path) -> tuple[Job, WorkerSpec]:
    framework = catalogue.load("reference")
    data = prepare_data(["mnist-softmax"], "synthetic", SILENT)
    job = Job(
        cell=Cell(framework="reference", task="mnist-softmax", mode="eager", setting=Setting()),
        block=0,
        seed=0,
        budget=Budget(epochs=1, train_examples=1920, test_examples=100),
        data=str(data["mnist-softmax"]),
        warmup=0.1,
    )
    spec = WorkerSpec(
        framework=framework,
        environment=make(framework, "cpu", SILENT),
        setting=job.cell.setting,
        log=tmp_path / "log",
        timeout=60,
    )
    return job, spec


@pytest.mark.frameworks
def test_a_worker_that_is_given_up_is_gone(tmp_path: Path) -> None:
    job, spec = job_of_the_reference(tmp_path)
    running = worker_process.run_job(job, spec, pictures=tmp_path, listener=SILENT)
    (record,) = together(usual={job.cell: 1e-6}, load=BUSY).run({job.cell: running})
    assert record.status == "timeout" and not record.measurement
    assert record.reason.startswith("given up after ") and record.reason.endswith("; see log")
    assert record.wall_seconds > 0 and not children.live()


@pytest.mark.frameworks
def test_a_worker_is_stopped_between_its_turns(tmp_path: Path) -> None:
    """With all of its threads; and that time counts neither as its own nor against its limit."""
    job, spec = job_of_the_reference(tmp_path)
    running = worker_process.run_job(job, spec, pictures=tmp_path, listener=SILENT)
    waiting = next(running)
    assert waiting.done == 0 and waiting.resident_bytes > MEBIBYTE
    (leader,) = children.live()
    for _ in range(100):  # the signal reaches a thread when it next runs, or at a tick
        state = psutil.Process(leader).status()
        if state == psutil.STATUS_STOPPED:
            break
        time.sleep(0.05)
    assert state == psutil.STATUS_STOPPED
    with pytest.raises(StopIteration) as end:
        while True:
            running.send(math.inf)
    record: Record = end.value.value
    assert record.status == "ok" and record.measurement
    assert sum(record.measurement.windows.steps) == 30


class Told(Silent):
    """How often each phase was told, and how often progress."""

    def __init__(self) -> None:
        self.phases: Counter[str] = Counter()
        self.progressed = 0

    def phase(self, subject: str, name: str) -> None:
        self.phases[name] += 1

    def progress(self, subject: str, done: int, total: int) -> None:
        self.progressed += 1


def test_epochs_of_a_millisecond_are_not_told_one_by_one(mnist: Path) -> None:
    """A busy runner would keep the worker waiting, in no column of its seconds."""
    cell = Cell(framework="reference", task="mnist-softmax", mode="eager", setting=Setting())
    budget = Budget(epochs=1, train_examples=128, test_examples=100)
    job = Job(cell=cell, block=0, seed=0, budget=budget, data=str(mnist), warmup=0.01, seconds=0.3)
    told = Told()
    measured, _ = measure(
        job,
        tasks.load("mnist-softmax"),
        ReferenceAdapter(),
        turns=Turns(repeat("inf"), lambda event, **fields: None),
        listener=told,
        account=Account(),
        import_seconds=0.0,
        check_execution=lambda session: None,
        late=None,
    )
    assert max(measured.windows.epoch) > 20
    assert told.phases["train on"] == 1
    assert told.progressed <= 2
