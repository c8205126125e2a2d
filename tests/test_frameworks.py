"""Every real framework in its own environment, on a small part of the data."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import tasks
from bench.core.framework_name import framework_of
from bench.core.listener import SILENT
from bench.core.setting import Setting, Tuning
from bench.launch import catalogue, machine, worker_process
from bench.launch.paths import CACHE_VARIABLE, cache_dir
from bench.launch.virtual_environments import Environment
from bench.proof.certificate import Certificate, Claim
from bench.proof.prover import Prover
from bench.proof.tolerances import EARLY_STEPS, TOLERANCES
from bench.records import run_folder
from bench.report.proof import proof_forms
from tests.conftest import Framebench, asked
from tests.rotation import rotating, shown

pytestmark = pytest.mark.frameworks


def _claims() -> Iterator[Claim]:
    """Everything that the frameworks claim on a CPU, except further modes of heavy tasks.

    A compiler other than the recommended one takes minutes for a heavy task.
    """
    names = [(framework, task) for framework in catalogue.compared() for task in tasks.names()]
    for framework, task in names:
        if not catalogue.load(framework).supports(tasks.load(task).network):
            continue
        if framework_of(framework) == "keras":
            yield from _claims_of_keras(framework, task)
            continue
        modes, recommended = catalogue.load(framework).modes, catalogue.load(framework).recommended
        heavy, headline = tasks.load(task).heavy, tasks.load(task).headline
        for precision in ("float64", "float32"):
            for mode in [recommended] if heavy else modes:
                for threads in [1] if heavy else [1, 2]:
                    setting = Setting(precision=precision, threads=threads)
                    yield Claim(framework=framework, task=task, mode=mode, setting=setting)
            if not heavy:
                setting = Setting(precision=precision, tuning="default")
                yield Claim(framework=framework, task=task, mode=recommended, setting=setting)
        if headline and catalogue.load(framework).computes("bf16", "cpu"):
            setting = Setting(precision="bf16")
            yield Claim(framework=framework, task=task, mode=recommended, setting=setting)


def _claims_of_keras(framework: str, task: str) -> Iterator[Claim]:
    """By `fit` on every task that is not heavy; in each other mode on the perceptron.

    On a graph in each other mode, too. On PyTorch and, uncompiled, on JAX a loop over time takes
    minutes there. On JAX, Keras has one optimizer.
    """
    described = catalogue.load(framework)
    if tasks.load(task).heavy:
        return
    if framework == "keras[jax]" and len(tasks.load(task).updates) > 1:
        return
    in_every_mode = task == "mnist-mlp" or tasks.load(task).matrices
    for precision in ("float64", "float32"):
        for mode in described.modes if in_every_mode else [described.recommended]:
            setting = Setting(precision=precision)
            yield Claim(framework=framework, task=task, mode=mode, setting=setting)


# Tasks whose proof takes some frameworks a minute or more: one by the draws of four dropout layers,
# the other by a vocabulary of thousands at every step.
DEAR = ("imdb-transformer", "multi30k-seq2seq")


def alone(task: str) -> bool:
    """Whether the claims of a task rotate one by one."""
    return tasks.load(task).heavy or task in DEAR


def always(claim: Claim) -> bool:
    """Whether each run of the tests proves the claim: recommended, without rounding, not dear.

    Of a framework's backends, only on the first.
    """
    if alone(claim.task) or claim.framework not in catalogue.usual():
        return False
    recommended = catalogue.load(claim.framework).recommended
    return claim.mode == recommended and claim.setting == Setting(precision="float64")


def process_of(claim: Claim) -> str:
    """What one process proves: all tasks of a framework in one mode and setting.

    Its claims rotate together: starting it and importing the framework costs as much as proving a
    small task. A heavy or dear task rotates by itself.
    """
    return str(claim if alone(claim.task) else replace(claim, task="every task"))


CLAIMS = list(_claims())
NO_AVX512 = "avx512bw" not in machine.cpu_flags()
NO_BF16_HERE = re.compile("has no bf16 .*on this processor")


def needs_avx512(claim: Claim) -> bool:
    """Whether oneDNN has no other code for the claim in bfloat16: MXNet's, and PyTorch's LSTM."""
    return claim.framework == "mxnet_gluon" or (
        claim.framework == "pytorch" and claim.task == "imdb-lstm"
    )


@pytest.fixture(scope="session")
def certificates(request: pytest.FixtureRequest, prover: Prover) -> Mapping[Claim, Certificate]:
    """The certificates of all chosen claims, which are proved in parallel."""
    return prover.prove(asked(request, "certificates", "claim"), SILENT)


@pytest.mark.timeout(0)  # the first test waits for all proofs; the prover ends a silent process
@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(
            claim, id=str(claim), marks=[] if always(claim) else rotating(process_of(claim))
        )
        for claim in CLAIMS
    ],
)
def test_a_framework_trains_the_task_that_it_claims_to(
    claim: Claim,
    certificates: Mapping[Claim, Certificate],
    record_property: Callable[[str, object], None],
) -> None:
    certificate = certificates[claim]
    if claim.precision == "bf16" and NO_AVX512 and needs_avx512(claim):
        assert certificate.status == "unsupported"
        assert NO_BF16_HERE.search(certificate.reason)
        return
    assert certificate.status == "ok", certificate.reason
    assert certificate.checks and all(check.passed for check in certificate.checks)
    if claim.precision == "bf16":
        assert "rounding" in {check.name for check in certificate.checks}
    setting = claim.setting
    record_property(
        *shown(
            "claims proved",
            len(CLAIMS),
            framework=claim.framework,
            mode=claim.mode,
            precision=setting.precision,
            threads=setting.threads,
            tuning=setting.tuning,
        )
    )


def test_a_framework_without_bf16_on_the_cpu_is_unsupported(framebench: Framebench) -> None:
    done = framebench("verify", "--json", "--precision", "bf16", "-f", "paddlepaddle", expect=1)
    for certificate in proof_forms.from_json(done.stdout):
        assert certificate.status == "unsupported"
        assert certificate.reason == "PaddlePaddle has no bf16 on cpu"


@pytest.mark.parametrize(
    ("framework", "variable", "task"),
    [
        ("mxnet_gluon", "DNNL_MAX_CPU_ISA", "mnist-mlp"),
        ("pytorch", "ONEDNN_MAX_CPU_ISA", "imdb-lstm"),
    ],
)
def test_a_claim_is_unsupported_where_the_processor_has_no_bf16(
    framebench: Framebench,
    plant: Callable[[str, str, str], Path],
    framework: str,
    variable: str,
    task: str,
) -> None:
    old = "\n[environment]\n"
    # oneDNN then takes the processor for an older one.
    tree = plant(f"frameworks/{framework}/framework.toml", old, f'{old}{variable} = "AVX2"\n')
    chosen = ("-f", framework, "-t", task, "--precision", "bf16")
    done = framebench("verify", "--json", *chosen, tree=tree, expect=1)
    certificates = proof_forms.from_json(done.stdout)
    assert certificates and {certificate.status for certificate in certificates} == {"unsupported"}
    assert all(NO_BF16_HERE.search(certificate.reason) for certificate in certificates)


def test_workers_leave_nothing_in_the_home_of_the_command(
    framebench: Framebench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras and Paddle keep files there from one process to the next."""
    monkeypatch.setenv(CACHE_VARIABLE, str(cache_dir()))
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for variable, folder in (("HOME", home), ("TMPDIR", temporary)):
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    both = ("-f", "tensorflow_keras", "-f", "paddlepaddle")
    framebench("verify", *both, "-t", "mnist-softmax", "--precision", "float64", "--fresh")
    assert not list(home.iterdir()) and not list(temporary.iterdir())


def run_module(
    environment: Environment, arguments: tuple[str, ...], setting: Setting, *, scratch: Path
) -> str:
    """Run a module of the tests, MODULE FRAMEWORK ..., as a worker runs; what it prints."""
    variables = worker_process.variables(catalogue.load(arguments[1]), setting, scratch=scratch)
    done = subprocess.run(
        [str(environment.python), "-m", *arguments],
        cwd=catalogue.TREE,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        *((name, "expert") for name in catalogue.compared()),
        *(
            pytest.param(name, "default", marks=rotating(f"denormals {name}"))
            for name in catalogue.compared()
        ),
    ],
)
def test_denormal_numbers_are_flushed(
    name: str, tuning: Tuning, environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    """In all threads: by every framework's expert tuning, and by TensorFlow and JAX by default."""
    modes, setting = catalogue.load(name).modes, Setting(threads=2, tuning=tuning)
    arguments = ("tests.denormals", name, tuning, *modes)
    printed = run_module(environment(name), arguments, setting, scratch=tmp_path)
    by_themselves = ("jax_flax", "keras[jax]", "keras[tensorflow]", "tensorflow_keras")
    flushed = tuning == "expert" or name in by_themselves
    assert list(map(float, printed.split())) == [flushed] * len(modes)


def trained_by_two_updates(
    name: str, environment: Callable[[str], Environment], folder: Path
) -> dict[str, dict[str, np.ndarray]]:
    """What `tests.two_updates` writes for a framework, by mode."""
    modes, out = catalogue.load(name).modes, folder / name
    arguments = ("tests.two_updates", name, str(out), *modes)
    run_module(environment(name), arguments, Setting(precision="float64"), scratch=folder)
    return {mode: dict(np.load(f"{out}-{mode}.npz", allow_pickle=False)) for mode in modes}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=rotating(f"two updates {name}"))
        for name in catalogue.compared()
        if catalogue.load(name).supports("mlp") and framework_of(name) != "keras"  # as it says
    ],
)
def test_a_step_makes_every_update_of_its_task(
    name: str, environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    """Each update moves its own layer, from the weights that the one before it left."""
    (expected,) = trained_by_two_updates("reference", environment, tmp_path).values()
    for mode, arrays in trained_by_two_updates(name, environment, tmp_path).items():
        assert arrays.keys() == expected.keys()
        for key, array in arrays.items():
            error = np.abs(array - expected[key]).max() / np.abs(expected[key]).max()
            assert array.shape == expected[key].shape and error < 1e-9, f"{mode}: {key} {error}"


HEADLINE = [name for name in tasks.names() if tasks.load(name).headline]


@pytest.mark.parametrize(
    "name",
    [
        # The quickest in each run of the tests.
        pytest.param(name, marks=[] if name == "mnist-mlp" else rotating(f"headline {name}"))
        for name in HEADLINE
    ],
)
def test_all_frameworks_train_a_headline_task(
    name: str, framebench: Framebench, tmp_path: Path
) -> None:
    framebench(
        # On one thread: most of what this run proves first, the other tests have proved.
        *("run", "-t", name, "--name", "r", "-n", "1", "--warmup", "0.5", "--threads", "1"),
        *("--train-examples", "1280", "--test-examples", "500"),
    )
    records = run_folder.read(tmp_path / "results" / "r").records
    assert {record.status for record in records} == {"ok"}
    same = {
        record.job.cell.framework: record.measurement for record in records if record.measurement
    }
    assert set(same) == set(catalogue.usual())
    assert len({measurement.weights_digest for measurement in same.values()}) == 1
    assert {measurement.parameter_count for measurement in same.values()} == {
        tasks.load(name).parameter_count
    }
    curves = np.array([measurement.first_losses[:EARLY_STEPS] for measurement in same.values()])
    expected = curves[:1].repeat(len(curves), axis=0)
    np.testing.assert_allclose(curves, expected, rtol=2 * TOLERANCES["float32"].loss)
    accuracies = [measurement.evaluations[-1].metric for measurement in same.values()]
    assert max(accuracies) - min(accuracies) < 0.05
    info = json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))
    for framework in catalogue.usual():
        packages = info["environments"][f"{framework} cpu"]
        assert set(catalogue.load(framework).packages) & set(packages) > {"numpy"}
    # in float64 and in the precision that is timed
    assert len(info["certificates"]) == 2 * len(catalogue.usual())
