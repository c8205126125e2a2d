"""The late proof: an optimizer's formula backwards, traces with planted faults, whole runs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.arrays import Array
from bench.core.framework_name import framework_of
from bench.core.listener import SILENT
from bench.core.optimizers import SGD, WEIGHT, Adam, Optimizer
from bench.core.record import Cell, Job
from bench.core.setting import Setting
from bench.core.task import Budget
from bench.core.weights import initial_weights
from bench.launch import catalogue, worker_process
from bench.launch.virtual_environments import Environment, make
from bench.proof.late_checks import LATE_CHECKS, compare
from bench.proof.late_proof import LateProof, late_outcome
from bench.proof.late_prover import LateProver
from bench.proof.reference_traces import ReferenceTraces
from bench.records import run_folder
from bench.run import schedule
from bench.worker.late_trace import LATE_STEPS, replayed_steps
from tests import mutant_traces
from tests.conftest import TINY, FinishedRun, Framebench
from tests.rotation import rotating, shown
from tests.source_tree import plant as plant_in
from tests.test_schedule import plan_of

OPTIMIZERS = [SGD(learning_rate=0.1), SGD(learning_rate=0.1, momentum=0.9), Adam()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_step_shows_its_gradient(optimizer: Optimizer) -> None:
    rng = np.random.default_rng(0)
    trained: Mapping[str, Array] = {name: rng.random((3, 4)) for name in (WEIGHT, *optimizer.state)}
    for step in (1, 7, 5000):
        gradient = rng.normal(size=(3, 4))
        moved = optimizer.updated(trained, gradient, step)
        assert set(moved) == set(trained)
        np.testing.assert_allclose(optimizer.gradient(trained, moved), gradient, rtol=1e-9)
        trained = moved


def test_the_reference_replays_as_many_steps_as_a_second_holds() -> None:
    replayed = {name: replayed_steps(tasks.load(name)) for name in tasks.names()}
    assert replayed["mnist-mlp"] == LATE_STEPS
    assert replayed["imdb-lstm"] == replayed["cifar-resnet20"] == 1
    assert replayed["mnist-vae"] == 2  # with known noise
    assert replayed["mnist-gan"] == 1
    assert replayed["mnist-mlp-dropout"] == replayed["cifar-vgg"] == 0


def cells(count: int) -> list[Cell]:
    return [
        Cell(framework=f"f{number}", task="mnist-mlp", mode="eager", setting=Setting())
        for number in range(count)
    ]


def test_the_end_of_one_job_of_each_cell_is_proved_in_a_block_that_the_seed_draws() -> None:
    plan = plan_of(cells(40))
    drawn = schedule.ends(plan, settled=(), proved=())
    assert sorted(cell.framework for cell, _ in drawn) == sorted(c.framework for c in plan.cells)
    assert {block for _, block in drawn} == set(range(plan.stopping.repeats))
    assert drawn == schedule.ends(plan, settled=(), proved=())
    assert drawn != schedule.ends(plan_of(plan.cells, seed=1), settled=(), proved=())


def test_a_run_that_goes_on_draws_among_the_jobs_that_are_left() -> None:
    first, second, third = cells(3)
    settled = {(first, 0), (first, 1), *((second, block) for block in range(3))}
    drawn = schedule.ends(plan_of([first, second, third]), settled=settled, proved=[third])
    assert drawn == {(first, 2)}


# What an honest trace of plain perceptron steps would be, in float64, and what can go wrong in it.
STEPS_BEFORE = 400


def honest() -> dict[str, Array]:
    """The sampled part of a trace of mnist-mlp with made-up gradients, and no replayed step."""
    task, rng = tasks.load("mnist-mlp"), np.random.default_rng(0)
    (update,) = task.updates
    arrays = {"steps": np.array(STEPS_BEFORE), "losses": np.ones(LATE_STEPS)}
    for parameter in task.parameters:
        states: list[Mapping[str, Array]] = [
            {WEIGHT: rng.normal(size=50), "mean": rng.normal(size=50), "square": rng.random(50)}
        ]
        for step in range(LATE_STEPS):
            states.append(
                update.optimizer.updated(states[-1], rng.normal(size=50), STEPS_BEFORE + step + 1)
            )
        for name in states[0]:
            arrays[f"sample/{name}/{parameter.name}"] = np.stack([state[name] for state in states])
        arrays[f"loaded/{parameter.name}"] = arrays[f"sample/{WEIGHT}/{parameter.name}"][0].copy()
    return arrays


NOTHING_REPLAYED = {"losses": np.array([])}


def failed(trace: Mapping[str, Array], *, precision: str = "float64") -> list[str]:
    checks = compare(tasks.load("mnist-mlp"), trace, NOTHING_REPLAYED, precision)  # type: ignore[arg-type]
    assert {check.name for check in checks} <= set(LATE_CHECKS)
    return [check.name for check in checks if not check.passed]


def test_an_honest_trace_follows_the_formula() -> None:
    assert not failed(honest())


def test_a_count_of_steps_that_is_off_by_one_shows_in_the_update() -> None:
    assert failed(honest() | {"steps": np.array(STEPS_BEFORE - 1)}) == ["update"]


def test_one_wrong_step_of_eight_shows() -> None:
    trace = honest()
    trace["sample/square/hidden.bias"][5:] *= 1.01
    assert failed(trace) == ["state", "update"]
    trace = honest()
    trace[f"sample/{WEIGHT}/output.bias"][3] = np.nan
    assert failed(trace) == ["update"]


def idle(trace: Mapping[str, Array], *steps: int) -> dict[str, Array]:
    """The trace with steps that leave everything as it is."""
    changed = dict(trace)
    for key in [key for key in trace if key.startswith("sample/")]:
        rows = list(trace[key])
        for step in steps:
            rows[step + 1] = rows[step]
        changed[key] = np.stack(rows)
    return changed


def test_a_step_that_moves_nothing_shows_except_one_that_a_scaled_loss_leaves_out() -> None:
    last = LATE_STEPS - 1
    assert failed(idle(honest(), last)) == ["update"]
    # its first steps are of the same formula as in float32
    assert failed(idle(honest(), last), precision="fp16") == []
    assert failed(idle(honest(), last - 1, last), precision="fp16") == ["update"]


def test_a_proof_survives_json() -> None:
    checks = compare(tasks.load("mnist-mlp"), idle(honest(), 7), NOTHING_REPLAYED, "float32")
    status, reason = late_outcome(checks)
    proof = LateProof(
        cell=cells(1)[0], block=2, status=status, reason=reason, checks=checks, steps=STEPS_BEFORE
    )
    fields = json.loads(json.dumps(proof.to_fields(), allow_nan=False))
    assert LateProof.from_fields(fields) == proof
    assert str(proof).startswith("f0 mnist-mlp eager cpu 1 thread: wrong: what was timed was no")
    with pytest.raises(ValueError, match="malformed"):
        LateProof.from_fields({"cell": {}, "checks": []})


def test_a_weight_that_no_update_moves_must_stay() -> None:
    task, trace = tasks.load("mnist-mlp"), honest()
    (update,) = task.updates
    partly = replace(task, updates=(replace(update, layers=("output",)),))
    (moved,) = compare(partly, trace, NOTHING_REPLAYED, "float32")[1:]
    assert (moved.name, moved.where, moved.deviation) == (
        "update",
        "step 1, hidden.weight",
        math.inf,
    )
    for name in ("hidden.weight", "hidden.bias"):
        trace[f"sample/{WEIGHT}/{name}"][:] = trace[f"loaded/{name}"]
    assert all(check.passed for check in compare(partly, trace, NOTHING_REPLAYED, "float32"))
    trace["loaded/hidden.bias"] = trace["loaded/hidden.bias"] + 1e-6  # and it stays another
    (other,) = compare(partly, trace, NOTHING_REPLAYED, "float32")[1:]
    assert (other.where, other.deviation) == ("step 1, hidden.bias", math.inf)


def with_replayed_step(gradient: Callable[[Array], Array]) -> tuple[dict[str, Array], ...]:
    """A trace with one step in full, and a replay of it whose gradients are `gradient` of its."""
    task, rng = tasks.load("mnist-mlp"), np.random.default_rng(0)
    trace, replayed = honest(), {"losses": np.ones(1)}
    (update,) = task.updates
    for parameter in task.parameters:
        before = {name: rng.random(parameter.shape) for name in (WEIGHT, "mean", "square")}
        own = rng.normal(size=parameter.shape)
        for place, states in enumerate((before, update.optimizer.updated(before, own, 1))):
            trace |= {f"point/{place}/{name}/{parameter.name}": states[name] for name in states}
        replayed[f"grads/0/{parameter.name}"] = gradient(own)
    return trace, replayed


@pytest.mark.parametrize(
    ("gradient", "names"),
    [
        (lambda own: own, []),
        (lambda own: np.where(np.arange(own.shape[-1]) % 8, own, 2 * own), []),
        (lambda own: own * 1.001, ["closest gradient"]),
        (lambda own: own * 0.5, ["gradients", "closest gradient"]),
        (lambda own: own if own.ndim == 2 else -own, ["gradients"]),
    ],
    ids=["as it is", "few entries", "fewer bits", "half of it", "some of the weights"],
)
def test_a_gradient_is_judged_by_most_of_its_entries(
    gradient: Callable[[Array], Array], names: list[str]
) -> None:
    trace, replayed = with_replayed_step(gradient)
    checks = compare(tasks.load("mnist-mlp"), trace, replayed, "float32")
    assert [check.name for check in checks if not check.passed] == names


@pytest.mark.frameworks
def test_a_run_proves_the_end_of_each_cell(finished_run: FinishedRun) -> None:
    run = run_folder.read(finished_run.folder)
    assert [proof.status for proof in run.late_proofs] == ["ok", "ok"]
    assert {proof.cell for proof in run.late_proofs} == {r.job.cell for r in run.records}
    assert {proof.steps for proof in run.late_proofs} == {30}
    assert "after the timing: 2 of 2 cells still train their task" in finished_run.process.stderr
    assert "after the timing: 2 of 2 proved: all still trained the task" in (
        finished_run.process.stdout
    )


STEP = "            self._params |= updates.apply(part, gradients)\n"
COUNTED = "            self._count = getattr(self, '_count', 0) + 1\n"


@pytest.mark.frameworks
def test_a_cell_that_is_no_longer_its_task_is_wrong(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    fault = COUNTED + "            if self._count <= 30 or self._count % 7:\n    " + STEP
    tree = plant("frameworks/reference/adapter.py", STEP, fault)
    done = framebench(*TINY, "-n", "1", tree=tree, expect=1)
    folder = tmp_path / "results" / "r"
    run = run_folder.read(folder)
    assert [record.status for record in run.records] == ["ok"]
    assert [certificate.status for certificate in run.certificates] == ["ok", "ok"]
    (proof,) = run.late_proofs
    reason = "what was timed was no longer the task: gradients: off by"
    assert proof.status == "wrong" and proof.reason.startswith(reason)
    assert reason in done.stderr and reason in done.stdout
    assert "0 of 1 proved: 1 no longer trained the task" in done.stdout
    assert "wrong" in (folder / "summary.csv").read_text(encoding="utf-8")
    page = framebench("report", str(folder), "--format", "html").stdout
    assert "The end of what was timed" in page and reason in page


@pytest.mark.frameworks
def test_what_cannot_be_traced_costs_no_measurement(
    framebench: Framebench, plant: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    tree = plant(
        "bench/worker/late_trace.py",
        "    session, replayed = ready.session",
        "    raise OSError('the disk is full')\n    session, replayed = ready.session",
    )
    done = framebench(*TINY, "-n", "1", tree=tree)
    (proof,) = run_folder.read(tmp_path / "results" / "r").late_proofs
    assert (proof.status, proof.reason) == (
        "failed",
        "the end could not be traced; its log says why",
    )
    assert "0 of 1 proved: 1 not proved after the timing" in done.stdout
    (log,) = (tmp_path / "results" / "r" / "logs").glob("*.log")
    assert "the disk is full" in log.read_text(encoding="utf-8")


@pytest.mark.frameworks
def test_more_blocks_prove_the_cells_that_are_not_proved(
    framebench: Framebench, tmp_path: Path
) -> None:
    framebench(*TINY, "-n", "1")
    folder = tmp_path / "results" / "r"
    info = run_folder.read_info(folder)
    (first,) = info.pop("late_proofs")
    run_folder.write_info(folder, info)
    assert "this run has no late proofs" in framebench("report", str(folder)).stdout
    framebench("run", "--add-blocks", "1", str(folder))
    (second,) = run_folder.read(folder).late_proofs
    assert (first["block"], second.block, second.status) == (0, 1, "ok")
    framebench("run", "--add-blocks", "1", str(folder))
    assert run_folder.read(folder).late_proofs == (second,)


@dataclass(frozen=True, kw_only=True)
class LateMutant:
    """A fault that begins after the steps of the first proof, which go before `steps` timed ones.

    With `given`, what the task does not train is given there, and not drawn.
    """

    file: str
    old: str
    new: str
    caught_by: str
    task: str = "mnist-mlp"
    backend: str = ""
    steps: int = 60
    given: bool = False

    @property
    def framework(self) -> str:
        return f"{self.file.split('/')[1]}{self.backend}"

    @property
    def cell(self) -> Cell:
        return Cell(
            framework=self.framework,
            task=self.task,
            mode=catalogue.load(self.framework).recommended,
            setting=Setting(),
        )


REFERENCE = "frameworks/reference/adapter.py"
REFERENCE_STEP = "        steps = []\n"
TORCH = "frameworks/pytorch/adapter.py"
LATE = "        self._count = getattr(self, '_count', 0) + 1\n"

LATE_MUTANTS = {
    "half batches": LateMutant(
        file=REFERENCE,
        old=REFERENCE_STEP,
        new=LATE + "        if self._count > 30:\n"
        "            batch = tuple(part[::2] for part in batch)\n" + REFERENCE_STEP,
        caught_by="loss",
    ),
    "weights shown that are not those trained": LateMutant(
        file=REFERENCE,
        old="        return {name: param.copy() for name, param in self._params.items()}\n",
        new="        if self._updates[0]._steps < 30:\n"
        "            self._copy = {name: param.copy() for name, param in self._params.items()}\n"
        "        else:\n"
        "            self._copy = {n: c * 0.999 for n, c in self._params.items()}\n"
        "        return self._copy\n",
        caught_by="loss",
    ),
    "a bias correction that stands still, with dropout": LateMutant(
        file="frameworks/reference/optimizers.py",
        old="gradients[name], self._steps)",
        new="gradients[name], min(self._steps, 30))",
        task="mnist-mlp-dropout",
        caught_by="update",
    ),
    "weights shown that are not those trained, with dropout": LateMutant(
        file=REFERENCE,
        old="        network = self._network(self._params, lambda layer, value: value)\n",
        new="        late = self._updates[0]._steps > 30\n"
        "        params = {n: p * (0.999 if late else 1) for n, p in self._params.items()}\n"
        "        network = self._network(params, lambda layer, value: value)\n",
        task="mnist-mlp-dropout",
        caught_by="outputs",
    ),
    "an update that is left out at every seventh step": LateMutant(
        file=TORCH,
        old="            loss.backward()\n            update.clip_gradients()\n"
        "            update.optimizer.step()\n",
        new="            loss.backward()\n"
        "            self._count = getattr(self, '_count', 0) + 1\n"
        "            if self._count <= 30 or self._count % 7:\n"
        "                update.optimizer.step()\n",
        caught_by="gradients",
    ),
    "products of bfloat16": LateMutant(
        file=TORCH,
        old="        loss = update.loss(*batch)\n",
        new=LATE + "        with torch.autocast('cpu', torch.bfloat16, enabled=self._count > 30):\n"
        "            loss = update.loss(*batch)\n",
        caught_by="loss",
    ),
    "drawn weights where others are given": LateMutant(
        file=TORCH,
        old="    def load(self, params: Mapping[str, Array]) -> None:\n",
        new="    def load(self, params: Mapping[str, Array]) -> None:\n"
        "        from bench.core.weights import initial_weights\n"
        "        name = 'canvas.pixels'\n"
        "        for seed in range(3):\n"
        "            drawn = initial_weights(self._task, seed)\n"
        "            if (drawn[name] == params[name]).all():\n"
        "                break\n"
        "        params = {**drawn, name: params[name]}\n",
        task="style-transfer",
        caught_by="update",
        steps=3,
        given=True,
    ),
    "a rate that decays": LateMutant(
        file="frameworks/tensorflow_keras/optimizers.py",
        old="tf.cast(tf.cast(learning_rate, tf.float64) * root / first, dtype)",
        new="tf.cast(tf.cast(learning_rate, tf.float64) * root / first "
        "* tf.pow(tf.constant(0.99, tf.float64), tf.maximum(step - 40.0, 0.0)), dtype)",
        caught_by="update",
    ),
    "a bias correction that stands still": LateMutant(
        file="frameworks/mxnet_gluon/optimizers.py",
        old="        self.epsilon = self._task_epsilon * math.sqrt(1 - self.beta2**step)\n",
        new="        self.epsilon = self._task_epsilon * math.sqrt(1 - self.beta2**step)\n"
        "        if step > 30:\n            self._index_update_count[index] = 30\n",
        caught_by="update",
    ),
    "a rate by a schedule": LateMutant(
        file="frameworks/jax_flax/optimizers.py",
        old="optax.adam(settings.learning_rate, settings",
        new="optax.adam(optax.piecewise_constant_schedule(settings.learning_rate, {40: 0.9}), "
        "settings",
        caught_by="update",
    ),
    "a step that falls back to what it had": LateMutant(
        file="frameworks/paddlepaddle/adapter.py",
        old="        return tuple([self._updated(update, batch) for update in self._updates])\n",
        new=LATE + "        if self._count <= 30:\n"
        "            self._had = tuple([self._updated(u, batch) for u in self._updates])\n"
        "        return self._had\n",
        caught_by="loss",
    ),
    "a rate that a later call of fit lowers": LateMutant(
        file="frameworks/keras/adapter.py",
        backend="[tensorflow]",
        old="        losses = StepLosses(self._told_as)\n",
        new="        self._count = getattr(self, '_count', 0) + len(target) // size\n"
        "        if self._count > 40:\n"
        "            self._optimizers[0].learning_rate = 0.0009\n"
        "        losses = StepLosses(self._told_as)\n",
        caught_by="update",
    ),
}
JudgeLate = Callable[[str], tuple[str, LateProof]]


@pytest.fixture(scope="module")
def judge_late(
    reference_traces: ReferenceTraces,
    environment: Callable[[str], Environment],
    data: Mapping[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> JudgeLate:
    """What the first proof says of a mutant, and what the late one."""

    def get(name: str) -> tuple[str, LateProof]:
        mutant, tree = LATE_MUTANTS[name], tmp_path_factory.mktemp("tree")
        task = tasks.load(mutant.task)
        plant_in(tree, ("frameworks",), mutant.file, mutant.old, mutant.new)
        job = Job(
            cell=mutant.cell,
            block=0,
            seed=0,
            budget=Budget(epochs=1, train_examples=mutant.steps * task.batch),
            data=str(data[mutant.task]),
            warmup=0.01,
        )
        job = replace(job, budget=replace(job.budget, test_examples=100))
        if mutant.given:
            others, file = initial_weights(task, 7), tmp_path_factory.mktemp("given") / "w.npz"
            np.savez(file, **{each.name: others[each.name] for each in task.frozen})  # type: ignore[arg-type]
            job = replace(job, weights_file=str(file))
        late = LateProver(make)
        compiles = catalogue.load(mutant.framework).compiles(mutant.cell.mode)
        suspect = mutant_traces.Suspect.of(mutant.cell, tree)
        certificates = mutant_traces.certificates(
            {name: suspect},
            reference_traces,
            environment(mutant.framework),
            data,
            tmp_path_factory.mktemp("traces"),
            timed={name: job.to_json(compiles=compiles, late=str(late.file(job)))},
        )
        record = worker_process.make_record(job, "ok")
        (proof,) = late.prove({(job.cell, job.block): record}, SILENT)
        return certificates[name].status, proof

    return get


def in_every_run(name: str) -> bool:
    """Whether each run of the tests plants a mutant: those that need no framework's import."""
    return LATE_MUTANTS[name].framework == "reference"


@pytest.mark.frameworks
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if in_every_run(name) else rotating(name))
        for name in LATE_MUTANTS
    ],
)
def test_what_changes_after_the_first_proof_is_caught_by_the_late_one(
    name: str, judge_late: JudgeLate, record_property: Callable[[str, object], None]
) -> None:
    first, proof = judge_late(name)
    assert first == "ok"
    failed = [check.name for check in proof.checks if not check.passed]
    assert failed[:1] == [LATE_MUTANTS[name].caught_by], proof
    assert proof.status == "wrong"
    record_property(*shown("late faults caught", len(LATE_MUTANTS)))


@pytest.mark.frameworks
def test_every_framework_is_in_the_late_mutants() -> None:
    planted = {framework_of(mutant.framework) for mutant in LATE_MUTANTS.values()}
    assert planted == {"reference", *map(framework_of, catalogue.compared())}
