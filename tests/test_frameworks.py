"""Every framework for real, in its own environment, on a little real data."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cpuinfo import get_cpu_info

from bench import tasks
from bench.core.setting import Setting, Tuning
from bench.launch import catalogue, worker_process
from bench.launch.environments import Environment
from bench.proof.tolerances import EARLY_STEPS, TOLERANCES
from bench.records import run_folder
from bench.report.proof import proof_forms
from tests.conftest import Framebench

pytestmark = pytest.mark.frameworks


HEAVY = [name for name in tasks.names() if tasks.load(name).heavy]
LIGHT = [name for name in tasks.names() if name not in HEAVY]


def named(names: list[str]) -> list[str]:
    return [text for name in names for text in ("-t", name)]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("threads", [1, 2])
def test_every_framework_is_proved_on_every_task_in_every_mode(
    precision: str, threads: int, framebench: Framebench
) -> None:
    """But heavy ones, which compilers take minutes for: see the test below."""
    chosen = ("--precision", precision, "--threads", str(threads), *named(LIGHT))
    found = proof_forms.from_json(framebench("verify", "--json", *chosen).stdout)
    cells = {(one.claim.framework, one.claim.mode, one.claim.task) for one in found}
    assert cells == {
        (framework, mode, task)
        for framework in catalogue.compared()
        for mode in catalogue.load(framework).modes
        for task in LIGHT
    }
    for one in found:
        assert one.status == "ok", f"{one}: {one.reason}"
        assert one.checks and all(check.passed for check in one.checks)


def test_every_framework_is_proved_on_heavy_tasks_as_it_is_recommended(
    framebench: Framebench,
) -> None:
    found = proof_forms.from_json(
        framebench("verify", "--json", "-m", "recommended", *named(HEAVY)).stdout
    )
    for one in found:
        assert one.status == "ok", f"{one}: {one.reason}"
    assert len(found) == 2 * len(catalogue.compared()) * len(HEAVY)


def test_what_computes_in_bf16_on_the_cpu_is_proved_and_the_rest_says_so(
    framebench: Framebench,
) -> None:
    headline = [name for name in tasks.names() if tasks.load(name).headline]
    chosen = ("--precision", "bf16", "-m", "recommended", *named(headline))
    done = framebench("verify", "--json", *chosen, expect=1)
    avx512 = "avx512bw" in get_cpu_info()["flags"]  # without it, MXNet has no code for bfloat16
    for one in proof_forms.from_json(done.stdout):
        framework = catalogue.load(one.claim.framework)
        if one.claim.framework == "mxnet_gluon" and not avx512:
            assert one.status == "unsupported"
            assert "has no bf16 on this processor" in one.reason
        elif framework.computes("bf16", "cpu"):
            assert one.status == "ok", f"{one}: {one.reason}"
            assert "rounding" in {check.name for check in one.checks}
        else:
            assert one.status == "unsupported"
            assert one.reason == f"{framework.title} has no bf16 on cpu"


def test_mxnet_says_so_where_the_processor_has_no_bf16(
    framebench: Framebench, plant: Callable[[str, str, str], Path]
) -> None:
    old = "\n[environment]\n"
    # MXNet's oneDNN then takes the processor for an older one.
    new = f'{old}DNNL_MAX_CPU_ISA = "AVX2"\n'
    tree = plant("frameworks/mxnet_gluon/framework.toml", old, new)
    chosen = ("-f", "mxnet_gluon", "-t", "mnist-mlp", "--precision", "bf16")
    done = framebench("verify", "--json", *chosen, tree=tree, expect=1)
    found = proof_forms.from_json(done.stdout)
    assert found and {one.status for one in found} == {"unsupported"}
    assert all("has no bf16 on this processor" in one.reason for one in found)


def test_frameworks_as_they_come_are_proved_too(framebench: Framebench) -> None:
    chosen = ("--tuning", "default", "-m", "recommended", *named(LIGHT))
    done = framebench("verify", "--json", *chosen)
    found = proof_forms.from_json(done.stdout)
    assert {one.claim.tuning for one in found} == {"default"}
    assert {one.status for one in found} == {"ok"}
    assert len(found) == 2 * len(catalogue.compared()) * len(LIGHT)


@pytest.mark.parametrize("tuning", ["expert", "default"])
@pytest.mark.parametrize("name", catalogue.compared())
def test_denormal_numbers_are_flushed(
    name: str, tuning: Tuning, environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    """By the expert tuning in all threads of all; as they come, TensorFlow and JAX alone do."""
    framework, own = catalogue.load(name), environment(name)
    done = subprocess.run(
        [str(own.python), "-m", "tests.denormals", name, tuning, *framework.modes],
        cwd=catalogue.TREE,
        env=worker_process.variables(
            framework, Setting(threads=2, tuning=tuning), scratch=tmp_path
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    flushed = tuning == "expert" or name in ("jax_flax", "tensorflow_keras")
    assert list(map(float, done.stdout.split())) == [flushed] * len(framework.modes)


def test_all_frameworks_train_the_headline_tasks(framebench: Framebench, tmp_path: Path) -> None:
    framebench(
        *("run", "--name", "r", "-n", "1", "--warmup", "0.5", "--length", "20"),
        *("--train-examples", "1280", "--test-examples", "500"),
    )
    found = run_folder.read(tmp_path / "results" / "r").records
    assert {record.status for record in found} == {"ok"}
    headline = [name for name in tasks.names() if tasks.load(name).headline]
    for name in headline:
        same = {
            record.job.cell.framework: record.measurement
            for record in found
            if record.job.cell.task == name and record.measurement
        }
        assert set(same) == set(catalogue.compared())
        assert len({one.weights_digest for one in same.values()}) == 1
        assert {one.parameter_count for one in same.values()} == {tasks.load(name).parameter_count}
        curves = np.array([one.first_losses[:EARLY_STEPS] for one in same.values()])
        expected = curves[:1].repeat(len(curves), axis=0)
        np.testing.assert_allclose(curves, expected, rtol=2 * TOLERANCES["float32"].loss)
        accuracies = [one.evaluations[-1].accuracy for one in same.values()]
        assert max(accuracies) - min(accuracies) < 0.05
    info = json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))
    for name in catalogue.compared():
        packages = info["environments"][f"{name} cpu"]
        assert set(catalogue.load(name).packages) & set(packages) > {"numpy"}
    # in float64 and in the precision that is timed
    assert len(info["certificates"]) == 2 * len(headline) * len(catalogue.compared())
